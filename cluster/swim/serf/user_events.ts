/** The user events of late: which were heard, and the latest themselves, for exchanges. */
import { createHash } from "node:crypto";
import { LIMITS } from "../../../base/limits.ts";
import type { SerfEvents } from "./messages.ts";
import { type Heard, Seen } from "./seen.ts";

/** As serf: the latest so many times of events, and of queries, are told apart. */
export const RECENT_TIMES = 512;

export interface UserEvent {
  readonly ltime: number;
  readonly name: string;
  readonly payload: Uint8Array;
}

export class UserEvents {
  readonly #seen = new Seen(RECENT_TIMES, LIMITS.serfEventsPerTimeMax);
  /** The oldest first. */
  readonly #recent: UserEvent[] = [];
  #recentBytes = 0;

  /** @param current the clock, having witnessed the event's time */
  note(event: UserEvent, current: number): Heard {
    const { ltime, name, payload } = event;
    const id = createHash("sha256").update(`${name.length} ${name}`).update(payload).digest("base64");
    const heard = this.#seen.note(ltime, id, current);
    if (heard === "new") this.#keep(event);
    return heard;
  }

  /** The latest, by their time. */
  recent(): SerfEvents[] {
    const times = Map.groupBy(this.#recent, ({ ltime }) => ltime);
    return [...times].map(([ltime, events]) => ({
      ltime,
      events: events.map(({ name, payload }) => ({ name, payload })),
    }));
  }

  #keep(event: UserEvent): void {
    this.#recent.push(event);
    this.#recentBytes += bytesOf(event);
    while (this.#recent.length > RECENT_TIMES || this.#recentBytes > LIMITS.serfEventsBytesMax) {
      this.#recentBytes -= bytesOf(this.#recent.shift()!);
    }
  }
}

function bytesOf({ name, payload }: UserEvent): number {
  return name.length + payload.length;
}

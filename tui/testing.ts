/** The console in memory: a terminal that keeps what it shows, a server that is told what to say, a clock that is moved. */
import { seededRng } from "../base/rng.ts";
import type { Json } from "../base/json.ts";
import type { Clock } from "../base/clock.ts";
import type { AgentAnswer } from "../server/core/requests.ts";
import { startState } from "./app/start.ts";
import type { AppState } from "./app/state.ts";
import { pictureOf } from "./app/picture.ts";
import { plainText } from "./text/line.ts";
import type { Look } from "./theme.ts";
import type { Area, View } from "./view.ts";
import { VIEWS } from "./views/mod.ts";

export const NOON = Date.UTC(2026, 10, 20, 12);
export const LOOK: Look = { colour: true, ascii: false };

export function agent(name: string, more: Partial<AgentAnswer> = {}): AgentAnswer {
  return {
    id: `agent-${name.replace(/\d/g, (digit) => "qrstuvwxyz"[Number(digit)]!).padEnd(26, "a").slice(0, 26)}`,
    key: "k",
    name,
    tags: { os: "linux" },
    state: "enrolled",
    connected: true,
    address: "192.0.2.7",
    version: "0.1.0",
    firstSeen: new Date(NOON - 86_400_000).toISOString(),
    lastSeen: new Date(NOON).toISOString(),
    flags: [],
    ...more,
  };
}

export interface StateOptions {
  size?: Area;
  look?: Look;
  readonly?: boolean;
  view?: string;
  filter?: string;
  views?: readonly View[];
}

export function consoleState(options: StateOptions = {}): AppState {
  return startState({
    views: options.views ?? VIEWS,
    size: options.size ?? { columns: 80, rows: 24 },
    look: options.look ?? LOOK,
    identity: { name: "test", url: "https://server.example:7400", user: "ada" },
    now: NOON,
    readonly: options.readonly ?? false,
    view: options.view ?? "agents",
    filter: options.filter ?? "",
  });
}

/** What a person reads: the whole screen, spaces at the ends left out. */
export function screenText(state: AppState): string {
  return pictureOf(state).map((line) => plainText(line).trimEnd()).join("\n");
}

/** A clock that only moves when it is told to. */
export class HandClock implements Clock {
  time = NOON;
  readonly #timers = new Map<number, { at: number; fire: () => void }>();
  #last = 0;

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  after(ms: number, fire: () => void): () => void {
    const id = ++this.#last;
    this.#timers.set(id, { at: this.time + ms, fire });
    return () => this.#timers.delete(id);
  }

  get waiting(): number {
    return this.#timers.size;
  }

  /** Fires what is due on the way, in order, and lets promises settle in between. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    await settled();
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.time = Math.max(this.time, due[1].at);
      due[1].fire();
      await settled();
    }
    this.time = end;
  }
}

/** Lets promises that are ready go on. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

export const rng = seededRng(3);

export function agentsAnswer(...agents: readonly AgentAnswer[]): Json {
  return { agents: JSON.parse(JSON.stringify(agents)) as Json };
}

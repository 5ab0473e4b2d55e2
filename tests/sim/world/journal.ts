/** What happened, in words: a hash of all of it (two runs of one seed must agree) and the last lines for a reader. */
import { WORLD_BEGIN } from "./clock.ts";

export interface Journal {
  /** @param time true time */
  note(time: number, who: string, what: string): void;
  events(): number;
  /** Changes with every word of every event. */
  hash(): string;
  /** The last events, oldest first. */
  tail(): string[];
}

/** Enough to see what led to a failure. */
const TAIL_EVENTS = 5000;

export function createJournal(): Journal {
  const tail: { time: number; who: string; what: string }[] = [];
  let events = 0;
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  const mix = (text: string): void => {
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      high = Math.imul(high ^ unit, 2654435761);
      low = Math.imul(low ^ unit, 1597334677);
    }
  };
  return {
    note(time, who, what) {
      events++;
      mix(`${time}${who}${what}`);
      tail.push({ time, who, what });
      if (tail.length >= 2 * TAIL_EVENTS) tail.splice(0, TAIL_EVENTS);
    },
    events: () => events,
    hash: () => [high, low].map((part) => (part >>> 0).toString(16).padStart(8, "0")).join(""),
    tail: () => tail.slice(-TAIL_EVENTS).map(({ time, who, what }) => `${clockText(time)} ${who.padEnd(8)} ${what}`),
  };
}

/** Time since the world began: `mm:ss.mmm`. */
function clockText(time: number): string {
  const ms = time - WORLD_BEGIN;
  const pad = (value: number, width: number) => String(value).padStart(width, "0");
  return `${pad(Math.floor(ms / 60_000), 2)}:${pad(Math.floor(ms / 1000) % 60, 2)}.${pad(ms % 1000, 3)}`;
}

/** A frame in a few words. */
export function gist(text: string): string {
  const lines = text.split("\n");
  const words = lines.slice(0, 3).map((line) => {
    const kind = /"kind":"(\w+)"/.exec(line)?.[1] ?? "?";
    const at = /"stream":"([^"]*)","offset":(\d+)/.exec(line);
    const state = /"state":"([\w-]+)"/.exec(line)?.[1];
    const next = kind === "ack" || kind === "welcome" ? [...line.matchAll(/"next":(\d+)/g)].map((one) => one[1]) : [];
    const job = /^[^{]*\{[^{]*?"job":"([^"]*)"/.exec(line)?.[1];
    return [kind, job && short(job), state, at && `${short(at[1]!)}#${at[2]}`, next.join(",")].filter(Boolean).join(
      " ",
    );
  });
  return `${words.join(" | ")}${lines.length > 3 ? ` | … ${lines.length} lines` : ""}`;
}

/** A stream's or an id's last characters: enough to tell them apart. */
export function short(name: string): string {
  const [agent = "", lane] = name.split("/");
  return lane === undefined ? agent.slice(-6) : `${agent.slice(-4)}/${lane.slice(-6)}`;
}

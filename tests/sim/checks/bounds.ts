/** What the cores keep and use stays within bounds, as far as it can be seen from outside. */
import { Buffer } from "node:buffer";
import { LIMITS } from "../../../base/limits.ts";
import { isJsonObject } from "../../../base/json.ts";
import type { Gauges } from "../../../server/core/core.ts";
import { must } from "./failure.ts";

/** One process of one agent, watched from its driver's place. */
export interface AgentBounds {
  timers(count: number): void;
  /** Effects that are not answered yet. */
  pending(count: number): void;
  connected(): void;
  sends(text: string): void;
  hears(text: string): void;
  writable(): void;
  emits(run: string, bytes: number): void;
  credits(run: string, bytes: number): void;
}

/** Timers of the core itself; each run may have one more. */
const TIMERS_MAX = 16 + LIMITS.runsAtOnceMax;
/** One persist and a page per stream; no simulated agent has more streams than this at a time. */
const PENDING_MAX = 300;

export function createAgentBounds(name: string): AgentBounds {
  let unacknowledged = new Map<string, { to: number; bytes: number }[]>();
  let inFlight = 0;
  let unwritten = 0;
  const owed = new Map<string, number>();

  const count = (stream: string, next: number): void => {
    const flights = unacknowledged.get(stream) ?? [];
    while (flights.length > 0 && flights[0]!.to <= next) inFlight -= flights.shift()!.bytes;
  };
  return {
    timers: (held) => must("bounds", held <= TIMERS_MAX, () => `${name} has set ${held} timers`),
    pending: (held) => must("bounds", held <= PENDING_MAX, () => `${name} waits for ${held} answers of its disk`),
    connected() {
      unacknowledged = new Map();
      inFlight = 0;
      unwritten = 0;
    },
    sends(text) {
      const bytes = Buffer.byteLength(text);
      must("bounds", bytes <= LIMITS.frameBytesMax, () => `${name} sends a frame of ${bytes} bytes`);
      unwritten += bytes;
      must(
        "bounds",
        unwritten <= LIMITS.socketBytesMax + LIMITS.frameBytesMax,
        () => `${name} has ${unwritten} unwritten bytes`,
      );
      for (const line of text.split("\n")) {
        const at = /"stream":"([^"]*)","offset":(\d+)/.exec(line);
        if (at === null) continue;
        const flights = unacknowledged.get(at[1]!) ?? [];
        unacknowledged.set(at[1]!, flights);
        flights.push({ to: Number(at[2]) + 1, bytes: Buffer.byteLength(line) });
        inFlight += Buffer.byteLength(line);
      }
      must(
        "bounds",
        inFlight <= LIMITS.windowBytesMax + LIMITS.frameBytesMax,
        () => `${name} has ${inFlight} bytes in flight`,
      );
    },
    hears(text) {
      if (!text.includes('"kind":"ack"')) return;
      const message: unknown = JSON.parse(text);
      const body = isJsonObject(message) ? message["body"] : undefined;
      const marks = isJsonObject(body) && Array.isArray(body["streams"]) ? body["streams"] : [];
      for (const mark of marks) if (isJsonObject(mark)) count(String(mark["stream"]), Number(mark["next"]));
    },
    writable: () => void (unwritten = 0),
    emits: (run, bytes) => void owed.set(run, (owed.get(run) ?? 0) + bytes),
    credits(run, bytes) {
      const left = (owed.get(run) ?? 0) - bytes;
      must("bounds", left >= 0, () => `${name} gives run ${run} ${-left} bytes of credit too many`);
      owed.set(run, left);
    },
  };
}

/** @param name the server's @param agents how many there are @param waiting effects of the server that are not answered yet */
export function checkServerBounds(
  name: string,
  gauges: Gauges,
  agents: number,
  orders: number,
  waiting: number,
): void {
  const { sessions, sessionsReady, queueBytes, openOrders, openTargets } = gauges;
  const said = (what: string) => () => `${name} holds ${what}: ${JSON.stringify(gauges)}`;
  must("bounds", gauges.agents <= agents && gauges.agentsPending <= agents, said("agents that do not exist"));
  must("bounds", sessionsReady <= agents && sessions <= agents, said("more sessions than agents"));
  must("bounds", queueBytes >= 0 && queueBytes <= LIMITS.storeQueueBytesMax, said("too long a queue"));
  must(
    "bounds",
    openOrders <= orders && openTargets <= openOrders * agents && openTargets >= 0,
    said("too many orders"),
  );
  must(
    "bounds",
    waiting <= LIMITS.storeQueueBytesMax / 1024,
    () => `${name} waits for ${waiting} answers of its disk`,
  );
}

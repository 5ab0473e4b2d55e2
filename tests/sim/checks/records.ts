/**
 * Records: what an agent wrote down is found on the server in the end, unchanged; what anybody was told is durable, is;
 * offsets are gapless. The truth is what the disks made durable, in the order they did.
 *
 * An agent whose disk was put back from a backup goes on from there: what it had written since is no longer its own, but
 * what the server holds of it stays, under its offsets, and what the agent writes there anew must be found elsewhere.
 */
import type { MemoryEngine } from "../../../base/store_memory.ts";
import { addRange, holes } from "../../../base/ranges.ts";
import type { StoreOp, StreamRange } from "../../../base/store.ts";
import { AGENT_TABLES } from "../../../agent/core/contract.ts";
import { isJsonObject } from "../../../base/json.ts";
import { nextIncarnation } from "../../../wire/streams.ts";
import { must } from "./failure.ts";

export interface RecordChecks {
  /** An agent's disk is about to apply an op. */
  agentApplies(op: StoreOp): void;
  agentSends(text: string): void;
  /** An agent goes on from an earlier disk. */
  rewound(agent: string, disk: MemoryEngine): void;
  /** The server's disk is about to apply an op. */
  serverApplies(op: StoreOp): void;
  serverSends(text: string): void;
  serverPublishes(stream: string, first: number, lines: readonly string[]): void;
  /** What was acknowledged is there: asked when the server starts, and at the end. */
  acknowledgedIsThere(): void;
  /** Where a record lies that its agent has and the server has not. */
  missing(): string | undefined;
  /** Records that agents made durable. */
  count(): number;
}

interface Ledger {
  /** What is durable on the server. */
  readonly server: MemoryEngine;
  /** The lines of each stream as the agents' disks have made them durable. */
  readonly minted: Map<string, string[]>;
  /** Lines that a rewound agent wrote before. */
  readonly former: Set<string>;
  /** What an agent was told that the server keeps. */
  readonly acknowledged: Map<string, StreamRange[]>;
}

/** @param server what is durable on the server */
export function createRecordChecks(server: MemoryEngine): RecordChecks {
  const ledger: Ledger = { server, minted: new Map(), former: new Set(), acknowledged: new Map() };
  const { minted, acknowledged } = ledger;
  return {
    agentApplies: (op) => agentApplies(ledger, op),
    agentSends(text) {
      for (const line of text.split("\n")) {
        const at = placeOf(line);
        if (at === undefined) continue;
        const durable = minted.get(at.stream)?.[at.offset];
        must("durable", durable === line, () => `${at.stream}#${at.offset} is sent and not durable on its agent`);
      }
    },
    rewound: (agent, disk) => rewound(ledger, agent, disk),
    serverApplies: (op) => serverApplies(ledger, op),
    serverSends(text) {
      if (!text.includes('"kind":"ack"') && !text.includes('"kind":"welcome"')) return;
      for (const { stream, first, next } of marksIn(text)) promise(ledger, stream, first, next, "the server");
    },
    serverPublishes(stream, first, lines) {
      const stored = server.read(stream, first, { lines: lines.length, bytes: Infinity }).lines;
      lines.forEach((line, index) => {
        const same = stored[index]?.offset === first + index && stored[index].text === line;
        must("durable", same, () => `${stream}#${first + index} is published and not durable`);
      });
    },
    acknowledgedIsThere() {
      for (const [stream, ranges] of acknowledged) for (const { from, to } of ranges) isThere(ledger, stream, from, to);
    },
    missing: () => missing(ledger),
    count: () => [...minted.values()].reduce((sum, lines) => sum + lines.length, 0),
  };
}

/** Somebody says that the server keeps this part. */
function promise({ server, acknowledged }: Ledger, stream: string, first: number, next: number, by: string): void {
  const gaps = holes(server.extent(stream)?.ranges ?? [], first, next);
  must(
    "acknowledged",
    gaps.length === 0,
    () => `${by} says ${stream} is kept from ${first} to ${next}, but not there is ${JSON.stringify(gaps)}`,
  );
  const ranges = acknowledged.get(stream) ?? [];
  acknowledged.set(stream, ranges);
  addRange(ranges, first, next);
}

/** The part is on the server, word for word. */
function isThere(ledger: Ledger, stream: string, from: number, to: number): void {
  const { lines } = ledger.server.read(stream, from, { lines: Math.max(1, to - from), bytes: Infinity });
  for (let offset = from; offset < to; offset++) {
    const line = lines[offset - from];
    must("acknowledged", line?.offset === offset, () => `${stream}#${offset} is gone from the server`);
    must(
      "offsets",
      isWritten(ledger, stream, offset, line?.text),
      () => `${stream}#${offset} has changed on the server`,
    );
  }
}

/** Its agent wrote this very line there, in this history or in one that a backup has ended. */
function isWritten({ minted, former }: Ledger, stream: string, offset: number, line: string | undefined): boolean {
  return line !== undefined && (minted.get(stream)?.[offset] === line || former.has(line));
}

function agentApplies(ledger: Ledger, op: StoreOp): void {
  const { minted } = ledger;
  if (op.op === "append") {
    const lines = minted.get(op.stream) ?? [];
    minted.set(op.stream, lines);
    const end = lines.length;
    must("offsets", op.first === end, () => `${op.stream}: offset ${op.first} is minted after ${end - 1}`);
    for (const line of op.lines) lines.push(line);
  } else if (op.op === "put") {
    if (op.table === AGENT_TABLES.mark) isKept(ledger, op.key, Number(op.row["acked"]), "takes for kept");
  } else if (op.op !== "delete") {
    isKept(ledger, op.stream, op.op === "trim" ? op.below : minted.get(op.stream)?.length ?? 0, "lets go of");
  }
}

/** Whatever its agent is done with lies on the server, or goes on in the stream's next incarnation. */
function isKept({ server, minted }: Ledger, stream: string, below: number, what: string): void {
  const gone = missingOf(server, stream, (minted.get(stream) ?? []).slice(0, below));
  if (gone === undefined) return;
  const heir = minted.get(nextIncarnation(stream)) ?? [];
  const moved = heir.some((line) => idOf(line) === idOf(gone.line));
  must(
    "acknowledged",
    moved,
    () => `an agent ${what} ${stream} below ${below}, the server has not got #${gone.offset}`,
  );
}

/** Backups are taken before anything was trimmed, so they hold the whole truth of their time. */
function rewound({ minted, former }: Ledger, agent: string, disk: MemoryEngine): void {
  for (const [stream, lines] of minted) {
    if (!stream.startsWith(`${agent}/`)) continue;
    for (const line of lines) former.add(line);
    minted.delete(stream);
  }
  for (const { stream } of disk.extents("")) {
    const { lines } = disk.read(stream, 0, { lines: Infinity, bytes: Infinity });
    minted.set(stream, lines.map(({ text }) => text));
  }
}

function serverApplies(ledger: Ledger, op: StoreOp): void {
  if (op.op === "trim" || op.op === "drop") {
    must("acknowledged", false, () => `the server lets go of ${op.stream}`);
  }
  if (op.op !== "append") return;
  op.lines.forEach((line, index) => {
    const offset = op.first + index;
    const said = () => `the server stores ${op.stream}#${offset}, which no agent wrote: ${line}`;
    must("offsets", isWritten(ledger, op.stream, offset, line), said);
  });
}

function missing({ server, minted }: Ledger): string | undefined {
  for (const [stream, lines] of minted) {
    const gone = missingOf(server, stream, lines);
    if (gone !== undefined) return `${stream}#${gone.offset}`;
  }
  return undefined;
}

/** The first of these lines of a stream that the server has neither there nor in a later incarnation of the stream. */
function missingOf(
  server: MemoryEngine,
  stream: string,
  lines: readonly string[],
): { offset: number; line: string } | undefined {
  const held = new Map(
    server.read(stream, 0, { lines: Math.max(1, lines.length), bytes: Infinity }).lines.map((
      { offset, text },
    ) => [offset, text]),
  );
  const elsewhere = new Set<string>();
  for (let offset = 0; offset < lines.length; offset++) {
    const line = lines[offset]!;
    if (held.get(offset) === line) continue;
    if (elsewhere.size === 0) {
      for (const { stream: name } of server.extents(stream.replace(/~.*/, ""))) {
        for (const { text } of server.read(name, 0, { lines: Infinity, bytes: Infinity }).lines) {
          elsewhere.add(idOf(text));
        }
      }
    }
    if (!elsewhere.has(idOf(line))) return { offset, line };
  }
  return undefined;
}

/** A record keeps its id in every incarnation of its stream. */
function idOf(line: string): string {
  return /"id":"(\w+)"/.exec(line)?.[1] ?? line;
}

/** The marks of an `ack` or a `welcome`. */
function marksIn(text: string): { stream: string; first: number; next: number }[] {
  const message: unknown = JSON.parse(text);
  const body = isJsonObject(message) ? message["body"] : undefined;
  const streams = isJsonObject(body) && Array.isArray(body["streams"]) ? body["streams"] : [];
  return streams.filter(isJsonObject).map((mark) => ({
    stream: String(mark["stream"]),
    first: Number(mark["first"] ?? 0),
    next: Number(mark["next"]),
  }));
}

/** Where a record belongs; `undefined` for what is none. */
export function placeOf(line: string): { stream: string; offset: number } | undefined {
  const found = /^[^{]*\{[^{]*?"stream":"([^"]*)","offset":(\d+)/.exec(line);
  return found === null ? undefined : { stream: found[1]!, offset: Number(found[2]) };
}

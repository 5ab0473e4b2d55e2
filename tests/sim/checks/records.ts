/**
 * Records: what an agent wrote down is found on a server in the end, unchanged; what anybody was told is durable, is;
 * offsets are gapless. The truth is what the disks made durable, in the order they did.
 *
 * An agent whose disk was put back from a backup goes on from there: what it had written since is no longer its own, but
 * what a server holds of it stays, under its offsets, and what the agent writes there anew must be found elsewhere.
 */
import type { MemoryEngine } from "../../../base/store/memory.ts";
import { addRange, holes } from "../../../base/store/ranges.ts";
import type { StoreOp, StreamRange } from "../../../base/store.ts";
import { AGENT_TABLES } from "../../../agent/core/contract.ts";
import { isJsonObject } from "../../../base/json.ts";
import { nextIncarnation } from "../../../wire/streams.ts";
import { must } from "./failure.ts";

/** A server as the checkers see it. */
export interface Holder {
  readonly name: string;
  /** What is durable there. */
  engine(): MemoryEngine;
}

export interface RecordChecks {
  /** An agent's disk is about to apply an op. */
  agentApplies(op: StoreOp): void;
  agentSends(text: string): void;
  /** An agent goes on from an earlier disk. */
  rewound(agent: string, disk: MemoryEngine): void;
  /** A server's disk is about to apply an op. */
  serverApplies(server: Holder, op: StoreOp): void;
  serverSends(server: Holder, text: string): void;
  serverPublishes(server: Holder, stream: string, first: number, lines: readonly string[]): void;
  /** What this server acknowledged is there: asked when it starts, and at the end. */
  acknowledgedIsThere(server: Holder): void;
  /** Where a record lies that its agent has and no server has. @param anew without trust in what was found before */
  missing(anew?: boolean): string | undefined;
  /** Records that agents made durable. */
  count(): number;
}

interface Ledger {
  readonly servers: readonly Holder[];
  /** The lines of each stream as the agents' disks have made them durable. */
  readonly minted: Map<string, string[]>;
  /** Lines that a rewound agent wrote before. */
  readonly former: Set<string>;
  /** What an agent was told that a server keeps: server → stream → ranges. */
  readonly acknowledged: Map<Holder, Map<string, StreamRange[]>>;
  /** Lines at the start of a stream that were found on servers, which neither change a line nor let one go. */
  readonly found: Map<string, number>;
}

export function createRecordChecks(servers: readonly Holder[]): RecordChecks {
  const acknowledged = new Map(servers.map((server) => [server, new Map<string, StreamRange[]>()]));
  const ledger: Ledger = { servers, minted: new Map(), former: new Set(), acknowledged, found: new Map() };
  const { minted } = ledger;
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
    serverApplies: (server, op) => serverApplies(ledger, server, op),
    serverSends(server, text) {
      if (!text.includes('"kind":"ack"') && !text.includes('"kind":"welcome"')) return;
      for (const mark of marksIn(text)) promise(ledger, server, mark);
    },
    serverPublishes(server, stream, first, lines) {
      const stored = server.engine().read(stream, first, { lines: lines.length, bytes: Infinity }).lines;
      lines.forEach((line, index) => {
        const same = stored[index]?.offset === first + index && stored[index].text === line;
        must("durable", same, () => `${stream}#${first + index} is published and not durable on ${server.name}`);
      });
    },
    acknowledgedIsThere(server) {
      for (const [stream, ranges] of acknowledged.get(server) ?? []) {
        for (const { from, to } of ranges) isThere(ledger, server, stream, from, to);
      }
    },
    missing(anew = false) {
      if (anew) ledger.found.clear();
      return missing(ledger);
    },
    count: () => [...minted.values()].reduce((sum, lines) => sum + lines.length, 0),
  };
}

/** Somebody says that the server keeps this part. */
function promise({ acknowledged }: Ledger, server: Holder, { stream, first, next }: Mark): void {
  const gaps = holes(server.engine().extent(stream)?.ranges ?? [], first, next);
  must(
    "acknowledged",
    gaps.length === 0,
    () => `${server.name} says ${stream} is kept from ${first} to ${next}, but not there is ${JSON.stringify(gaps)}`,
  );
  const streams = acknowledged.get(server)!;
  const ranges = streams.get(stream) ?? [];
  streams.set(stream, ranges);
  addRange(ranges, first, next);
}

/** The part is on the server, word for word. */
function isThere(ledger: Ledger, server: Holder, stream: string, from: number, to: number): void {
  const { lines } = server.engine().read(stream, from, { lines: Math.max(1, to - from), bytes: Infinity });
  for (let offset = from; offset < to; offset++) {
    const line = lines[offset - from];
    must("acknowledged", line?.offset === offset, () => `${stream}#${offset} is gone from ${server.name}`);
    must(
      "offsets",
      isWritten(ledger, stream, offset, line?.text),
      () => `${stream}#${offset} has changed on ${server.name}`,
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

/** Whatever its agent is done with lies on a server, or goes on in the stream's next incarnation. */
function isKept(ledger: Ledger, stream: string, below: number, what: string): void {
  const gone = missingOf(ledger, stream, below);
  if (gone === undefined) return;
  const heir = ledger.minted.get(nextIncarnation(stream)) ?? [];
  const moved = heir.some((line) => idOf(line) === idOf(gone.line));
  must(
    "acknowledged",
    moved,
    () => `an agent ${what} ${stream} below ${below}, no server has got #${gone.offset}`,
  );
}

/** Backups are taken before anything was trimmed, so they hold the whole truth of their time. */
function rewound({ minted, former, found }: Ledger, agent: string, disk: MemoryEngine): void {
  for (const [stream, lines] of minted) {
    if (!stream.startsWith(`${agent}/`)) continue;
    for (const line of lines) former.add(line);
    minted.delete(stream);
    found.delete(stream);
  }
  for (const { stream } of disk.extents("")) {
    const { lines } = disk.read(stream, 0, { lines: Infinity, bytes: Infinity });
    minted.set(stream, lines.map(({ text }) => text));
  }
}

function serverApplies(ledger: Ledger, { name }: Holder, op: StoreOp): void {
  if (op.op === "trim" || op.op === "drop") {
    must("acknowledged", false, () => `${name} lets go of ${op.stream}`);
  }
  if (op.op !== "append") return;
  op.lines.forEach((line, index) => {
    const offset = op.first + index;
    const said = () => `${name} stores ${op.stream}#${offset}, which no agent wrote: ${line}`;
    must("offsets", isWritten(ledger, op.stream, offset, line), said);
  });
}

function missing(ledger: Ledger): string | undefined {
  for (const [stream, lines] of ledger.minted) {
    const gone = missingOf(ledger, stream, lines.length);
    if (gone !== undefined) return `${stream}#${gone.offset}`;
  }
  return undefined;
}

/** The first line of a stream below that offset that no server has, neither there nor in a later incarnation of the stream. */
function missingOf(ledger: Ledger, stream: string, below: number): { offset: number; line: string } | undefined {
  const { servers, minted, found } = ledger;
  const lines = minted.get(stream) ?? [];
  const end = Math.min(below, lines.length);
  const begin = found.get(stream) ?? 0;
  if (begin >= end) return undefined;
  const held = new Set<string>();
  for (const server of servers) {
    const slice = server.engine().read(stream, begin, { lines: end - begin, bytes: Infinity });
    for (const { offset, text } of slice.lines) if (lines[offset] === text) held.add(text);
  }
  let elsewhere: Set<string> | undefined;
  for (let offset = begin; offset < end; offset++) {
    const line = lines[offset]!;
    if (!held.has(line) && !(elsewhere ??= heldAnywhere(servers, stream)).has(idOf(line))) return { offset, line };
    found.set(stream, offset + 1);
  }
  return undefined;
}

/** Ids of all records in all incarnations of a stream. */
function heldAnywhere(servers: readonly Holder[], stream: string): Set<string> {
  const ids = new Set<string>();
  for (const server of servers) {
    const engine = server.engine();
    for (const { stream: name } of engine.extents(stream.replace(/~.*/, ""))) {
      for (const { text } of engine.read(name, 0, { lines: Infinity, bytes: Infinity }).lines) ids.add(idOf(text));
    }
  }
  return ids;
}

/** A record keeps its id in every incarnation of its stream. */
function idOf(line: string): string {
  return /"id":"(\w+)"/.exec(line)?.[1] ?? line;
}

interface Mark {
  stream: string;
  first: number;
  next: number;
}

/** The marks of an `ack` or a `welcome`. */
function marksIn(text: string): Mark[] {
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

/**
 * Acknowledged appends through the storage thread, against the same records written straight to SQLite, one row a
 * record, in the same process, with the same pragmas and transactions of the size that our groups had.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { threadStore } from "../server/storage/thread_store.ts";
import { type BenchResult, median } from "./result.ts";

const ROUNDS = 5;
const FRAMES = 1500;
const RECORDS_A_FRAME = 64;
const RECORDS = FRAMES * RECORDS_A_FRAME;
/** Agents that send at once; each waits for its acknowledgement before the next frame. */
const SENDERS = 32;
const TARGET = 0.5;

interface Frame {
  stream: string;
  first: number;
  lines: string[];
}

interface Measured {
  recordsPerSecond: number;
  /** Frames in a transaction. */
  group: number;
}

/** Runs both sides in turn. */
export async function benchAppend(): Promise<BenchResult> {
  const senders = makeFrames();
  const rounds: { ours: Measured; peer: Measured }[] = [];
  // The first round warms up and is not counted.
  for (let round = 0; round <= ROUNDS; round++) {
    const ours = await inFolder((dir) => appendThroughThread(dir, senders));
    const peer = await inFolder((dir) => Promise.resolve(appendRaw(dir, senders, Math.round(ours.group))));
    if (round > 0) rounds.push({ ours, peer });
  }
  return {
    name: "append",
    ours: Math.round(median(rounds.map(({ ours }) => ours.recordsPerSecond))),
    peer: Math.round(median(rounds.map(({ peer }) => peer.recordsPerSecond))),
    unit: "rec/s",
    ratio: median(rounds.map(({ ours, peer }) => ours.recordsPerSecond / peer.recordsPerSecond)),
    target: TARGET,
    better: "higher",
    notes: `${ROUNDS} rounds of ${RECORDS} records of about 256 bytes, ${SENDERS} senders, ` +
      `${median(rounds.map(({ ours }) => ours.group)).toFixed(1)} frames a transaction on both sides`,
  };
}

/** Each sender's frames, in order. */
function makeFrames(): Frame[][] {
  return Array.from({ length: SENDERS }, (_, sender) => {
    const count = Math.floor(FRAMES / SENDERS) + (sender < FRAMES % SENDERS ? 1 : 0);
    return Array.from({ length: count }, (_, frame) => {
      const first = frame * RECORDS_A_FRAME;
      const lines = Array.from({ length: RECORDS_A_FRAME }, (_, i) => makeRecord(sender, first + i));
      return { stream: `agent-${sender}/run`, first, lines };
    });
  });
}

function makeRecord(sender: number, offset: number): string {
  const id = `${sender}-${offset}`.padStart(26, "0");
  const text = `line ${offset} of sender ${sender}: `.padEnd(140, "lorem ipsum dolor sit amet ");
  return JSON.stringify({ v: 1, id, kind: "output", time: "2026-01-01T00:00:00.000Z", offset, body: { text } });
}

async function inFolder<T>(run: (dir: string) => Promise<T>): Promise<T> {
  const dir = await Deno.makeTempDir();
  try {
    return await run(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function appendThroughThread(dir: string, senders: readonly Frame[][]): Promise<Measured> {
  const store = await threadStore({ dataDir: dir, storeId: "bench" });
  const start = performance.now();
  await Promise.all(senders.map(async (frames) => {
    for (const { stream, first, lines } of frames) await store.commit([{ op: "append", stream, first, lines }]);
  }));
  const seconds = (performance.now() - start) / 1000;
  const { commits, transactions } = await store.health();
  await store.close();
  return { recordsPerSecond: RECORDS / seconds, group: commits / transactions };
}

function appendRaw(dir: string, senders: readonly Frame[][], group: number): Measured {
  const db = new DatabaseSync(join(dir, "raw.db"));
  db.exec("PRAGMA page_size = 8192; PRAGMA locking_mode = EXCLUSIVE");
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2048");
  db.exec("CREATE TABLE record(stream INTEGER, offset INTEGER, body TEXT, PRIMARY KEY (stream, offset)) WITHOUT ROWID");
  const begin = db.prepare("BEGIN IMMEDIATE");
  const insert = db.prepare("INSERT INTO record VALUES (?, ?, ?)");
  const commit = db.prepare("COMMIT");
  const frames = interleaved(senders);
  const start = performance.now();
  for (let at = 0; at < frames.length; at += group) {
    begin.run();
    for (const { sender, frame } of frames.slice(at, at + group)) {
      frame.lines.forEach((line, i) => insert.run(sender, frame.first + i, line));
    }
    commit.run();
  }
  const seconds = (performance.now() - start) / 1000;
  db.close();
  return { recordsPerSecond: RECORDS / seconds, group };
}

/** The frames of all senders in turn, as they reach a server. */
function interleaved(senders: readonly Frame[][]): { sender: number; frame: Frame }[] {
  const longest = Math.max(...senders.map((frames) => frames.length));
  const all: { sender: number; frame: Frame }[] = [];
  for (let i = 0; i < longest; i++) {
    senders.forEach((frames, sender) => {
      const frame = frames[i];
      if (frame !== undefined) all.push({ sender, frame });
    });
  }
  return all;
}

if (import.meta.main) console.log(await benchAppend());

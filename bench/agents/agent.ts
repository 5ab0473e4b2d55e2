/** Agents as a server sees them: real keys, challenges, claims and records, without a host behind them. */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { rfc3339 } from "../../base/clock.ts";
import { UlidMaker } from "../../base/ids.ts";
import { systemRng } from "../../base/rng_system.ts";
import { VERSION } from "../../base/version.ts";
import { lineMaker } from "../../agent/core/lines.ts";
import { toBase64url } from "../../wire/base64url.ts";
import { encodeEnvelope, type Envelope, PROTOCOL } from "../../wire/envelope.ts";
import { agentIdOf, dialledName, makeConnectClaim, type PrivateKey } from "../../wire/identity/mod.ts";
import { privateKeyFromSeed } from "../../wire/keys.ts";
import { runStream } from "../../wire/streams.ts";
import { textFrame } from "./socket.ts";

export const ids: UlidMaker = new UlidMaker(systemRng);

export interface AgentIdentity {
  index: number;
  id: string;
  key: PrivateKey;
}

/** The same agent for the same index. */
export function makeIdentity(index: number): AgentIdentity {
  const key = privateKeyFromSeed(createHash("sha256").update(`bench agent ${index}`).digest());
  return { index, id: agentIdOf(key.public.jwk), key };
}

/** The headers of an agent's upgrade request. */
export function claimHeaders(
  { key }: AgentIdentity,
  server: { cluster: string; node: string; url: string; nonce: string; join: string },
): Record<string, string> {
  const now = Date.now();
  const claim = makeConnectClaim(key, {
    cluster: server.cluster,
    node: server.node,
    dialled: dialledName(server.url),
    nonce: server.nonce,
    salt: toBase64url(Buffer.from(systemRng.bytes(16))),
    boot: ids.next(now),
    epoch: 1,
    now,
  });
  return { authorization: `Bearer ${claim}`, "x-jabber-join": server.join };
}

export function helloLine({ id, index }: AgentIdentity): string {
  const name = `host-${String(index).padStart(5, "0")}.example.org`;
  return line(id, "hello", {
    protocol: PROTOCOL,
    version: VERSION,
    boot: ids.next(Date.now()),
    epoch: 1,
    name,
    tags: { os: "linux", arch: "x86_64", hostname: name, env: "prod", role: index % 2 === 0 ? "web" : "db" },
    streams: [],
  });
}

export function aliveLine({ id }: AgentIdentity): string {
  return line(id, "alive", { running: 0, spoolBytes: 0 });
}

function line<K extends "hello" | "alive">(from: string, kind: K, body: Envelope<K>["body"]): string {
  const now = Date.now();
  // Kind and body belong together by this function's own signature.
  const envelope = { v: 1, id: ids.next(now), kind, from, time: rfc3339(now), body } as Envelope<"hello" | "alive">;
  return encodeEnvelope(envelope as Envelope<"hello"> & Envelope<"alive">);
}

/** Stand for the ids that are new with each order. */
const JOB = "0".repeat(26);
const RUN = "1".repeat(26);
const RECORD = "2".repeat(26);
const JOB_MEMBER = '"job":"';

/** What an agent answers to `sys.facts`. */
export interface Answer {
  /** Another run, with other ids. */
  renew(): void;
  /** The frames it sends. */
  to(command: string): readonly Uint8Array[];
}

/**
 * An agent's answer, as the frames it sends: that the run started; its end with the facts. They hold the very lines an
 * agent would mint. They are made once, and an order's own ids are written into them: so answering costs the loader
 * next to nothing, and no garbage of one order's is left to be collected in another's time.
 */
export function prepareAnswer(identity: AgentIdentity): Answer {
  const frames = answerLines(identity).map((text) => {
    const bytes = textFrame(text);
    const write = (places: readonly number[], id: string) => {
      for (const place of places) bytes.write(id, place, "latin1");
    };
    return { bytes, write, jobs: placesOf(bytes, JOB), runs: placesOf(bytes, RUN), records: placesOf(bytes, RECORD) };
  });
  return {
    renew() {
      const now = Date.now();
      const run = ids.next(now);
      for (const { write, runs, records } of frames) {
        write(runs, run);
        write(records, ids.next(now));
      }
    },
    to(command) {
      const at = command.indexOf(JOB_MEMBER) + JOB_MEMBER.length;
      const job = command.slice(at, at + JOB.length);
      return frames.map(({ bytes, write, jobs }) => {
        write(jobs, job);
        return bytes;
      });
    },
  };
}

function placesOf(bytes: Buffer, id: string): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(id); at >= 0; at = bytes.indexOf(id, at + 1)) places.push(at);
  return places;
}

function answerLines({ id, index }: AgentIdentity): string[] {
  const now = Date.now();
  const [job, run] = [JOB, RUN];
  const stream = runStream(id, run, 0);
  const make = lineMaker({ agent: id, job, run });
  const does = { does: "command:sys.facts", signers: [] };
  const start = rfc3339(now);
  const end = { start, finish: start, durationMs: 0 };
  const facts = hostFacts(index);
  const started = make(RECORD, now, "runState", { state: "started", ...does }, { start });
  const finished = make(RECORD, now, "runState", { state: "finished", ...does, ok: true, result: facts }, end);
  return [started(stream, 0), finished(stream, 1)];
}

function hostFacts(index: number) {
  return {
    hostname: `host-${String(index).padStart(5, "0")}.example.org`,
    os: "linux",
    arch: "x86_64",
    osRelease: "6.1.0-28-amd64",
    uptime: 1_234_567,
    loadAverage: [0.52, 0.58, 0.59],
    memory: { totalBytes: 25_276_502_016, availableBytes: 21_360_934_912, freeBytes: 20_370_153_472 },
    cpus: 2,
    interfaces: [
      { name: "lo", address: "127.0.0.1", family: "IPv4" },
      { name: "eth0", address: `10.0.${index >> 8}.${index & 255}`, family: "IPv4" },
    ],
    agent: { version: VERSION, pid: 1234, rssBytes: 60_000_000 },
  };
}

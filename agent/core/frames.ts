/** What goes over the line to the server: its frames judged and handed on, and the few messages that are no records. */
import { Buffer } from "node:buffer";
import { rfc3339 } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { type AnyEnvelope, encodeEnvelope, PROTOCOL, splitFrame } from "../../wire/envelope.ts";
import type { BodyOf, Kind } from "../../wire/kinds.ts";
import { aliveAnswered, type Connection, hangUp, learnServers, redirected, sayAlive, welcomed } from "./connection.ts";
import { listed, offered } from "./jobs/accept.ts";
import { jobsConnected, work } from "./jobs/jobs.ts";
import type { Jobs } from "./jobs/state.ts";
import { cancelled, ordered, type Orders, refetch } from "./orders.ts";
import type { Runs } from "./runs.ts";
import type { Seen } from "./seen.ts";
import { acked, helloStreams, type Sender, startSending } from "./sender.ts";
import type { ShellDriver } from "./shell.ts";
import { hasRoom, loseEvent, type Spool } from "./spool.ts";
import { allTags, type Tags } from "./tags.ts";

/** Everything the core is made of. */
export interface Parts {
  readonly driver: ShellDriver;
  readonly connection: Connection;
  readonly spool: Spool;
  readonly sender: Sender;
  readonly seen: Seen;
  readonly tags: Tags;
  readonly runs: Runs;
  readonly orders: Orders;
  readonly jobs: Jobs;
}

/** A text frame of the server. */
export function frame(parts: Parts, attempt: number, text: string): void {
  const { connection } = parts;
  if (attempt !== connection.attempt || !connection.open) return;
  connection.heard = true;
  let lines: string[] = [];
  try {
    lines = splitFrame(text);
  } catch (cause) {
    complain(parts, cause);
  }
  for (const line of lines) {
    // An earlier line of the frame may have ended the connection.
    if (attempt !== connection.attempt || !connection.open) return;
    try {
      received(parts, parts.driver.shell.deps.parse(line));
    } catch (cause) {
      complain(parts, cause);
    }
  }
}

/** Answers a bad frame with its code; what is not an expected fault is ours and goes up. */
function complain(parts: Parts, cause: unknown): void {
  if (!(cause instanceof JabberError)) throw cause;
  const { code, message } = cause.toBody();
  parts.driver.shell.log("warn", "the server sent something wrong", { code, error: message });
  if (parts.connection.state === "CONNECTED") return hangUp(parts.connection, message);
  say(parts, "error", { code, message: message.slice(0, 1000), next: cause.next });
}

function received(parts: Parts, envelope: AnyEnvelope): void {
  const { connection, sender, orders } = parts;
  const { shell } = connection;
  if (connection.state === "CONNECTED") {
    if (envelope.kind === "welcome") return welcome(parts, envelope.body);
    const why = envelope.kind === "error" ? `${envelope.body.code}: ${envelope.body.message}` : envelope.kind;
    return hangUp(connection, `the first frame is not "welcome" but ${why}`);
  }
  switch (envelope.kind) {
    case "redirect":
      return redirected(connection, { url: envelope.body.url, node: envelope.body.node });
    case "servers":
      return learnServers(connection, envelope.body.servers);
    case "ack":
      if (envelope.body.streams.length === 0) aliveAnswered(connection);
      if (acked(sender, envelope.body.streams, envelope.body.conflicts ?? [])) return;
      return hangUp(connection, "the server did not see all that was sent");
    case "command":
      return command(parts, envelope);
    case "jobs":
      return wantNewer(parts, envelope.body);
    case "cancel":
      return cancelled(orders, envelope.body.order, envelope.body.reason);
    case "tags":
      // What a server says about a host changes nothing here.
      return shell.log("debug", "the server named tags", { tags: envelope.body.tags });
    case "error":
      return shell.log("warn", "the server complained", { code: envelope.body.code, error: envelope.body.message });
    default:
      // `parse` lets through only what servers may send; a second welcome is the one kind left.
      throw new JabberError("frame.wrong_direction", envelope.kind);
  }
}

function welcome(parts: Parts, body: BodyOf<"welcome">): void {
  const { connection, sender, orders } = parts;
  const { deps } = connection.shell;
  if (body.protocol < PROTOCOL.min || body.protocol > PROTOCOL.max) {
    return hangUp(connection, new JabberError("frame.version", `the server speaks ${body.protocol}`).message);
  }
  if (body.cluster !== deps.cluster) {
    return hangUp(connection, `the server belongs to another cluster, "${body.cluster}"`);
  }
  welcomed(connection, body.settings);
  startSending(sender, connection.attempt, body.streams);
  refetch(orders);
  jobsConnected(parts.jobs);
  sayAlive(connection);
}

function wantNewer(parts: Parts, list: BodyOf<"jobs">): void {
  const ids = listed(parts.jobs, list);
  if (ids.length > 0) say(parts, "wantJobs", { ids });
}

function command(parts: Parts, envelope: AnyEnvelope & { kind: "command" }): void {
  const { runs, spool, driver, orders } = parts;
  // Nothing could be answered durably: the server hears it at once and may try again.
  const busy = runs.draining
    ? new JabberError("run.draining", envelope.job)
    : !hasRoom(spool) || driver.ledger.waiting() > LIMITS.windowBytesMax
    ? new JabberError("store.full", `"${envelope.job ?? ""}" was not taken`)
    : undefined;
  const { body } = envelope;
  if (busy === undefined) {
    if (!("job" in body)) return ordered(orders, envelope);
    offered(parts.jobs, envelope, body.job);
    return work(parts.jobs);
  }
  if (busy.code === "store.full") loseEvent(spool);
  const { code, message } = busy.toBody();
  say(parts, "error", { code, message, next: busy.next }, envelope.job);
}

/** Says who this is, on a fresh connection. */
export function hello(parts: Parts): void {
  const { connection, spool, tags } = parts;
  const { deps } = connection.shell;
  const streams = helloStreams(spool);
  const body = {
    protocol: { ...PROTOCOL },
    version: deps.version,
    boot: deps.boot,
    epoch: connection.epoch,
    name: deps.name,
    tags: allTags(tags),
    streams,
  };
  // Names of many streams may be more than a frame takes.
  while (streams.length > 0 && Buffer.byteLength(JSON.stringify(body)) > LIMITS.frameBytesMax - 4096) {
    streams.length = Math.floor(streams.length / 2);
  }
  say(parts, "hello", body);
}

/** Sends one envelope that is no record. */
export function say<K extends Kind & ("hello" | "alive" | "error" | "wantJobs")>(
  { connection }: Parts,
  kind: K,
  body: BodyOf<K>,
  job?: string,
): void {
  const { shell, attempt, open } = connection;
  if (!open) return;
  const envelope = {
    v: 1,
    id: shell.ulid(),
    kind,
    from: shell.deps.agent,
    time: rfc3339(shell.now()),
    ...(job !== undefined && { job }),
    body,
  };
  // One kind and its own body, which the compiler cannot follow through the union.
  shell.emit({ do: "send", attempt, text: encodeEnvelope(envelope as AnyEnvelope) });
}

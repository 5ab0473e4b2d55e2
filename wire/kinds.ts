/**
 * The message table: every kind that may stand in a frame. Append-only: a number or name is never reused.
 * docs/protocol.md, validation, counters and tests derive from it.
 */
import * as z from "zod/mini";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import { LIMITS } from "../base/limits.ts";
import { LOG_LEVELS } from "../base/log.ts";
import { once } from "../base/once.ts";

/** Which end of a websocket may send a kind. */
export type Sender = "agent" | "server" | "both";

const text = (max: number) => z.string().check(z.maxLength(max));
const count = once(() => z.int().check(z.minimum(0)));
const tagMap = once(() => z.record(text(LIMITS.tagKeyCharsMax), text(LIMITS.tagValueCharsMax)));
/** Any JSON value. Bodies come from JSON.parse, so there is nothing to walk through once more. */
const json = once(() => z.custom<Json>());
/** A structured object: never an array, a scalar or null at the top. */
const object = once(() => z.custom<JsonObject>(isJsonObject, "not an object"));
const streamMark = once(() => z.object({ stream: text(200), first: count(), next: count() }));

/** An order that no person signed; the agent's policy decides alone whether it may run. */
export const unsignedOrder = once(() =>
  z.object({
    id: z.ulid(),
    /** `command:<key>` or `script:sha256-<hex>` (a script that is signed and `start: open`). */
    does: text(200),
    args: object(),
    selector: text(LIMITS.selectorCharsMax),
    /** RFC 3339. */
    notAfter: text(40),
    /** Seconds. */
    timeout: z.optional(z.number().check(z.positive())),
  })
);
export type UnsignedOrder = z.infer<ReturnType<typeof unsignedOrder>>;

/** States a run goes through, as `runState` reports them. */
export const RUN_STATES = ["refused", "started", "finished"] as const;

/** What becomes of a job on an agent. `ended`: its `until` passed, or a local one left the configuration. */
export const JOB_STATES = ["accepted", "refused", "cancelled", "ended"] as const;

const jobTrigger = once(() =>
  z.object({
    kind: z.enum(["now", "start", "connect", "stop", "disconnect", "interval", "cron"]),
    /** When it was to begin, RFC 3339; before jitter and retries. */
    due: z.optional(text(40)),
    /** From 1; rises with retries. */
    attempt: z.int().check(z.minimum(1)),
  })
);

const bodies = {
  hello: once(() =>
    z.object({
      protocol: z.object({ min: z.int(), max: z.int() }),
      version: text(40),
      boot: z.ulid(),
      epoch: count(),
      name: text(255),
      /** The agent's own tags (policy `local:` and built-in os, arch, hostname). */
      tags: tagMap(),
      /** Every stream the agent still holds records of. */
      streams: z.array(streamMark()).check(z.maxLength(2000)),
    })
  ),
  welcome: once(() =>
    z.object({
      protocol: z.int(),
      node: text(64),
      cluster: text(64),
      version: text(40),
      /** wire/identity: the server's signed answer to this agent's claim. */
      proof: text(4096),
      settings: z.object({ aliveEveryMs: z.int().check(z.minimum(100)) }),
      /** Offsets the server holds durably, for the streams of `hello`. */
      streams: z.array(z.object({ stream: text(200), next: count() })),
    })
  ),
  redirect: once(() => z.object({ url: text(2048), node: text(64), view: text(64) })),
  servers: once(() =>
    z.object({
      servers: z.array(z.object({ node: text(64), url: text(2048), weight: count() })).check(z.maxLength(1000)),
    })
  ),
  /**
   * Everything below `next` is durable on the server, and `first` is where that begins: above what is still in flight
   * it says that frames were lost on the way. Absent: it begins where the last one ended.
   */
  ack: once(() =>
    z.object({
      streams: z.array(z.object({ stream: text(200), first: z.optional(count()), next: count() })).check(
        z.maxLength(2000),
      ),
      /** Streams that hold other content here: the agent opens a new incarnation and sends them again under it. */
      conflicts: z.optional(z.array(text(200))),
    })
  ),
  /** Exactly one of the three. The only kind that makes jobs and runs. `job` is a signed job or its cancellation. */
  command: once(() =>
    z.union([
      z.strictObject({ order: text(LIMITS.orderBytesMax) }),
      z.strictObject({ unsigned: unsignedOrder() }),
      z.strictObject({ job: text(LIMITS.orderBytesMax) }),
    ])
  ),
  cancel: once(() => z.object({ order: z.ulid(), reason: text(200) })),
  tags: once(() => z.object({ tags: tagMap() })),
  output: object,
  log: once(() => z.object({ level: z.enum(LOG_LEVELS), text: text(LIMITS.recordBytesMax) })),
  /** Answered by an `ack` without streams. `rttMs`: how long the last answer took; absent until one came. */
  alive: once(() =>
    z.object({
      running: count(),
      spoolBytes: z.number().check(z.minimum(0)),
      rttMs: z.optional(z.int().check(z.minimum(0), z.maximum(LIMITS.rttMsMax))),
    })
  ),
  setTag: once(() => z.object({ key: text(LIMITS.tagKeyCharsMax), value: z.nullable(text(LIMITS.tagValueCharsMax)) })),
  runState: once(() =>
    z.object({
      state: z.enum(RUN_STATES),
      /** finished: whether the work did what it was asked. */
      ok: z.optional(z.boolean()),
      exitCode: z.optional(z.int()),
      signal: z.optional(text(20)),
      /** What a command returned or a script evaluated to. */
      result: z.optional(json()),
      /** What ran: `command:<key>` or `script:sha256-<hex>`. */
      does: z.optional(text(200)),
      /** Who signed: thumbprints. */
      signers: z.optional(z.array(text(64))),
      /** Of a job's run: why it began. */
      trigger: z.optional(jobTrigger()),
    })
  ),
  gap: once(() => z.object({ from: count(), to: count(), reason: text(200) })),
  /** A coded complaint about something the other side sent. */
  error: once(() => z.object({ code: text(64), message: text(1000), next: z.optional(text(300)) })),
  /**
   * What the server holds for this agent, after `welcome` and whenever that changes. A long list comes in several frames;
   * `last` ends it. The agent asks with `wantJobs` for what is newer than its own, and forgets nothing because of it.
   */
  jobs: once(() =>
    z.object({
      jobs: z.array(z.object({ id: text(200), serial: count() })).check(z.maxLength(LIMITS.jobsPerFrameMax)),
      last: z.boolean(),
    })
  ),
  /** The server answers each id with a `command` that carries the job. */
  wantJobs: once(() => z.object({ ids: z.array(text(200)).check(z.maxLength(LIMITS.jobsPerFrameMax)) })),
  /** What became of a job on this agent; `job` of the envelope names it, `error` says why it was refused. */
  jobState: once(() =>
    z.object({
      state: z.enum(JOB_STATES),
      serial: count(),
      /** local: the host's owner wrote it into the agent's configuration. */
      source: z.enum(["signed", "local"]),
      signers: z.optional(z.array(text(64))),
      /** When it is due next, RFC 3339; absent when no time is known. */
      next: z.optional(text(40)),
    })
  ),
} as const;

interface KindRow {
  number: number;
  sender: Sender;
  /** Stored in a stream under an offset minted by the agent. */
  record: boolean;
  maxBytes: number;
}

export const KINDS = {
  hello: { number: 1, sender: "agent", record: false, maxBytes: LIMITS.frameBytesMax },
  welcome: { number: 2, sender: "server", record: false, maxBytes: LIMITS.frameBytesMax },
  redirect: { number: 3, sender: "server", record: false, maxBytes: 4096 },
  servers: { number: 4, sender: "server", record: false, maxBytes: LIMITS.frameBytesMax },
  ack: { number: 5, sender: "server", record: false, maxBytes: LIMITS.frameBytesMax },
  // As text in JSON an order may take twice its bytes, and its `meta` stands beside it once more.
  command: { number: 6, sender: "server", record: false, maxBytes: 2 * LIMITS.orderBytesMax + 4 * LIMITS.metaBytesMax },
  cancel: { number: 7, sender: "server", record: false, maxBytes: 1024 },
  tags: { number: 8, sender: "server", record: false, maxBytes: LIMITS.recordBytesMax },
  output: { number: 9, sender: "agent", record: true, maxBytes: LIMITS.recordBytesMax },
  log: { number: 10, sender: "agent", record: true, maxBytes: LIMITS.recordBytesMax },
  alive: { number: 11, sender: "agent", record: false, maxBytes: 1024 },
  setTag: { number: 12, sender: "agent", record: true, maxBytes: 2048 },
  runState: { number: 13, sender: "agent", record: true, maxBytes: LIMITS.recordBytesMax },
  gap: { number: 14, sender: "agent", record: true, maxBytes: 2048 },
  error: { number: 15, sender: "both", record: false, maxBytes: 4096 },
  jobs: { number: 16, sender: "server", record: false, maxBytes: LIMITS.frameBytesMax },
  wantJobs: { number: 17, sender: "agent", record: false, maxBytes: LIMITS.frameBytesMax },
  jobState: { number: 18, sender: "agent", record: true, maxBytes: 8192 },
} as const satisfies Record<keyof typeof bodies, KindRow>;

export type Kind = keyof typeof KINDS;
/** The body of a kind, as TypeScript sees it. */
export type BodyOf<K extends Kind> = z.infer<ReturnType<typeof bodies[K]>>;

export function isKind(name: string): name is Kind {
  return Object.hasOwn(KINDS, name);
}

/** The schema of a kind's body. */
export function bodySchema<K extends Kind>(kind: K): ReturnType<(typeof bodies)[K]> {
  // The call's result is the row's own, which the compiler cannot follow through a generic key.
  return bodies[kind]() as ReturnType<(typeof bodies)[K]>;
}

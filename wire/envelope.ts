/**
 * The one envelope, and frames: a websocket text frame is one envelope per line (JSON, `\n` between lines).
 * A record's line is minted once, by the agent; spool, server, firehose and readers carry those bytes unchanged.
 */
import * as z from "zod/mini";
import { ENGLISH } from "../base/english.ts";
import { type ErrorBody, JabberError } from "../base/errors.ts";
import { isUlid } from "../base/ids.ts";
import { isJsonObject, type Json, jsonDepth } from "../base/json.ts";
import { LIMITS } from "../base/limits.ts";
import { once } from "../base/once.ts";
import { type BodyOf, bodySchema, isKind, type Kind, KINDS, RUN_STATES } from "./kinds.ts";

/** The version of the envelope; `hello` negotiates it. */
export const PROTOCOL = { min: 1, max: 1 } as const;

export interface Envelope<K extends Kind = Kind> {
  v: 1;
  /** ULID. */
  id: string;
  kind: K;
  /** Node or agent id. */
  from: string;
  /** RFC 3339. */
  time: string;
  /** The order or job id. */
  job?: string | undefined;
  run?: string | undefined;
  /** Records only: minted by the agent in the transaction that stores the line. */
  stream?: string | undefined;
  offset?: number | undefined;
  start?: string | undefined;
  finish?: string | undefined;
  durationMs?: number | undefined;
  error?: ErrorBody | undefined;
  tags?: Record<string, string> | undefined;
  /** The asker's own; carried through untouched. */
  meta?: Json | undefined;
  body: BodyOf<K>;
}

/** An envelope of any kind, discriminated by `kind`. */
export type AnyEnvelope = { [K in Kind]: Envelope<K> }[Kind];

/** What comes after it is still a whole number that JSON and the store can hold. */
const OFFSET_MAX = 2 ** 52;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;
/** Made when a head comes by that `isPlainHead` does not know. */
const head = once(() => {
  const shortText = z.string().check(z.maxLength(200));
  const time = z.string().check(z.regex(RFC3339, "not RFC 3339 in UTC"));
  const tags = z.record(
    z.string().check(z.maxLength(LIMITS.tagKeyCharsMax)),
    z.string().check(z.maxLength(LIMITS.tagValueCharsMax)),
  )
    .check(z.refine((map) => Object.keys(map).length <= LIMITS.tagsMax, `more than ${LIMITS.tagsMax} tags`));
  return z.strictObject({
    v: z.literal(1),
    id: z.ulid(),
    kind: z.string().check(z.maxLength(32)),
    from: z.string().check(z.minLength(1), z.maxLength(64)),
    time,
    job: z.optional(shortText),
    run: z.optional(shortText),
    stream: z.optional(shortText),
    offset: z.optional(z.int().check(z.minimum(0), z.maximum(OFFSET_MAX))),
    start: z.optional(time),
    finish: z.optional(time),
    durationMs: z.optional(z.number().check(z.minimum(0))),
    error: z.optional(z.looseObject({
      code: z.string().check(z.maxLength(64)),
      message: z.string().check(z.maxLength(4000)),
      next: z.optional(z.string().check(z.maxLength(1000))),
      data: z.optional(z.record(z.string(), z.unknown())),
    })),
    tags: z.optional(tags),
    // What JSON.parse made is JSON; `checkJson` has seen to the rest.
    meta: z.optional(z.unknown()),
    body: z.unknown(),
  });
});

type Head = z.infer<ReturnType<typeof head>>;

/** What a quick look at a member of the head accepts: never more than its schema does. */
const PLAIN_HEAD: { readonly [K in Exclude<keyof Head, "error" | "tags">]-?: (value: unknown) => boolean } = {
  v: (value) => value === 1,
  id: (value) => typeof value === "string" && isUlid(value),
  kind: (value) => typeof value === "string" && isKind(value),
  from: (value) => isShort(value, 64) && value !== "",
  time: isTime,
  job: (value) => isShort(value, 200),
  run: (value) => isShort(value, 200),
  stream: (value) => isShort(value, 200),
  offset: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= OFFSET_MAX,
  start: isTime,
  finish: isTime,
  durationMs: (value) => typeof value === "number" && value >= 0,
  meta: () => true,
  body: () => true,
};
const PLAIN_CHECKS: ReadonlyMap<string, (value: unknown) => boolean> = new Map(Object.entries(PLAIN_HEAD));

/**
 * A quick yes for the heads that agents really send; whatever it does not know, the schema decides. A schema costs ten
 * times as much, which at thousands of lines a second is a good part of a server's time.
 */
export function isPlainHead(json: unknown): json is Head {
  if (typeof json !== "object" || json === null) return false;
  for (const key in json) {
    const check = PLAIN_CHECKS.get(key);
    if (check === undefined || !check(json[key as keyof typeof json])) return false;
  }
  return "v" in json && "id" in json && "kind" in json && "from" in json && "time" in json && "body" in json;
}

/** The same for the body of a `runState`, the kind that comes most after `output`. */
export function isPlainRunState(body: unknown): boolean {
  if (!isJsonObject(body)) return false;
  const { state, ok, exitCode, signal, does, signers, trigger } = body;
  return trigger === undefined && RUN_STATES.some((known) => known === state) &&
    (ok === undefined || typeof ok === "boolean") &&
    (exitCode === undefined || Number.isSafeInteger(exitCode)) && (signal === undefined || isShort(signal, 20)) &&
    (does === undefined || isShort(does, 200)) &&
    (signers === undefined || (Array.isArray(signers) && signers.every((signer) => isShort(signer, 64))));
}

/** The schema's own answer about a head. @throws `frame.malformed` */
export function checkedHead(json: unknown): Head {
  const parsed = head().safeParse(json, ENGLISH);
  if (!parsed.success) throw new JabberError("frame.malformed", firstIssue(parsed.error));
  return parsed.data;
}

function isShort(value: unknown, max: number): boolean {
  return typeof value === "string" && value.length <= max;
}

function isTime(value: unknown): boolean {
  return typeof value === "string" && RFC3339.test(value);
}

/** Splits a frame into lines. @throws `frame.too_large` */
export function splitFrame(frame: string): string[] {
  // Cheap first: UTF-16 length is a lower bound of the UTF-8 size.
  if (frame.length > LIMITS.frameBytesMax) throw new JabberError("frame.too_large", `${frame.length} characters`);
  const lines = frame.split("\n");
  if (lines.length > LIMITS.frameRecordsMax) throw new JabberError("frame.too_large", `${lines.length} records`);
  return lines;
}

/**
 * Parses and checks one line.
 * @param sender who sent it: a kind that this side may not send is refused.
 * @throws `frame.malformed`, `frame.unknown_kind`, `frame.wrong_direction`, `frame.too_large`
 */
export function parseEnvelope(line: string, sender: "agent" | "server"): AnyEnvelope {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (cause) {
    throw new JabberError("frame.malformed", "not JSON", undefined, { cause });
  }
  checkJson(json, LIMITS.bodyDepthMax + 1);
  const envelope = isPlainHead(json) ? json : checkedHead(json);
  if (!isKind(envelope.kind)) throw new JabberError("frame.unknown_kind", JSON.stringify(envelope.kind));
  const row = KINDS[envelope.kind];
  if (row.sender !== "both" && row.sender !== sender) throw new JabberError("frame.wrong_direction", envelope.kind);
  if (line.length > row.maxBytes) {
    throw new JabberError("frame.too_large", `${envelope.kind} of ${line.length} characters`);
  }
  if (row.record !== (envelope.stream !== undefined && envelope.offset !== undefined)) {
    throw new JabberError(
      "frame.malformed",
      `${envelope.kind} ${row.record ? "lacks" : "must not carry"} stream and offset`,
    );
  }
  // JSON, as `json` above.
  checkMeta(envelope.meta as Json | undefined);
  if (envelope.kind === "output") {
    // By far the most frequent kind, and its schema says no more than this.
    if (!isJsonObject(envelope.body)) throw new JabberError("frame.malformed", "output.body: not an object");
    return envelope as AnyEnvelope;
  }
  if (envelope.kind === "runState" && isPlainRunState(envelope.body)) return envelope as AnyEnvelope;
  const body = bodySchema(envelope.kind).safeParse(envelope.body, ENGLISH);
  if (!body.success) throw new JabberError("frame.malformed", `${envelope.kind}.body: ${firstIssue(body.error)}`);
  // The schema of this very kind accepted the body, which the compiler cannot follow through the table.
  return envelope as AnyEnvelope;
}

/** The line of an envelope. */
export function encodeEnvelope(envelope: AnyEnvelope): string {
  return JSON.stringify(envelope);
}

/** @throws `frame.malformed` when `meta` is larger or deeper than the limits. */
export function checkMeta(meta: Json | undefined): void {
  if (meta === undefined) return;
  if (jsonDepth(meta, LIMITS.metaDepthMax + 1) > LIMITS.metaDepthMax) {
    throw new JabberError("frame.malformed", `meta is deeper than ${LIMITS.metaDepthMax}`);
  }
  if (JSON.stringify(meta).length > LIMITS.metaBytesMax) {
    throw new JabberError("frame.malformed", `meta is larger than ${LIMITS.metaBytesMax} bytes`);
  }
}

/** Readers walk values recursively and write numbers again: both must be possible. */
function checkJson(value: unknown, depthLeft: number): void {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new JabberError("frame.malformed", "a number is too large");
  }
  if (typeof value !== "object" || value === null) return;
  if (depthLeft === 0) throw new JabberError("frame.malformed", `nested deeper than ${LIMITS.bodyDepthMax}`);
  // By index: an iterator's results would be an object for each item of each line.
  if (Array.isArray(value)) { for (let i = 0; i < value.length; i++) checkJson(value[i], depthLeft - 1); }
  // JSON.parse makes plain objects, so these are all their own; `Object.values` would make a list of each.
  else for (const key in value) checkJson(value[key as keyof typeof value], depthLeft - 1);
}

function firstIssue(error: z.core.$ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? "invalid" : `${issue.path.join(".") || "envelope"}: ${issue.message}`;
}

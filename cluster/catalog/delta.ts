/** Deltas and questions as JSON text: what copies of the catalog send each other, and the door it comes in by. */
import * as z from "zod/mini";
import { ENGLISH } from "../../base/english.ts";
import { JabberError } from "../../base/errors.ts";
import { isUlid } from "../../base/ids.ts";
import { type Json, type JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Delta, Digest, Entry, Question } from "./contract.ts";
import { entryTuple, readTuple } from "./entry.ts";

const LOG = /^[A-Za-z0-9._-]{1,64}\//;
const cursor = z.string().check(z.maxLength(64));
const time = z.number().check(z.minimum(0), z.maximum(Number.MAX_SAFE_INTEGER));
const count = z.int().check(z.minimum(0));
const digest = z.record(z.string(), z.int().check(z.minimum(1))).check(
  z.refine((logs) => Object.keys(logs).every(isLogKey), "not the names of logs"),
  z.refine((logs) => Object.keys(logs).length <= LIMITS.catalogLogsMax, "too many logs"),
);
const deltaSchema = z.looseObject({
  entries: z.array(z.unknown()).check(z.maxLength(LIMITS.catalogRecordsMax)),
  upTo: digest,
  after: z.optional(cursor),
  next: z.optional(cursor),
  clock: z.optional(time),
  mark: z.optional(count),
  pruned: z.optional(count),
  whole: z.optional(z.literal(true)),
});
const questionSchema = z.looseObject({
  digest,
  after: z.optional(cursor),
  whole: z.optional(z.literal(true)),
  clock: time,
  synced: z.optional(count),
});

export function isLogKey(text: string): boolean {
  return LOG.test(text) && isUlid(text.slice(text.indexOf("/") + 1));
}

/** The delta as a JSON value. */
export function deltaJson({ entries, ...rest }: Delta): JsonObject {
  return { entries: entries.map((entry): Json => entryTuple(entry)), ...rest };
}

/**
 * A delta of a peer, as a JSON value or its text. One bad entry refuses all of it: no server of ours makes such.
 * Signatures are not looked at. Throws `frame.malformed`, `frame.too_large`.
 */
export function parseDelta(json: unknown): Delta {
  const { entries, upTo, after, next, clock, mark, pruned, whole } = read(deltaSchema, json);
  return {
    entries: entries.map((tuple): Entry => {
      const entry = readTuple(tuple as Json);
      if (entry === undefined) throw new JabberError("frame.malformed", "an entry of a delta has the wrong form");
      return entry;
    }),
    upTo,
    ...(after !== undefined && { after }),
    ...(next !== undefined && { next }),
    ...(clock !== undefined && { clock }),
    ...(mark !== undefined && { mark }),
    ...(pruned !== undefined && { pruned }),
    ...(whole !== undefined && { whole }),
  };
}

/** A question of a peer, as a JSON value or its text. Throws `frame.malformed`, `frame.too_large`. */
export function parseQuestion(json: unknown): Question {
  const { digest, after, whole, clock, synced } = read(questionSchema, json);
  return {
    digest,
    clock,
    ...(after !== undefined && { after }),
    ...(whole !== undefined && { whole }),
    ...(synced !== undefined && { synced }),
  };
}

/** A digest of a peer. Throws `frame.malformed`. */
export function parseDigest(json: unknown): Digest {
  return read(digest, json);
}

function read<T extends z.ZodMiniType>(schema: T, json: unknown): z.infer<T> {
  const found = schema.safeParse(typeof json === "string" ? parsed(json) : json, ENGLISH);
  if (!found.success) throw new JabberError("frame.malformed", z.prettifyError(found.error).slice(0, 300));
  return found.data;
}

function parsed(text: string): unknown {
  if (text.length > LIMITS.catalogDeltaCharsMax) throw new JabberError("frame.too_large", `${text.length} characters`);
  try {
    return JSON.parse(text);
  } catch {
    throw new JabberError("frame.malformed", "not JSON");
  }
}

/**
 * One entry as bytes: what is signed, what travels, what is stored.
 *
 * Signed are a fixed line and one line of JSON: `[cluster, kind, id, writer, store, version, stamp, value]` as
 * `JSON.stringify` spells it. A writer first brings its value into the form that a reader will have (`normalised`);
 * reading and spelling such a value again gives the same text, so every copy signs, checks and hashes the same bytes,
 * however it travelled. What is checked is what is held: another spelling of it on the wire means nothing else.
 */
import { Buffer } from "node:buffer";
import { sign, verify } from "node:crypto";
import { type Json, jsonDepth, type JsonObject } from "../../base/json.ts";
import { isUlid } from "../../base/ids.ts";
import { LIMITS } from "../../base/limits.ts";
import { fromBase64url, toBase64url } from "../../wire/base64url.ts";
import { isStamp, stampNode } from "../../wire/hlc.ts";
import type { PrivateKey, PublicKey } from "../../wire/keys.ts";
import type { Entry } from "./contract.ts";
import type { Unsigned } from "./kinds.ts";

const DOMAIN = "jabberwocky/entry/v1\n";
const KIND = /^[a-z][A-Za-z0-9]{0,31}$/;
const WRITER = /^[A-Za-z0-9._-]{1,64}$/;
// deno-lint-ignore no-control-regex -- ids stand in logs and keys: nothing invisible
const ID = /^[^\x00-\x1f\x7f]+$/;

/** An entry as it stands in deltas and rows: kind, id, writer, store, version, stamp, value, signature. */
export type EntryTuple = [string, string, string, string, number, string, JsonObject | null, string];

export function entryKey({ kind, id }: Pick<Entry, "kind" | "id">): string {
  return `${kind}/${id}`;
}

export function logKey({ writer, store }: Pick<Entry, "writer" | "store">): string {
  return `${writer}/${store}`;
}

/** The value as every reader of its text will have it: members in JSON's order, no `undefined`, no −0. */
export function normalised(value: JsonObject | null): JsonObject | null {
  return JSON.parse(JSON.stringify(value));
}

export function signEntry(entry: Unsigned, cluster: string, key: PrivateKey): Entry {
  return { ...entry, signature: toBase64url(sign(null, signedBytes(entry, cluster), key.object)) };
}

/** Whether the signature is the writer's. */
export function signatureFits(entry: Entry, cluster: string, key: PublicKey): boolean {
  const signature = fromBase64url(entry.signature);
  if (signature?.length !== 64) return false;
  return verify(null, signedBytes(entry, cluster), key.object, signature);
}

/** Whether the members have the form they must have; the value is judged by its kind (kinds.ts). */
export function isWellFormed(entry: Unsigned): boolean {
  const { kind, id, writer, store, version, stamp } = entry;
  return KIND.test(kind) && id.length <= LIMITS.catalogIdCharsMax && ID.test(id) && id.isWellFormed() &&
    WRITER.test(writer) && isUlid(store) && Number.isSafeInteger(version) && version >= 1 &&
    isStamp(stamp) && stampNode(stamp) === writer && jsonDepth(entry.value, LIMITS.bodyDepthMax) < LIMITS.bodyDepthMax;
}

/** Bytes of the entry's JSON text, about what it takes on the wire and on disk. */
export function entryBytes(entry: Entry): number {
  return Buffer.byteLength(JSON.stringify(entryTuple(entry)));
}

export function entryTuple(entry: Entry): EntryTuple {
  const { kind, id, writer, store, version, stamp, value, signature } = entry;
  return [kind, id, writer, store, version, stamp, value, signature];
}

/** The entry of a tuple; undefined when it is none. Never throws. */
export function readTuple(tuple: Json): Entry | undefined {
  if (!Array.isArray(tuple) || tuple.length !== 8) return undefined;
  const [kind, id, writer, store, version, stamp, value, signature] = tuple;
  if (typeof kind !== "string" || typeof id !== "string" || typeof writer !== "string") return undefined;
  if (typeof store !== "string" || typeof version !== "number" || typeof stamp !== "string") return undefined;
  if (typeof value !== "object" || Array.isArray(value) || typeof signature !== "string") return undefined;
  if (signature.length !== 86) return undefined;
  const entry = { kind, id, writer, store, version, stamp, value, signature };
  return isWellFormed(entry) ? entry : undefined;
}

function signedBytes(entry: Unsigned, cluster: string): Uint8Array {
  const { kind, id, writer, store, version, stamp, value } = entry;
  return Buffer.from(DOMAIN + JSON.stringify([cluster, kind, id, writer, store, version, stamp, value]));
}

/**
 * What servers of ours say to each other in memberlist's user messages, beside facts: a byte for the kind, then JSON. A
 * record's signature is over fields that JSON carries through unchanged, so it may be read and written again. The mark,
 * which is said all the time, is 8 bytes and the server's name.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import * as z from "zod/mini";
import { toErrorBody } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Delta, Digest, Question } from "../catalog/contract.ts";
import { deltaJson, parseDelta, parseDigest, parseQuestion } from "../catalog/delta.ts";
import { USER_KINDS } from "../user_kinds.ts";

export type NodeMessage =
  /** Durable news that fits a datagram. */
  | { kind: "delta"; from: string; delta: Delta }
  /** How far logs are that changed: too large to be gossiped whole. */
  | { kind: "news"; from: string; digest: Digest }
  | { kind: "ask"; from: string; question: Question }
  /** The answer. */
  | { kind: "have"; from: string; delta: Delta }
  /** Along with each push/pull: equal for equal digests. */
  | { kind: "mark"; from: string; mark: string };

const KINDS = new Map<number, NodeMessage["kind"]>(
  (["delta", "news", "ask", "have", "mark"] as const).map((kind) => [USER_KINDS[kind], kind]),
);
const MARK_BYTES = 8;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const envelope = z.object({
  from: z.string().check(z.minLength(1), z.maxLength(LIMITS.nodeNameCharsMax)),
  body: z.unknown(),
});

/** A short hash of how far a copy has each log. */
export function markOf(digest: Digest): string {
  const hash = createHash("sha256");
  for (const log of Object.keys(digest).sort()) hash.update(`${log} ${digest[log]}\n`);
  return hash.digest("hex").slice(0, 2 * MARK_BYTES);
}

export function encodeNodeMessage(message: NodeMessage): Uint8Array {
  const { kind, from } = message;
  if (kind === "mark") return encodeMark(message);
  const text = encoder.encode(JSON.stringify({ from, body: bodyOf(message) }));
  const bytes = new Uint8Array(1 + text.length);
  bytes[0] = USER_KINDS[kind];
  bytes.set(text, 1);
  return bytes;
}

/** What the bytes say; when they are no message of this form, why. Never throws. */
export function decodeNodeMessage(bytes: Uint8Array): NodeMessage | { fault: string } {
  const kind = KINDS.get(bytes[0] ?? 0);
  if (kind === undefined) return { fault: "frame.unknown_kind" };
  if (bytes.length > LIMITS.catalogDeltaCharsMax) return { fault: "frame.too_large" };
  if (kind === "mark") return decodeMark(bytes);
  try {
    const { from, body } = envelope.parse(JSON.parse(decoder.decode(bytes.subarray(1))));
    switch (kind) {
      case "delta":
      case "have":
        return { kind, from, delta: parseDelta(body) };
      case "news":
        return { kind, from, digest: parseDigest(body) };
      case "ask":
        return { kind, from, question: parseQuestion(body) };
    }
  } catch (cause) {
    const { code } = toErrorBody(cause);
    return { fault: code.startsWith("frame.") ? code : "frame.malformed" };
  }
}

function encodeMark({ from, mark }: NodeMessage & { kind: "mark" }): Uint8Array {
  return Buffer.concat([new Uint8Array([USER_KINDS.mark]), Buffer.from(mark, "hex"), encoder.encode(from)]);
}

function decodeMark(bytes: Uint8Array): NodeMessage | { fault: string } {
  const name = bytes.subarray(1 + MARK_BYTES);
  if (name.length === 0 || name.length > LIMITS.nodeNameCharsMax) return { fault: "frame.malformed" };
  const mark = Buffer.from(bytes.subarray(1, 1 + MARK_BYTES)).toString("hex");
  return { kind: "mark", from: new TextDecoder().decode(name), mark };
}

function bodyOf(message: Exclude<NodeMessage, { kind: "mark" }>): unknown {
  switch (message.kind) {
    case "delta":
    case "have":
      return deltaJson(message.delta);
    case "news":
      return message.digest;
    case "ask":
      return message.question;
  }
}

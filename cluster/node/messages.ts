/**
 * What servers of ours say to each other in memberlist's user messages, beside facts: a byte for the kind, then JSON. A
 * record's signature is over fields that JSON carries through unchanged, so it may be read and written again.
 */
import * as z from "zod/mini";
import { toErrorBody } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Delta, Digest, Question } from "../catalog/contract.ts";
import { deltaJson, parseDelta, parseDigest, parseQuestion } from "../catalog/delta.ts";
import { USER_KINDS } from "../user_kinds.ts";

export type NodeMessage =
  /** Durable news that fits a datagram. */
  | { kind: "delta"; from: string; delta: Delta }
  /** How far logs are that changed: too large to be gossiped whole, or all of them along with a push/pull. */
  | { kind: "news"; from: string; digest: Digest }
  | { kind: "ask"; from: string; question: Question }
  /** The answer. */
  | { kind: "have"; from: string; delta: Delta };

const KINDS = new Map<number, NodeMessage["kind"]>(
  (["delta", "news", "ask", "have"] as const).map((kind) => [USER_KINDS[kind], kind]),
);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const envelope = z.object({
  from: z.string().check(z.minLength(1), z.maxLength(LIMITS.nodeNameCharsMax)),
  body: z.unknown(),
});

export function encodeNodeMessage(message: NodeMessage): Uint8Array {
  const { kind, from } = message;
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

function bodyOf(message: NodeMessage): unknown {
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

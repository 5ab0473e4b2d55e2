/** A fact's message as bytes: the type's byte, then JSON in UTF-8, which whoever watches the wire can read. */
import * as z from "zod/mini";
import { JabberError } from "../../base/errors.ts";
import { isUlid } from "../../base/ids.ts";
import { LIMITS } from "../../base/limits.ts";
import { USER_KINDS } from "../user_kinds.ts";
import type { Fact, FactMessage } from "./contract.ts";

/** Stands in URLs and before `=`. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** memberlist takes any name; one that starts with `-`, or has a slash or a space, is none of ours. */
const ORIGIN = /^[^\s/\p{Cc}-][^\s/\p{Cc}]*$/u;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

const member = z.string().check(z.maxLength(LIMITS.factOriginCharsMax), z.regex(ORIGIN));
const fields = {
  uuid: z.string().check(z.refine(isUlid)),
  origin: member,
  address: z.string().check(z.minLength(1), z.maxLength(LIMITS.nodeNameCharsMax)),
  port: z.int().check(z.minimum(1), z.maximum(65_535)),
  version: z.int().check(z.minimum(1)),
};
const payload = {
  name: z.string().check(z.maxLength(LIMITS.factNameCharsMax), z.regex(NAME)),
  value: z.string(),
};
const factSchema = z.object({ ...fields, ...payload, by: member });
const messageSchema = z.object({
  ...fields,
  /** Absent: the origin itself. */
  by: z.optional(member),
  ttl: z.int().check(z.minimum(0), z.maximum(LIMITS.factTtlMax)),
  payload: z.object(payload),
});

/** The message as it travels. */
export function encodeFact({ fact, ttl }: FactMessage): Uint8Array {
  const { uuid, origin, by, address, port, version, name, value } = fact;
  const message: z.infer<typeof messageSchema> = {
    uuid,
    origin,
    ...(by !== origin && { by }),
    address,
    port,
    version,
    ttl,
    payload: { name, value },
  };
  const text = encoder.encode(JSON.stringify(message));
  const bytes = new Uint8Array(1 + text.length);
  bytes[0] = USER_KINDS.fact;
  bytes.set(text, 1);
  return bytes;
}

/** What the bytes say; undefined when they are no message of this form. Never throws. */
export function decodeFact(bytes: Uint8Array): FactMessage | undefined {
  if (bytes[0] !== USER_KINDS.fact || bytes.length > LIMITS.factMessageBytesMax) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes.subarray(1)));
  } catch {
    return undefined;
  }
  const read = messageSchema.safeParse(value);
  if (!read.success || payloadBytes(read.data.payload) > LIMITS.factPayloadBytesMax) return undefined;
  const { payload, ttl, by, ...rest } = read.data;
  return { fact: { ...rest, ...payload, by: by ?? rest.origin }, ttl };
}

/** A fact that was stored as it stands, such as the catalog's record; undefined when it does not fit its form. */
export function readFact(value: unknown): Fact | undefined {
  const read = factSchema.safeParse(value);
  return read.success && payloadBytes(read.data) <= LIMITS.factPayloadBytesMax ? read.data : undefined;
}

/** @throws `input.invalid`, `fact.too_large` */
export function checkFact({ origin, name, value }: Pick<Fact, "origin" | "name" | "value">): void {
  if (origin.length > LIMITS.factOriginCharsMax || !ORIGIN.test(origin)) {
    throw new JabberError("input.invalid", `${JSON.stringify(origin.slice(0, 80))} cannot be a member's name`);
  }
  if (name.length > LIMITS.factNameCharsMax || !NAME.test(name)) {
    throw new JabberError(
      "input.invalid",
      `${JSON.stringify(name.slice(0, 80))} cannot be a fact's name; use letters, digits, . _ -`,
    );
  }
  const bytes = payloadBytes({ name, value });
  if (bytes > LIMITS.factPayloadBytesMax) {
    throw new JabberError("fact.too_large", `${bytes} of ${LIMITS.factPayloadBytesMax} bytes, its name counted`);
  }
}

function payloadBytes({ name, value }: { name: string; value: string }): number {
  return encoder.encode(JSON.stringify({ name, value })).length;
}

/** The message in one line, for people. */
export function factSummary({ fact, ttl }: FactMessage): string {
  const { origin, by, name, value, version } = fact;
  const whose = by === origin ? origin : `${origin} (by ${by})`;
  return `${whose}: ${name}=${value} version ${version} ttl ${ttl}`;
}

/**
 * Reading, signing and writing the three documents.
 *
 * The identity of a document is its file without the signature lines: `hash` does not change when one more person
 * signs, so an order that names a script by hash keeps naming it.
 */
import { createHash } from "node:crypto";
import { JabberError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { parseDetachedJws, type ParsedJws, signDetachedJws } from "../jws.ts";
import type { PrivateKey } from "../keys.ts";
import { type Frame, joinFile, splitFile } from "./frame.ts";
import { readJobHeader } from "./job.ts";
import { readOrderHeader } from "./order.ts";
import { malformed } from "./rules.ts";
import { readScriptHeader } from "./script.ts";
import { parseStrictYaml, type StrictYaml } from "./strict_yaml.ts";
import { readText } from "./text.ts";
import type {
  DocumentBytes,
  DocumentType,
  JobDocument,
  OrderDocument,
  ScriptDocument,
  SignatureLine,
  SignedDocument,
} from "./types.ts";

/** What differs between the types: how large a file may be. */
const BYTES_MAX: Record<DocumentType, number> = {
  script: LIMITS.scriptBytesMax,
  order: LIMITS.orderBytesMax,
  job: LIMITS.orderBytesMax,
};

/** A header of four short members and 64 bytes of signature; the frame's pattern is as strict. */
const JWS_CHARS_MAX = 1024;

/** Reads a script file. Errors: `document.malformed` with `data.rule` and `data.line`, `document.too_large`. */
export function parseScript(bytes: Uint8Array): ScriptDocument {
  const { frame, yaml, common } = open(bytes, "script");
  return { type: "script", header: readScriptHeader(yaml), body: frame.body, bodyLine: frame.bodyLine, ...common };
}

/** Reads an order file. Errors as `parseScript`. */
export function parseOrder(bytes: Uint8Array): OrderDocument {
  const { yaml, common } = open(bytes, "order");
  return { type: "order", header: readOrderHeader(yaml), ...common };
}

/** Reads a job file. Errors as `parseScript`. */
export function parseJob(bytes: Uint8Array): JobDocument {
  const { yaml, common } = open(bytes, "job");
  return { type: "job", header: readJobHeader(yaml), ...common };
}

/** Reads a file of the given type. Errors as `parseScript`. */
export function parseDocument(bytes: Uint8Array, type: DocumentType): SignedDocument {
  if (type === "script") return parseScript(bytes);
  return type === "order" ? parseOrder(bytes) : parseJob(bytes);
}

/**
 * The file with one more signature line; the signer's earlier line is replaced, so that an edited file can be signed
 * again. `at` is milliseconds since the epoch; a signature keeps whole seconds. Nothing but signature lines changes.
 * Errors: those of reading the file.
 */
export function sign(
  bytes: Uint8Array,
  type: DocumentType,
  key: PrivateKey,
  options: { at: number },
): Uint8Array<ArrayBuffer> {
  const document = parseDocument(bytes, type);
  const iat = Math.floor(options.at / 1000);
  const line: SignatureLine = {
    key: key.public.kid,
    at: displayTime(iat),
    jws: signDetachedJws(jwsType(type), document.signedBytes, key, iat),
  };
  const earlier = document.signatures.findIndex((one) => one.key === line.key);
  const signatures = earlier < 0
    ? [...document.signatures, line]
    : document.signatures.map((one, index) => index === earlier ? line : one);
  const signed = joinFile(splitFile(readText(bytes, BYTES_MAX[type]), type), signatures);
  // The line may have taken the file over a limit; nobody should hold a signed file that nobody reads.
  parseDocument(signed, type);
  return signed;
}

/** The file without its signature lines. Errors: those of finding the header. */
export function stripSignatures(bytes: Uint8Array, type: DocumentType): Uint8Array<ArrayBuffer> {
  return joinFile(splitFile(readText(bytes, BYTES_MAX[type]), type), []);
}

/** An unsigned order file from fields as they stand in the file (times as text). Errors as `parseOrder`. */
export function composeOrder(fields: JsonObject): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(yamlLines({ kind: "order", ...fields }));
  parseOrder(bytes);
  return bytes;
}

/** An unsigned job file from fields as they stand in the file (times as text). Errors as `parseJob`. */
export function composeJob(fields: JsonObject): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(yamlLines({ kind: "job", ...fields }));
  parseJob(bytes);
  return bytes;
}

/** An unsigned script file from header fields and a body. Errors as `parseScript`. */
export function composeScript(fields: JsonObject, body: string): Uint8Array<ArrayBuffer> {
  const bytes = new TextEncoder().encode(`/*---\n${yamlLines(fields)}---*/\n${body}`);
  parseScript(bytes);
  return bytes;
}

/** The JWS of one signature line, taken apart, unverified. Errors: `document.malformed`. */
export function parseSignature(line: SignatureLine, type: DocumentType, signedBytes: Uint8Array): ParsedJws {
  return parseDetachedJws(line.jws, signedBytes, {
    alg: "EdDSA",
    typ: jwsType(type),
    charsMax: JWS_CHARS_MAX,
    code: "signature.invalid",
  });
}

function open(bytes: Uint8Array, type: DocumentType): { frame: Frame; yaml: StrictYaml; common: DocumentBytes } {
  const frame = splitFile(readText(bytes, BYTES_MAX[type]), type);
  const unsigned = joinFile(frame, []);
  const signedBytes = domainSeparated(type, unsigned);
  frame.signatures.forEach((line, index) => checkSignature(line, type, frame.signatureLine + index));
  refuseDuplicates(frame);
  const hash = `sha256-${createHash("sha256").update(unsigned).digest("hex")}`;
  return {
    frame,
    yaml: parseStrictYaml(frame.yaml, frame.yamlLine),
    common: { hash, bytes, signedBytes, signatures: frame.signatures },
  };
}

/** A signature over one type of document must never pass for another, nor for another version of the format. */
function domainSeparated(type: DocumentType, unsigned: Uint8Array): Uint8Array<ArrayBuffer> {
  const domain = new TextEncoder().encode(`jabberwocky/${type}/v1\n`);
  const bytes = new Uint8Array(domain.length + unsigned.length);
  bytes.set(domain);
  bytes.set(unsigned, domain.length);
  return bytes;
}

function checkSignature(line: SignatureLine, type: DocumentType, fileLine: number): void {
  let parsed: ParsedJws;
  try {
    // The form does not depend on the payload, and encoding it for each line would cost a copy of the file.
    parsed = parseSignature(line, type, new Uint8Array());
  } catch (cause) {
    throw malformed("signatures.jws", fileLine, cause instanceof JabberError ? cause.message : undefined);
  }
  const { kid, iat } = parsed.header;
  if (iat === undefined) throw malformed("signatures.jws", fileLine, "iat is missing");
  if (kid !== line.key || displayTime(iat) !== line.at) throw malformed("signatures.display", fileLine);
}

function refuseDuplicates({ signatures, signatureLine }: Frame): void {
  const seen = new Set<string>();
  for (const [index, { key }] of signatures.entries()) {
    if (seen.has(key)) throw malformed("signatures.duplicate", signatureLine + index, key);
    seen.add(key);
  }
}

function jwsType(type: DocumentType): string {
  return `jabberwocky-${type}+jws`;
}

/** RFC 3339 in whole seconds; empty for a time no calendar has. */
function displayTime(iat: number): string {
  const date = new Date(iat * 1000);
  return Number.isNaN(date.getTime()) ? "" : `${date.toISOString().slice(0, -5)}Z`;
}

/** One line a key: JSON is YAML, and leaves no doubt about types. */
function yamlLines(fields: JsonObject): string {
  return Object.entries(fields).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`).join("");
}

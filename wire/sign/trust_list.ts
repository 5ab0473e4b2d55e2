/** Reading a trust list that came from a config file or the catalog. */
import { JabberError } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { fromBase64url } from "../base64url.ts";
import { publicKeyFromBytes } from "../keys.ts";
import { parseSelector } from "../selector.ts";
import { parseTime } from "./fields.ts";
import { quoted } from "./rules.ts";
import type { TrustedSigner, TrustList, TrustRule } from "./trust.ts";

const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

/** Checks the whole list; unknown members are refused. Errors: `trust.malformed`. */
export function parseTrustList(value: unknown): TrustList {
  const list = mapOf(value, "the trust list", ["signers", "revoked", "rules"]);
  const signers = listOf(list["signers"], "signers", LIMITS.trustSignersMax).map(readSigner);
  const keys = new Set<string>();
  for (const { key } of signers) {
    if (keys.has(key)) throw refusal(`signer ${key} stands twice`);
    keys.add(key);
  }
  const revoked = listOf(list["revoked"], "revoked", LIMITS.trustSignersMax).map((key) => thumbprintOf(key, "revoked"));
  const rules = listOf(list["rules"], "rules", LIMITS.trustRulesMax).map((rule, index) => readRule(rule, index, keys));
  return { signers, revoked, rules };
}

function readSigner(value: unknown, index: number): TrustedSigner {
  const where = `signers[${index}]`;
  const { key, x, name, notAfter } = mapOf(value, where, ["key", "x", "name", "notAfter"]);
  const bytes = typeof x === "string" ? fromBase64url(x) : undefined;
  if (bytes === undefined || typeof x !== "string") throw refusal(`${where}.x is not base64url`);
  const thumbprint = thumbprintOf(key, `${where}.key`);
  if (kidOf(bytes, where) !== thumbprint) throw refusal(`${where}.key is not the thumbprint of its x`);
  if (typeof name !== "string" || name === "" || name.length > LIMITS.tagValueCharsMax) {
    throw refusal(`${where}.name is ${quoted(name)}, it must be a short text`);
  }
  if (notAfter === undefined) return { key: thumbprint, x, name };
  if (typeof notAfter !== "string" || parseTime(notAfter) === undefined) {
    throw refusal(`${where}.notAfter is ${quoted(notAfter)}, it must be a time such as 2027-11-20`);
  }
  return { key: thumbprint, x, name, notAfter };
}

function kidOf(bytes: Uint8Array, where: string): string {
  try {
    return publicKeyFromBytes(bytes).kid;
  } catch (cause) {
    throw refusal(`${where}.x: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function readRule(value: unknown, index: number, known: ReadonlySet<string>): TrustRule {
  const where = `rules[${index}]`;
  const { selector, signatures, signers } = mapOf(value, where, ["selector", "signatures", "signers"]);
  if (typeof selector !== "string") throw refusal(`${where}.selector is not text`);
  try {
    parseSelector(selector);
  } catch (cause) {
    throw refusal(`${where}.selector: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const need = Number.isSafeInteger(signatures) ? Number(signatures) : 0;
  const keys = signers === undefined
    ? undefined
    : listOf(signers, `${where}.signers`, LIMITS.trustSignersMax).map((key) => thumbprintOf(key, `${where}.signers`));
  const among = keys === undefined ? known.size : new Set(keys.filter((key) => known.has(key))).size;
  // A rule nobody can meet is a mistake of writing; the place to forbid everything is an empty list of signers.
  if (need < 1 || need > Math.min(among, LIMITS.signaturesMax)) {
    throw refusal(
      `${where}.signatures is ${quoted(signatures)}, it must be from 1 to the number of its signers (${among})`,
    );
  }
  return keys === undefined ? { selector, signatures: need } : { selector, signatures: need, signers: keys };
}

function thumbprintOf(value: unknown, where: string): string {
  if (typeof value === "string" && THUMBPRINT.test(value)) return value;
  throw refusal(`${where} holds ${quoted(value)}, it must be a thumbprint of 43 characters`);
}

function listOf(value: unknown, where: string, max: number): unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length > max) throw refusal(`${where} is not a list of at most ${max}`);
  return value;
}

function mapOf(value: unknown, where: string, allowed: readonly string[]): Record<string, unknown> {
  if (!isJsonObject(value)) throw refusal(`${where} is not a map`);
  for (const key of Object.keys(value)) {
    if (!allowed.includes(key)) throw refusal(`${where} holds ${quoted(key)}, known are ${allowed.join(", ")}`);
  }
  return value;
}

function refusal(what: string): JabberError {
  return new JabberError("trust.malformed", what);
}

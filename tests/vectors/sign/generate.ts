/**
 * Writes the vectors beside this file: `./denow run -A tests/vectors/sign/generate.ts`. They are frozen: a released
 * format must go on reading them, so run it only to add cases, and look at the diff. Seeds and dates are fixed.
 */
import { createPrivateKey } from "node:crypto";
import { FlattenedSign } from "jose";
import { type PrivateKey, privateKeyFromSeed, privateKeyToPem } from "../../../wire/keys.ts";
import { type DocumentType, parseDocument, sign, type TrustList } from "../../../wire/sign/mod.ts";
import { BODY, CANCELLED, JOB, ORDER, REFUSED, type RefusedCase, script, SCRIPT_HEADER } from "./cases.ts";

const NOW = Date.UTC(2026, 10, 21, 10);
const SIGNED_AT = Date.UTC(2026, 10, 20, 10);
const SEEDS = { ann: 1, ben: 2, cid: 3, dan: 4, eve: 5 };
type Name = keyof typeof SEEDS;

const folder = new URL("./", import.meta.url);
const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const seedOf = (name: Name) => new Uint8Array(32).fill(SEEDS[name]);
const keyOf = (name: Name): PrivateKey => privateKeyFromSeed(seedOf(name));

function signed(text: string, type: DocumentType, names: Name[], at = SIGNED_AT): Uint8Array<ArrayBuffer> {
  return names.reduce<Uint8Array<ArrayBuffer>>((bytes, name) => sign(bytes, type, keyOf(name), { at }), encode(text));
}

/** A signature line made by another implementation, with the header's members in another order. */
async function josed(text: string, type: DocumentType, name: Name): Promise<Uint8Array> {
  const key = keyOf(name);
  const { signedBytes } = parseDocument(encode(text), type);
  const made = await new FlattenedSign(signedBytes)
    .setProtectedHeader({ iat: SIGNED_AT / 1000, kid: key.public.kid, typ: `jabberwocky-${type}+jws`, alg: "EdDSA" })
    .sign(createPrivateKey(privateKeyToPem(key)));
  const at = new Date(SIGNED_AT).toISOString().replace(".000", "");
  const line = `  - {key: ${key.public.kid}, at: ${at}, jws: ${made.protected}..${made.signature}}\n`;
  return encode(
    type === "script" ? text.replace("---*/\n", `signatures:\n${line}---*/\n`) : `${text}signatures:\n${line}`,
  );
}

const SCRIPT = script(SCRIPT_HEADER);
const SIGNED = decode(signed(SCRIPT, "script", ["ann"]));
const LINE = SIGNED.split("\n").find((line) => line.startsWith("  - {key")) ?? "";

/** The header of `LINE` changed, its signature kept: for faults that are found before the signature is. */
function reheaded(change: Record<string, unknown>): string {
  const jws = /jws: ([^.]+)/.exec(LINE)?.[1] ?? "";
  const header = JSON.stringify({ ...JSON.parse(atob(jws)), ...change });
  return SIGNED.replace(jws, btoa(header).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""));
}

const SIGNATURE_CASES: RefusedCase[] = [
  { rule: "signatures.last", type: "script", file: SIGNED.replace("---*/", "language: js\n---*/") },
  { rule: "signatures.line", type: "script", file: SIGNED.replace("  - {key", "  -  {key") },
  { rule: "signatures.line", type: "script", variant: "none", file: SCRIPT.replace("---*/", "signatures:\n---*/") },
  { rule: "signatures.line", type: "script", variant: "comment", file: SIGNED.replace("---*/", "# fine\n---*/") },
  {
    rule: "signatures.line",
    type: "script",
    variant: "flow",
    file: SCRIPT.replace("---*/", '"signatures": []\n---*/'),
  },
  {
    rule: "signatures.last",
    type: "script",
    variant: "twice",
    file: SIGNED.replace("---*/", `signatures:\n${LINE}\n---*/`),
  },
  { rule: "signatures.count", type: "script", file: SIGNED.replace(LINE, `${LINE}\n`.repeat(17).trimEnd()) },
  { rule: "signatures.duplicate", type: "script", file: SIGNED.replace(LINE, `${LINE}\n${LINE}`) },
  { rule: "signatures.jws", type: "script", variant: "alg_none", file: reheaded({ alg: "none" }) },
  { rule: "signatures.jws", type: "script", variant: "alg_hs256", file: reheaded({ alg: "HS256" }) },
  { rule: "signatures.jws", type: "script", variant: "other_typ", file: reheaded({ typ: "jabberwocky-order+jws" }) },
  { rule: "signatures.jws", type: "script", variant: "own_key", file: reheaded({ jwk: {} }) },
  { rule: "signatures.jws", type: "script", variant: "spare_bits", file: SIGNED.replace(/(.)\}\n---/, spare) },
  {
    rule: "signatures.display",
    type: "script",
    variant: "at",
    file: SIGNED.replace("at: 2026-11-20", "at: 2026-11-21"),
  },
  { rule: "signatures.display", type: "script", variant: "key", file: SIGNED.replace(/key: ./, "key: _") },
];

/** The last symbol of a signature with a bit set that carries no data: another spelling of the same bytes. */
function spare(_: string, symbol: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return `${alphabet[alphabet.indexOf(symbol) + 1]}}\n---`;
}

const SIGNED_ORDER = decode(signed(ORDER, "order", ["ann"]));
/** Files in good form that nobody may act on, and the code that says why. */
const UNPROVED: { name: string; type: DocumentType; code: string; file: string | Uint8Array }[] = [
  { name: "unsigned", type: "script", code: "signature.missing", file: SCRIPT },
  { name: "body_changed", type: "script", code: "signature.invalid", file: SIGNED.replace("{ line }", "{ l1ne }") },
  {
    name: "header_changed",
    type: "script",
    code: "signature.invalid",
    file: SIGNED.replace("access: 2 ", "access: 4 "),
  },
  { name: "comment_changed", type: "script", code: "signature.invalid", file: SIGNED.replace("# read", "# Read") },
  { name: "selector_widened", type: "order", code: "signature.invalid", file: SIGNED_ORDER.replace(",!canary", "") },
  {
    name: "one_of_two_broken",
    type: "script",
    code: "signature.invalid",
    file: decode(signed(SCRIPT, "script", ["ann", "ben"])).replace(LINE, LINE.replace(/\.\.(?!AB)../, "..AB")),
  },
  { name: "stranger", type: "script", code: "signer.unknown", file: signed(SCRIPT, "script", ["eve"]) },
  { name: "revoked", type: "script", code: "signer.revoked", file: signed(SCRIPT, "script", ["cid"], 0) },
  { name: "signer_expired", type: "script", code: "signer.expired", file: signed(SCRIPT, "script", ["dan"], 0) },
  { name: "future", type: "script", code: "signature.future", file: signed(SCRIPT, "script", ["ann"], NOW + 121_000) },
  {
    name: "expired",
    type: "order",
    code: "document.expired",
    file: signed(ORDER.replaceAll("-11-2", "-10-2"), "order", ["ann"]),
  },
  {
    name: "not_yet",
    type: "order",
    code: "document.not_yet",
    file: signed(ORDER.replaceAll("2026-11-2", "2026-12-2"), "order", ["ann"]),
  },
  {
    name: "other_cluster",
    type: "job",
    code: "document.wrong_cluster",
    file: signed(JOB.replace("lab", "prod"), "job", ["ann"]),
  },
  { name: "one_of_two", type: "job", code: "signature.not_enough", file: signed(JOB, "job", ["ann"]) },
];

const GOOD: { name: string; type: DocumentType; signers: Name[]; file: Uint8Array }[] = [
  { name: "script", type: "script", signers: ["ann", "ben"], file: signed(SCRIPT, "script", ["ann", "ben"]) },
  {
    name: "script_with_interpreter_line",
    type: "script",
    signers: ["ann", "ben"],
    file: signed(`#!/usr/bin/env jabber\n${script("name: a\naccess: 4\nuses: []\n", "")}`, "script", ["ben", "ann"]),
  },
  {
    name: "script_without_line_end",
    type: "script",
    signers: ["ann", "ben"],
    file: signed(script("name: a\naccess: 0\nuses: []\n", BODY.trimEnd()), "script", ["ann", "ben"]),
  },
  { name: "order", type: "order", signers: ["ann", "ben"], file: signed(ORDER, "order", ["ann", "ben", "eve"]) },
  { name: "job", type: "job", signers: ["ann", "ben"], file: signed(JOB, "job", ["ann", "ben", "cid"]) },
  { name: "job_cancelled", type: "job", signers: ["ann", "ben"], file: signed(CANCELLED, "job", ["ann", "ben"]) },
  {
    name: "script_by_jose",
    type: "script",
    signers: ["ann", "ben"],
    file: sign(await josed(SCRIPT, "script", "ann"), "script", keyOf("ben"), { at: SIGNED_AT }),
  },
  {
    name: "order_by_jose",
    type: "order",
    signers: ["ann", "ben"],
    file: sign(await josed(ORDER, "order", "ben"), "order", keyOf("ann"), { at: SIGNED_AT }),
  },
];

const TRUSTED: { name: Name; notAfter?: string }[] = [
  { name: "ann" },
  { name: "ben", notAfter: "2028-01-01" },
  { name: "cid" },
  { name: "dan", notAfter: "2026-11-21" },
];
const trust: TrustList = {
  signers: TRUSTED.map(({ name, ...rest }) => {
    const { kid, jwk } = keyOf(name).public;
    return { key: kid, x: jwk.x, name, ...rest };
  }),
  revoked: [keyOf("cid").public.kid],
  rules: [
    { selector: "", signatures: 1 },
    { selector: "tier=critical", signatures: 2, signers: [keyOf("ann").public.kid, keyOf("ben").public.kid] },
  ],
};

function write(path: string, file: string | Uint8Array): string {
  Deno.writeFileSync(new URL(path, folder), typeof file === "string" ? encode(file) : file);
  return path;
}

for (const name of ["good", "refused", "unproved"]) Deno.mkdirSync(new URL(name, folder), { recursive: true });
const index = {
  note: "Frozen. The seeds are test keys and must never be trusted anywhere.",
  seeds: Object.fromEntries(
    (Object.keys(SEEDS) as Name[]).map((name) => [name, `${SEEDS[name]}`.padStart(2, "0").repeat(32)]),
  ),
  now: NOW,
  cluster: "lab",
  localTags: { tier: "critical" },
  trust,
  good: GOOD.map(({ name, type, signers, file }) => ({
    file: write(`good/${name}.${type}`, file),
    type,
    hash: parseDocument(file, type).hash,
    signers,
  })),
  refused: [...REFUSED, ...SIGNATURE_CASES].map(({ rule, type, file, variant }) => ({
    file: write(`refused/${[rule, ...(variant === undefined ? [] : [variant])].join(".")}.${type}`, file),
    type,
    code: rule.endsWith(".size") && rule !== "field.size" ? "document.too_large" : "document.malformed",
    rule,
  })),
  unproved: UNPROVED.map(({ name, type, code, file }) => ({
    file: write(`unproved/${name}.${type}`, file),
    type,
    code,
  })),
};
write("index.json", `${JSON.stringify(index, null, 2)}\n`);

import assert from "node:assert/strict";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { fromBase64url, toBase64url } from "../base64url.ts";
import { signDetachedJws } from "../jws.ts";
import { type PrivateKey, privateKeyFromSeed } from "../keys.ts";
import { composeJob, composeOrder, composeScript, parseJob, parseOrder, parseScript, sign } from "./document.ts";
import { checkTarget, isTarget, type TrustContext, type TrustList, verifySignatures, verifyTrust } from "./trust.ts";
import { parseTrustList } from "./trust_list.ts";
import type { DocumentType, SignedDocument } from "./types.ts";

const NOW = Date.UTC(2026, 10, 21);
const [ANN, BEN, CID] = [1, 2, 3].map((fill) => privateKeyFromSeed(new Uint8Array(32).fill(fill))) as [
  PrivateKey,
  PrivateKey,
  PrivateKey,
];
const SCRIPT = composeScript({ name: "a", access: 0, uses: [] }, "run();\n");
const CONTEXT: TrustContext = { now: NOW, cluster: "lab", localTags: {} };

function entry(key: PrivateKey, name: string, more = {}) {
  return { key: key.public.kid, x: key.public.jwk.x, name, ...more };
}

function trustOf(more: Partial<TrustList> = {}): TrustList {
  return parseTrustList({ signers: [entry(ANN, "ann"), entry(BEN, "ben")], revoked: [], rules: [], ...more });
}

function signedBy(...keys: PrivateKey[]) {
  return parseScript(keys.reduce<Uint8Array>((file, key) => sign(file, "script", key, { at: NOW }), SCRIPT));
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (cause) {
    if (cause instanceof JabberError) return cause.code;
    throw cause;
  }
  return "accepted";
}

Deno.test("verifyTrust() lets unknown and revoked signers do no harm beside a good one", () => {
  const trust = trustOf({ revoked: [BEN.public.kid] });
  const verdicts = verifySignatures(signedBy(CID, BEN, ANN), trust, NOW).map(({ verdict }) => verdict);
  assert.deepEqual(verdicts, ["unknown", "revoked", "good"]);
  assert.deepEqual(verifyTrust(signedBy(CID, BEN, ANN), trust, CONTEXT).map(({ name }) => name), ["ann"]);
  assert.equal(codeOf(() => verifyTrust(signedBy(CID, BEN), trust, CONTEXT)), "signer.revoked");
  assert.equal(codeOf(() => verifyTrust(signedBy(CID), trust, CONTEXT)), "signer.unknown");
});

Deno.test("verifyTrust() trusts nobody when the list is empty", () => {
  const trust = parseTrustList({});
  assert.equal(codeOf(() => verifyTrust(signedBy(ANN), trust, CONTEXT)), "signer.unknown");
  assert.equal(codeOf(() => verifyTrust(parseScript(SCRIPT), trust, CONTEXT)), "signature.missing");
});

Deno.test("verifyTrust() asks for what the strictest matching rule says, by local tags", () => {
  const trust = trustOf({
    signers: [entry(ANN, "ann"), entry(BEN, "ben"), entry(CID, "cid")],
    rules: [
      { selector: "", signatures: 1 },
      { selector: "env=prod", signatures: 2 },
      { selector: "env=prod,tier=db", signatures: 1, signers: [CID.public.kid] },
    ],
  });
  const on = (localTags: Record<string, string>, ...keys: PrivateKey[]) =>
    codeOf(() => verifyTrust(signedBy(...keys), trust, { ...CONTEXT, localTags }));
  assert.equal(on({}, ANN), "accepted");
  assert.equal(on({ env: "prod" }, ANN), "signature.not_enough");
  assert.equal(on({ env: "prod" }, ANN, BEN), "accepted");
  assert.equal(on({ env: "prod", tier: "db" }, ANN, BEN), "signature.not_enough");
  assert.equal(on({ env: "prod", tier: "db" }, CID), "signature.not_enough");
  assert.equal(on({ env: "prod", tier: "db" }, ANN, CID), "accepted");
});

Deno.test("verifyTrust() ends a signer at its notAfter, whatever the signature's date", () => {
  const trust = trustOf({ signers: [entry(ANN, "ann", { notAfter: "2026-11-21T00:00:01Z" })] });
  const at = (now: number) => codeOf(() => verifyTrust(signedBy(ANN), trust, { ...CONTEXT, now }));
  assert.deepEqual([at(NOW), at(NOW + 999), at(NOW + 1000)], ["accepted", "accepted", "signer.expired"]);
});

Deno.test("verifyTrust() forgives a clock as far as the limit says", () => {
  const at = (now: number) => codeOf(() => verifyTrust(signedBy(ANN), trustOf(), { ...CONTEXT, now }));
  assert.equal(at(NOW - LIMITS.clockSkewMsMax), "accepted");
  assert.equal(at(NOW - LIMITS.clockSkewMsMax - 1), "signature.future");
});

Deno.test("verifyTrust() holds orders and jobs to their window and cluster", () => {
  const fields = { id: "01KADQ3ZJ8V4M9T5W2X7Y0ABCD", cluster: "lab", does: "command:fs.tail", selector: "" };
  const order = parseOrder(
    sign(composeOrder({ ...fields, notBefore: "2026-11-22", notAfter: "2026-11-23" }), "order", ANN, { at: NOW }),
  );
  const day = 86_400_000;
  const at = (now: number, cluster = "lab") =>
    codeOf(() => verifyTrust(order, trustOf(), { now, cluster, localTags: {} }));
  assert.equal(at(NOW + day - LIMITS.clockSkewMsMax - 1), "document.not_yet");
  assert.equal(at(NOW + day - LIMITS.clockSkewMsMax), "accepted");
  assert.equal(at(NOW + 2 * day - 1), "accepted");
  assert.equal(at(NOW + 2 * day), "document.expired");
  assert.equal(at(NOW + day, "prod"), "document.wrong_cluster");
});

Deno.test("a cancellation never expires and is meant for every host", () => {
  const file = composeJob({ id: "nightly", cluster: "lab", serial: 2, cancelled: true });
  const job = parseJob(sign(file, "job", ANN, { at: NOW }));
  assert.equal(codeOf(() => verifyTrust(job, trustOf(), { ...CONTEXT, now: NOW * 2 })), "accepted");
  assert.ok(isTarget(job, {}));
});

Deno.test("isTarget() needs all signed tags and the selector", () => {
  const script = parseScript(
    composeScript({ name: "a", access: 0, uses: [], tags: { os: "linux", arch: "arm64" }, targets: "env!=prod" }, ""),
  );
  assert.equal(isTarget(script, { os: "linux", arch: "arm64", env: "dev" }), true);
  assert.equal(isTarget(script, { os: "linux", arch: "x64", env: "dev" }), false);
  assert.equal(isTarget(script, { os: "linux", arch: "arm64", env: "prod" }), false);
  assert.equal(isTarget(script, { env: "dev" }), false);
  assert.equal(codeOf(() => checkTarget(script, { os: "linux", arch: "arm64", env: "dev" })), "accepted");
  assert.equal(codeOf(() => checkTarget(script, { os: "linux", arch: "x64", env: "dev" })), "document.wrong_host");
});

Deno.test("a signature cannot be moved to another document or type", () => {
  const signed = signedBy(ANN);
  const other = parseScript(composeScript({ name: "a", access: 4, uses: [] }, "run();\n"));
  const moved = { ...other, signatures: signed.signatures };
  assert.equal(codeOf(() => verifyTrust(moved, trustOf(), CONTEXT)), "signature.invalid");
  const types = ["script", "order", "job"] as const;
  for (const type of types) {
    const honest = document(type);
    for (const other of types) {
      const expected = other === type ? "accepted" : "signature.invalid";
      const lined = new TextDecoder().decode(honest.signedBytes).replace(`/${type}/`, `/${other}/`);
      // Its name for the type, or the line under the signature, is another document's.
      for (const [typ, bytes] of [[other, honest.signedBytes], [type, lined]] as const) {
        const jws = signDetachedJws(`jabberwocky-${typ}+jws`, bytes, ANN, NOW / 1000);
        const forged = { ...honest, signatures: [{ key: ANN.public.kid, at: new Date(NOW).toISOString(), jws }] };
        assert.equal(codeOf(() => verifyTrust(forged, trustOf(), CONTEXT)), expected, `${other} for ${type}`);
      }
    }
  }
});

function document(type: DocumentType): SignedDocument {
  const does = { cluster: "lab", does: "command:sys.facts", selector: "" };
  if (type === "script") return parseScript(SCRIPT);
  if (type === "job") {
    return parseJob(composeJob({ id: "nightly", serial: 1, ...does, trigger: { kind: "now" }, until: "2027-06-01" }));
  }
  const window = { notBefore: "2026-11-20", notAfter: "2026-11-22" };
  return parseOrder(composeOrder({ id: "01M7W7A0T9CHEQHAJ342FR7MFN", ...does, ...window }));
}

Deno.test("a signature has no second spelling (S + L)", () => {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const signed = signedBy(ANN);
  const [line] = signed.signatures;
  assert.ok(line !== undefined);
  const signature = fromBase64url(line.jws.split("..")[1] ?? "");
  assert.ok(signature?.length === 64);
  let s = signature.slice(32).reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n) + order;
  for (let i = 32; i < 64; i++, s >>= 8n) signature[i] = Number(s & 0xffn);
  const respelled = { ...line, jws: `${line.jws.split("..")[0]}..${toBase64url(signature)}` };
  const document = { ...signed, signatures: [respelled] };
  assert.equal(codeOf(() => verifyTrust(document, trustOf(), CONTEXT)), "signature.invalid");
});

Deno.test("parseTrustList() refuses what would not mean what it says", () => {
  const ann = entry(ANN, "ann");
  const faults: unknown[] = [
    null,
    [],
    { signer: [] },
    { signers: {} },
    { signers: [{ ...ann, key: BEN.public.kid }] },
    { signers: [{ ...ann, x: `${ann.x}=` }] },
    { signers: [{ ...ann, name: "" }] },
    { signers: [{ ...ann, notAfter: "soon" }] },
    { signers: [{ ...ann, admin: true }] },
    { signers: [ann, ann] },
    { signers: [ann], revoked: ["ann"] },
    { signers: [ann], rules: [{ selector: "a==", signatures: 0 }] },
    { signers: [ann], rules: [{ selector: "a=(", signatures: 1 }] },
    { signers: [ann], rules: [{ selector: "", signatures: 2 }] },
    { signers: [ann], rules: [{ selector: "", signatures: 1, signers: [BEN.public.kid] }] },
  ];
  for (const fault of faults) {
    assert.equal(codeOf(() => parseTrustList(fault)), "trust.malformed", JSON.stringify(fault));
  }
});

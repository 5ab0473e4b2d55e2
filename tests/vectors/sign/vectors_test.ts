import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { flattenedVerify } from "jose";
import { JabberError } from "../../../base/errors.ts";
import { privateKeyFromSeed } from "../../../wire/keys.ts";
import {
  DOCUMENT_RULES,
  type DocumentType,
  parseDocument,
  parseTrustList,
  sign,
  stripSignatures,
  type TrustContext,
  verifyTrust,
} from "../../../wire/sign/mod.ts";

interface Vector {
  file: string;
  type: DocumentType;
}
interface Index extends TrustContext {
  seeds: Record<string, string>;
  trust: unknown;
  good: (Vector & { hash: string; signers: string[] })[];
  refused: (Vector & { code: string; rule: string })[];
  unproved: (Vector & { code: string })[];
}

const folder = new URL("./", import.meta.url);
const read = (file: string) => Deno.readFileSync(new URL(file, folder));
const readIndex = (): Index => JSON.parse(new TextDecoder().decode(read("index.json")));

function refusalOf(work: () => unknown): JabberError {
  try {
    work();
  } catch (cause) {
    if (cause instanceof JabberError) return cause;
    throw cause;
  }
  throw new assert.AssertionError({ message: "nothing was refused" });
}

Deno.test("parseDocument() refuses every refused vector by the rule it names", () => {
  const index = readIndex();
  assert.ok(index.refused.length >= 30);
  for (const { file, type, code, rule } of index.refused) {
    const refusal = refusalOf(() => parseDocument(read(file), type));
    assert.deepEqual([refusal.code, refusal.data?.["rule"]], [code, rule], `${file}: ${refusal.message}`);
  }
});

Deno.test("DOCUMENT_RULES has a refused vector for every row", () => {
  const covered = new Set(readIndex().refused.map(({ rule }) => rule));
  assert.deepEqual(Object.keys(DOCUMENT_RULES).filter((rule) => !covered.has(rule)), []);
});

Deno.test("the folders hold the files of the index and nothing else", () => {
  const { good, refused, unproved } = readIndex();
  const listed = [...good, ...refused, ...unproved].map(({ file }) => file).sort();
  const found = ["good", "refused", "unproved"].flatMap((name) =>
    [...Deno.readDirSync(new URL(name, folder))].map((entry) => `${name}/${entry.name}`)
  );
  assert.deepEqual(found.sort(), listed);
});

Deno.test("verifyTrust() accepts every good vector with its frozen hash and signers", () => {
  const index = readIndex();
  const trust = parseTrustList(index.trust);
  for (const { file, type, hash, signers } of index.good) {
    const document = parseDocument(read(file), type);
    assert.equal(document.hash, hash, file);
    const names = verifyTrust(document, trust, index).map(({ name }) => name);
    assert.deepEqual(names.sort(), signers.toSorted(), file);
  }
});

Deno.test("verifyTrust() refuses every unproved vector by its code", () => {
  const index = readIndex();
  const trust = parseTrustList(index.trust);
  for (const { file, type, code } of index.unproved) {
    const document = parseDocument(read(file), type);
    assert.equal(refusalOf(() => verifyTrust(document, trust, index)).code, code, file);
  }
});

Deno.test("a good vector's signatures verify with an independent implementation", async () => {
  const index = readIndex();
  const { signers } = parseTrustList(index.trust);
  for (const { file, type } of index.good) {
    const document = parseDocument(read(file), type);
    for (const { key, jws } of document.signatures) {
      const signer = signers.find((one) => one.key === key);
      if (signer === undefined) continue;
      const [head = "", , signature = ""] = jws.split(".");
      const payload = base64url(document.signedBytes);
      const publicKey = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: signer.x }, format: "jwk" });
      const proved = await flattenedVerify({ protected: head, payload, signature }, publicKey, {
        algorithms: ["EdDSA"],
      });
      assert.equal(proved.protectedHeader?.kid, key);
    }
  }
});

Deno.test("sign() makes the frozen bytes again from the frozen seeds", () => {
  const index = readIndex();
  for (const { file, type } of index.good.filter(({ file }) => !file.includes("jose"))) {
    const bytes = read(file);
    const document = parseDocument(bytes, type);
    let again = stripSignatures(bytes, type);
    for (const { key, at } of document.signatures) {
      const seed = Object.values(index.seeds).find((seed) => keyOf(seed).public.kid === key);
      assert.ok(seed !== undefined, file);
      again = sign(again, type, keyOf(seed), { at: Date.parse(at) });
    }
    assert.deepEqual(again, bytes, file);
  }
});

function keyOf(seed: string) {
  return privateKeyFromSeed(Uint8Array.from({ length: 32 }, (_, i) => parseInt(seed.slice(2 * i, 2 * i + 2), 16)));
}

function base64url(bytes: Uint8Array): string {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

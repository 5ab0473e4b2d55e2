import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import * as jose from "jose";
import { JabberError } from "../base/errors.ts";
import { seededRng } from "../base/rng.ts";
import { fromBase64url } from "./base64url.ts";
import {
  privateKeyFromPem,
  privateKeyFromSeed,
  privateKeyToPem,
  publicKeyFromBytes,
  publicKeyFromJwk,
  publicKeyFromText,
  publicKeyToText,
  secretFromText,
  secretToText,
  thumbprint,
} from "./keys.ts";

const refused = (cause: unknown): boolean => cause instanceof JabberError && cause.code === "key.malformed";
const key = privateKeyFromSeed(seededRng(5).bytes(32));

Deno.test("privateKeyFromSeed() and thumbprint() agree with RFC 8037 appendix A", () => {
  const rfc = privateKeyFromSeed(fromBase64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")!);
  assert.equal(rfc.public.jwk.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
  assert.equal(rfc.public.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
});

Deno.test("thumbprint() agrees with jose", async () => {
  assert.equal(thumbprint(key.public.jwk), await jose.calculateJwkThumbprint({ ...key.public.jwk }, "sha256"));
});

Deno.test("keys survive their text forms", () => {
  assert.equal(privateKeyFromPem(privateKeyToPem(key)).public.kid, key.public.kid);
  assert.equal(publicKeyFromText(publicKeyToText(key.public)).kid, key.public.kid);
  assert.equal(publicKeyFromJwk({ ...key.public.jwk }).kid, key.public.kid);
  assert.deepEqual(secretFromText(secretToText(new Uint8Array(32).fill(9))), new Uint8Array(32).fill(9));
});

Deno.test("publicKeyFromBytes() refuses the eight weak points in each spelling", () => {
  const p = 2n ** 255n - 19n;
  const order8 = 2707385501144840649318225287225658788936804267575313519463743609750303021n;
  // y = 0, ±1 and ± the order-8 point, plus the spellings at and above p that fit into 255 bits.
  for (const y of [0n, 1n, p - 1n, p, p + 1n, order8, p - order8]) {
    for (const sign of [0, 0x80]) {
      const bytes = new Uint8Array(32);
      for (let i = 0, rest = y; i < 32; i++, rest >>= 8n) bytes[i] = Number(rest & 255n);
      bytes[31]! |= sign;
      assert.throws(() => publicKeyFromBytes(bytes), refused, `${y} ${sign}`);
    }
  }
});

Deno.test("keys of another kind or form are refused and never quoted", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ecPem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  const rows: (() => unknown)[] = [
    () => privateKeyFromSeed(new Uint8Array(31)),
    () => privateKeyFromPem(ecPem),
    () => privateKeyFromPem(privateKeyToPem(key).replace("MC4", "MC5")),
    () => privateKeyFromPem(""),
    () => publicKeyFromJwk(publicKey.export({ format: "jwk" })),
    () => publicKeyFromJwk({ ...key.public.jwk, d: "x" }),
    () => publicKeyFromJwk({ ...key.public.jwk, crv: "X25519" }),
    () => publicKeyFromJwk({ ...key.public.jwk, x: `${key.public.jwk.x}=` }),
    () => publicKeyFromJwk(null),
    () => publicKeyFromText(key.public.jwk.x),
    () => publicKeyFromText("ed25519:AAAA"),
    () => secretFromText("c2hvcnQ"),
    () => secretFromText(""),
  ];
  for (const [index, row] of rows.entries()) {
    assert.throws(row, (cause: unknown) => refused(cause) && !String(cause).includes("MC"), `row ${index}`);
  }
});

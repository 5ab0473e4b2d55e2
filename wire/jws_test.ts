import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { sign } from "node:crypto";
import fc from "fast-check";
import * as jose from "jose";
import { JabberError } from "../base/errors.ts";
import { seededRng } from "../base/rng.ts";
import { toBase64url } from "./base64url.ts";
import {
  hmacJwsFits,
  jsonPayload,
  jwsFits,
  parseDetachedJws,
  parseJws,
  signDetachedJws,
  signHmacJws,
  signJws,
} from "./jws.ts";
import { privateKeyFromSeed, privateKeyToPem } from "./keys.ts";

const rng = seededRng(1);
const key = privateKeyFromSeed(rng.bytes(32));
const other = privateKeyFromSeed(rng.bytes(32));
const secret = rng.bytes(32);
const TYP = "test+jwt";
const ed = { alg: "EdDSA", typ: TYP, charsMax: 4096 } as const;
const hs = { alg: "HS256", typ: TYP, charsMax: 4096 } as const;

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (cause) {
    assert.ok(cause instanceof JabberError, String(cause));
    return `${cause.code} ${cause.message}`;
  }
  return "accepted";
}

/** A JWS with any header, signed properly by `key`. */
function forged(header: string, payload = "{}"): string {
  const input = `${toBase64url(header)}.${toBase64url(payload)}`;
  return `${input}.${toBase64url(sign(null, Buffer.from(input), key.object))}`;
}

Deno.test("signJws() makes what jose verifies, attached and detached", async () => {
  const publicKey = await jose.importJWK({ ...key.public.jwk }, "EdDSA");
  const text = signJws(TYP, `{"a":1}`, key, 1_700_000_000);
  const read = await jose.compactVerify(text, publicKey);
  assert.equal(new TextDecoder().decode(read.payload), `{"a":1}`);
  assert.deepEqual(read.protectedHeader, { alg: "EdDSA", typ: TYP, kid: key.public.kid, iat: 1_700_000_000 });

  const payload = rng.bytes(1000);
  const detached = signDetachedJws(TYP, payload, key);
  const [header, , signature] = detached.split(".");
  await jose.compactVerify(`${header}.${toBase64url(payload)}.${signature}`, publicKey);
  assert.ok(jwsFits(parseDetachedJws(detached, payload, ed), key.public));
});

Deno.test("parseJws() and jwsFits() accept what jose signs", async () => {
  const privateKey = await jose.importPKCS8(privateKeyToPem(key), "EdDSA");
  const text = await new jose.CompactSign(new TextEncoder().encode(`{"b":"ü"}`))
    .setProtectedHeader({ alg: "EdDSA", typ: TYP, kid: key.public.kid }).sign(privateKey);
  const jws = parseJws(text, ed);
  assert.ok(jwsFits(jws, key.public));
  assert.deepEqual(jsonPayload(jws), { b: "ü" });
});

Deno.test("signHmacJws() and jose agree both ways", async () => {
  const text = signHmacJws(TYP, "{}", secret);
  await jose.compactVerify(text, secret);
  const theirs = await new jose.CompactSign(new TextEncoder().encode("{}")).setProtectedHeader({
    alg: "HS256",
    typ: TYP,
  })
    .sign(secret);
  assert.ok(hmacJwsFits(parseJws(theirs, hs), secret));
  assert.ok(!hmacJwsFits(parseJws(theirs, hs), rng.bytes(32)));
  assert.match(refusal(() => signHmacJws(TYP, "{}", new Uint8Array(31))), /key\.malformed/);
});

Deno.test("jwsFits() refuses another key, another kid and another payload", () => {
  assert.ok(!jwsFits(parseJws(signJws(TYP, "{}", other), ed), key.public));
  const kidOfOther = forged(JSON.stringify({ alg: "EdDSA", typ: TYP, kid: other.public.kid }));
  assert.ok(!jwsFits(parseJws(kidOfOther, ed), key.public));
  assert.ok(!jwsFits(parseJws(kidOfOther, ed), other.public));
  const [header, , signature] = signJws(TYP, "{}", key).split(".");
  assert.ok(!jwsFits(parseJws(`${header}.${toBase64url("[]")}.${signature}`, ed), key.public));
  assert.ok(!jwsFits(parseDetachedJws(`${header}..${signature}`, new TextEncoder().encode("[]"), ed), key.public));
});

Deno.test("parseJws() refuses every header but its own form", () => {
  const kid = key.public.kid;
  const rows: [string, string, RegExp][] = [
    ["alg none", `{"alg":"none","typ":"${TYP}","kid":"${kid}"}`, /alg is "none"/],
    ["alg HS256 with the public key as secret", `{"alg":"HS256","typ":"${TYP}","kid":"${kid}"}`, /alg is "HS256"/],
    ["alg missing", `{"typ":"${TYP}","kid":"${kid}"}`, /alg is nothing/],
    ["alg in other case", `{"alg":"eddsa","typ":"${TYP}","kid":"${kid}"}`, /alg is "eddsa"/],
    ["another typ", `{"alg":"EdDSA","typ":"other+jwt","kid":"${kid}"}`, /typ is "other\+jwt"/],
    ["kid missing", `{"alg":"EdDSA","typ":"${TYP}"}`, /kid is missing/],
    ["kid not text", `{"alg":"EdDSA","typ":"${TYP}","kid":7}`, /kid is not text/],
    ["crit", `{"alg":"EdDSA","typ":"${TYP}","kid":"${kid}","crit":["b64"]}`, /"crit" is not allowed/],
    ["b64", `{"alg":"EdDSA","typ":"${TYP}","kid":"${kid}","b64":false}`, /"b64" is not allowed/],
    ["embedded key", `{"alg":"EdDSA","typ":"${TYP}","kid":"${kid}","jwk":{}}`, /"jwk" is not allowed/],
    ["key URL", `{"alg":"EdDSA","typ":"${TYP}","kid":"${kid}","jku":"http://x"}`, /"jku" is not allowed/],
    ["prototype", `{"alg":"EdDSA","typ":"${TYP}","kid":"${kid}","__proto__":{}}`, /"__proto__" is not allowed/],
    ["repeated member", `{"alg":"none","alg":"EdDSA","typ":"${TYP}","kid":"${kid}"}`, /repeated member/],
    ["white space", `{"alg": "EdDSA","typ":"${TYP}","kid":"${kid}"}`, /white space/],
    ["byte order mark", `\ufeff{"alg":"EdDSA","typ":"${TYP}","kid":"${kid}"}`, /not JSON/],
    ["bad iat", `{"alg":"EdDSA","typ":"${TYP}","kid":"${kid}","iat":1.5}`, /iat is not a time/],
    ["array", `["EdDSA"]`, /not a JSON object/],
    ["null", "null", /not a JSON object/],
    ["long", `{"alg":"EdDSA","typ":"${TYP}","kid":"${"k".repeat(600)}"}`, /header is not/],
  ];
  for (const [name, header, reason] of rows) assert.match(refusal(() => parseJws(forged(header), ed)), reason, name);
});

Deno.test("parseJws() refuses every text but three strict parts", () => {
  const good = signJws(TYP, "{}", key);
  const [header, payload, signature] = good.split(".");
  const rows: [string, string][] = [
    ["empty", ""],
    ["two parts", `${header}.${payload}`],
    ["four parts", `${good}.x`],
    ["many dots", ".".repeat(4000)],
    ["detached where attached is due", `${header}..${signature}`],
    ["padding", `${header}.${payload}=.${signature}`],
    ["standard alphabet", `${header}.${payload}.${"/".repeat(86)}`],
    ["white space", `${header}.${payload}.${signature} `],
    ["short signature", `${header}.${payload}.${signature!.slice(0, 84)}`],
    ["no signature", `${header}.${payload}.`],
    ["spare bits set", `${header}.${payload}.${signature!.slice(0, 85)}${signature!.endsWith("B") ? "D" : "B"}`],
    ["header not UTF-8", `${Buffer.from([0xff, 0x7b]).toString("base64url")}.${payload}.${signature}`],
  ];
  for (const [name, text] of rows) assert.match(refusal(() => parseJws(text, ed)), /^jws\.malformed/, name);
  assert.match(refusal(() => parseJws(good, { ...ed, charsMax: 20 })), /at most 20/);
  assert.match(refusal(() => parseDetachedJws(good, new Uint8Array(), ed)), /must be left out/);
  assert.match(refusal(() => parseJws(good, { ...hs, code: "auth.refused" })), /^auth\.refused/);
});

Deno.test("jsonPayload() takes objects in UTF-8 and nothing else", () => {
  for (const payload of [`"x"`, "[1]", "null", "{", "", Buffer.from(`{"a":"\xff"}`, "latin1")]) {
    const jws = { ...parseJws(signJws(TYP, "{}", key), ed), payload: Buffer.from(payload) };
    assert.match(refusal(() => jsonPayload(jws)), /^jws\.malformed/);
  }
});

Deno.test("jwsFits() refuses the second form of a signature (S + L)", () => {
  const [header, payload, signature] = signJws(TYP, "{}", key).split(".");
  const bytes = Buffer.from(signature!, "base64url");
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  let s = 0n;
  for (let i = 31; i >= 0; i--) s = (s << 8n) | BigInt(bytes[32 + i]!);
  s += order;
  for (let i = 0; i < 32; i++, s >>= 8n) bytes[32 + i] = Number(s & 255n);
  assert.ok(!jwsFits(parseJws(`${header}.${payload}.${bytes.toString("base64url")}`, ed), key.public));
});

Deno.test("no text that differs in one character is accepted", () => {
  const good = signJws(TYP, `{"n":1}`, key);
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=";
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(letters.length - 1), (at, letter) => {
      const text = good.slice(0, at) + letters[letter] + good.slice(at + 1);
      if (text === good) return;
      let fits = false;
      try {
        fits = jwsFits(parseJws(text, ed), key.public);
      } catch (cause) {
        assert.ok(cause instanceof JabberError);
      }
      assert.ok(!fits, text);
    }),
    { numRuns: 400, seed: 7 },
  );
});

Deno.test("parseJws() answers any text with a JWS or a coded refusal", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (text) => {
      assert.match(refusal(() => parseJws(text, ed)), /^jws\.malformed/);
    }),
    { numRuns: 300, seed: 8 },
  );
});

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import * as jose from "jose";
import { rfc3339 } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import { toBase64url } from "../base64url.ts";
import { signHmacJws } from "../jws.ts";
import { publicKeyToText } from "../keys.ts";
import {
  checkJoinCredential,
  hashJoinSecret,
  joinCredential,
  type JoinRow,
  type JoinToken,
  makeJoinToken,
  makePin,
  parseJoinToken,
  parseTokenOrPin,
} from "./join.ts";
import {
  type Action,
  ACTIONS,
  makeOperatorToken,
  OPERATOR_TYP,
  roleMay,
  ROLES,
  verifyOperatorToken,
} from "./operator.ts";
import { agentKey, caKey, cluster, codeOf, DAY, newUlid, NOW } from "./testing.ts";

/** A certificate of a CA made for this test, and that CA's key. */
const CA_PEM = `-----BEGIN CERTIFICATE-----
MIIBSDCB+6ADAgECAhBP/nLHfXz2iN5JFkhEalQRMAUGAytlcDAjMSEwHwYDVQQD
ExhKYWJiZXJ3b2NreSB0ZXN0IGNsdXN0ZXIwHhcNMjUxMjMxMDAwMDAwWhcNMzUx
MjMwMDAwMDAwWjAjMSEwHwYDVQQDExhKYWJiZXJ3b2NreSB0ZXN0IGNsdXN0ZXIw
KjAFBgMrZXADIQBY5oaq7ZoRmtKMGIC2VM3OxgNKMQ4KNfveqOU3poKKT6NFMEMw
EgYDVR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFF1/
pvAIVPIlGMUoGSxjoehSHKcGMAUGAytlcANBADQLQ/WgG2sbtfhkLKhoKhLRMItf
ltwSsRU1RcDteR5AiJT0JNDX2J3zvVm+9JgfU94kWZTRazeveSuOEb746gQ=
-----END CERTIFICATE-----
`;
const CA_KEY = "ed25519:WOaGqu2aEZrSjBiAtlTNzsYDSjEOCjX73qjlN6aCik8";

const token: JoinToken = {
  cluster,
  ca: CA_PEM,
  caKey: CA_KEY,
  signers: [{ name: "ada", key: publicKeyToText(agentKey.public) }],
  servers: ["https://a.example:7431", "https://[2001:db8::1]:7431"],
  id: newUlid(),
  secret: toBase64url(new Uint8Array(32).fill(7)),
  expires: NOW + DAY,
};

Deno.test("parseJoinToken() reads what makeJoinToken() wrote, white space around it forgiven", () => {
  const text = makeJoinToken(token);
  assert.match(text, /^jabber-join-1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{8}$/);
  assert.deepEqual(parseJoinToken(` ${text}\r\n`), token);
});

Deno.test("makePin() keeps the secret out, and parseTokenOrPin() tells the two apart", () => {
  const pin = makePin(token);
  assert.match(pin, /^jabber-pin-1\./);
  const { id: _id, secret, expires: _expires, ...facts } = token;
  assert.deepEqual(parseTokenOrPin(`${pin}\n`), facts);
  assert.ok(!atob(pin.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/")).includes(secret));
  assert.deepEqual(parseTokenOrPin(makeJoinToken(token)), token);
  assert.equal(codeOf(() => parseJoinToken(pin)), "token.malformed", "a pin lets nobody in");
  const relabelled = makeJoinToken(token).replace("jabber-join-1", "jabber-pin-1");
  assert.equal(codeOf(() => parseTokenOrPin(relabelled)), "token.malformed");
});

Deno.test("parseJoinToken() refuses damage and never quotes the token", () => {
  const text = makeJoinToken(token);
  const quoting = (damaged: string): string => {
    try {
      parseJoinToken(damaged);
      return "accepted";
    } catch (cause) {
      return String(cause);
    }
  };
  fc.assert(
    fc.property(fc.nat(text.length - 1), (length) => {
      assert.equal(codeOf(() => parseJoinToken(text.slice(0, length))), "token.malformed");
    }),
    { numRuns: 100, seed: 6 },
  );
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom("A", "b", "_", "."), (at, letter) => {
      const damaged = text.slice(0, at) + letter + text.slice(at + 1);
      if (damaged !== text) assert.equal(codeOf(() => parseJoinToken(damaged)), "token.malformed");
      assert.ok(!quoting(damaged).includes(token.secret));
    }),
    { numRuns: 200, seed: 7 },
  );
  for (const other of ["", "x", "jabber-join-2.e30.AAAAAAAA", "A".repeat(20_000)]) {
    assert.equal(codeOf(() => parseJoinToken(other)), "token.malformed");
  }
});

Deno.test("makeJoinToken() refuses a token nobody could use", () => {
  const rows: [string, Partial<JoinToken>][] = [
    ["CA key of another CA", { caKey: publicKeyToText(caKey.public) }],
    ["no certificate", { ca: "x" }],
    ["signer that is no key", { signers: [{ name: "ada", key: "ed25519:AAAA" }] }],
    ["no server", { servers: [] }],
    ["server that is no URL", { servers: ["a.example"] }],
    ["server of another scheme", { servers: ["ftp://a.example"] }],
    ["more URLs than a token holds", { servers: Array(10).fill(`https://a.example/${"x".repeat(1500)}`) }],
    ["short secret", { secret: "AAAA" }],
    ["cluster with a slash", { cluster: "a/b" }],
  ];
  for (const [name, change] of rows) {
    assert.equal(codeOf(() => makeJoinToken({ ...token, ...change })), "input.invalid", name);
  }
});

Deno.test("checkJoinCredential() lets in the right secret, in time, as often as agreed", () => {
  const row: JoinRow = {
    id: token.id,
    hash: hashJoinSecret(token.secret),
    expires: rfc3339(NOW + DAY),
    uses: 2,
    used: 1,
  };
  const credential = joinCredential(token);
  const check = (text: string, change: Partial<JoinRow> = {}, now = NOW): string =>
    codeOf(() => checkJoinCredential(text, [{ ...row, id: newUlid() }, { ...row, ...change }], now));
  assert.equal(checkJoinCredential(credential, [row], NOW), row);
  assert.equal(check(credential), "accepted");
  assert.equal(check(credential, { used: 2 }), "token.used_up");
  const { uses: _, ...unlimited } = row;
  assert.equal(checkJoinCredential(credential, [{ ...unlimited, used: 1e6 }], NOW).id, row.id);
  assert.equal(check(credential, {}, NOW + DAY), "token.expired");
  assert.equal(check(credential, { expires: "never" }), "token.expired");
  const wrong = [
    `${token.id}.${toBase64url(new Uint8Array(32))}`,
    `${newUlid()}.${token.secret}`,
    `${token.id}.`,
    token.id,
    "",
    `${credential}.x`,
    `${token.id}.${row.hash}`,
    `${token.id}.${row.hash.slice(7)}`,
  ];
  for (const text of wrong) assert.equal(check(text), "token.invalid", text);
  assert.equal(check(`${token.id}.`, { hash: "sha256-" }), "token.invalid", "an empty hash fits nothing");
  assert.equal(check(wrong[0]!, { used: 2 }), "token.invalid", "a guesser learns nothing about the row");
});

const secret = new Uint8Array(32).fill(3);
const none: ReadonlySet<string> = new Set();

Deno.test("verifyOperatorToken() reads what makeOperatorToken() and jose wrote", async () => {
  const id = newUlid();
  const text = makeOperatorToken({ user: "ada", role: "admin", cluster, id }, secret, NOW);
  const expires = NOW + LIMITS.operatorTokenLifetimeMs;
  assert.deepEqual(verifyOperatorToken(text, secret, { cluster, now: NOW, revoked: none }), {
    user: "ada",
    role: "admin",
    id,
    expires,
  });
  await jose.jwtVerify(text, secret, { audience: cluster, typ: OPERATOR_TYP, currentDate: new Date(NOW) });
  const theirs = await new jose.SignJWT({ role: "viewer" }).setProtectedHeader({ alg: "HS256", typ: OPERATOR_TYP })
    .setSubject("bob").setAudience(cluster).setJti("j").setIssuedAt(NOW / 1000).setExpirationTime(NOW / 1000 + 60).sign(
      secret,
    );
  assert.equal(verifyOperatorToken(theirs, secret, { cluster, now: NOW, revoked: none }).user, "bob");
});

Deno.test("verifyOperatorToken() refuses every other token", () => {
  const id = newUlid();
  const who = { user: "ada", role: "admin", cluster, id } as const;
  const good = makeOperatorToken(who, secret, NOW);
  const claims = { sub: "ada", role: "admin", aud: cluster, jti: id, iat: NOW / 1000, exp: NOW / 1000 + 60 };
  const signed = (change: object) => signHmacJws(OPERATOR_TYP, JSON.stringify({ ...claims, ...change }), secret);
  const [, payload] = good.split(".");
  const none64 = toBase64url(JSON.stringify({ alg: "none", typ: OPERATOR_TYP }));
  const rows: [string, string, string, number?][] = [
    ["expired", good, "auth.expired", NOW + LIMITS.operatorTokenLifetimeMs],
    ["another secret", makeOperatorToken(who, new Uint8Array(32).fill(4), NOW), "auth.refused"],
    ["another cluster", makeOperatorToken({ ...who, cluster: "other" }, secret, NOW), "auth.refused"],
    ["another typ", signHmacJws("other+jwt", JSON.stringify(claims), secret), "auth.refused"],
    ["alg none", `${none64}.${payload}.`, "auth.refused"],
    ["made-up role", signed({ role: "root" }), "auth.refused"],
    ["no expiry", signed({ exp: undefined }), "auth.refused"],
    ["from the future", signed({ iat: NOW / 1000 + 121 }), "auth.refused"],
    ["MAC cut", good.slice(0, -1), "auth.refused"],
    ["empty", "", "auth.refused"],
    ["user changed by hand", renamed(good), "auth.refused"],
  ];
  for (const [name, text, code, now = NOW] of rows) {
    assert.equal(codeOf(() => verifyOperatorToken(text, secret, { cluster, now, revoked: none })), code, name);
  }
  const revoked = new Set([id]);
  assert.equal(codeOf(() => verifyOperatorToken(good, secret, { cluster, now: NOW, revoked })), "auth.refused");
});

function renamed(text: string): string {
  const [header, payload, mac] = text.split(".");
  const claims = Buffer.from(payload!, "base64url").toString().replace(`"ada"`, `"eve"`);
  return `${header}.${toBase64url(claims)}.${mac}`;
}

Deno.test("roleMay() gives each role what the lesser ones may, and no more", () => {
  const may = ROLES.map((role) => Object.keys(ACTIONS).filter((action) => roleMay(role, action as Action)));
  assert.deepEqual(may, [
    ["read"],
    ["read", "run", "push", "facts"],
    ["read", "run", "push", "facts", "cluster", "approve", "remove", "users"],
  ]);
});

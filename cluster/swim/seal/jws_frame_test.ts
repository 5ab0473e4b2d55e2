import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { CompactSign, compactVerify, UnsecuredJWT } from "jose";
import { toBase64url } from "../../../wire/base64url.ts";
import { JwsFrames } from "./jws_frame.ts";
import { Keyring } from "./keyring.ts";
import { KEY, OTHER_KEY, text } from "./testing.ts";

const keyring = new Keyring("jws", [KEY]);
const frames = new JwsFrames(keyring);
const kid = keyring.primary.id;
const options = { algorithms: ["HS256"] };

const spelled = (frame: Uint8Array) => new TextDecoder().decode(frame);
const signed = (header: string, payload: string, key = KEY) =>
  `${header}.${payload}.${createHmac("sha256", key).update(`${header}.${payload}`).digest("base64url")}`;
const header = (value: unknown) => toBase64url(JSON.stringify(value));

Deno.test("jose accepts what we seal, and we open what jose signs", async () => {
  for (let bytes = 1; bytes <= 67; bytes++) {
    const payload = new Uint8Array(bytes).map((_, i) => (i * 37 + bytes) & 255);
    const ours = frames.seal(payload);
    assert.equal(ours.length, JwsFrames.size(bytes));
    const verified = await compactVerify(spelled(ours), KEY, options);
    assert.deepEqual([verified.protectedHeader, new Uint8Array(verified.payload)], [{ alg: "HS256", kid }, payload]);
    const theirs = await new CompactSign(payload).setProtectedHeader({ alg: "HS256", kid }).sign(KEY);
    assert.deepEqual(frames.open(text(theirs)), payload);
  }
});

Deno.test("room() is the most that a frame of that size takes", () => {
  for (let chars = 200; chars < 300; chars++) {
    const room = JwsFrames.room(chars);
    assert.ok(JwsFrames.size(room) <= chars && JwsFrames.size(room + 1) > chars, `${chars}`);
  }
});

Deno.test("what jose refuses, we refuse, and say why", async () => {
  const good = spelled(frames.seal(text("payload")));
  const [head, body, mac] = good.split(".") as [string, string, string];
  const unsecured = new UnsecuredJWT({ a: "long enough to be looked at at all" }).encode();
  const cases: [what: string, frame: string, fault: string][] = [
    ["alg none", unsecured.padEnd(120, "A"), "alg"],
    ["alg none with our MAC", signed(header({ alg: "none" }), body), "alg"],
    ["alg HS512", signed(header({ alg: "HS512", kid }), body), "alg"],
    ["alg in small letters", signed(header({ alg: "hs256", kid }), body), "alg"],
    ["another key", signed(head, body, OTHER_KEY), "altered"],
    ["no MAC", `${head}.${body}.${"A".repeat(43)}`, "altered"],
    ["another payload", `${head}.${toBase64url("paYload")}.${mac}`, "altered"],
    ["a MAC that is cut off", good.slice(0, -1), "malformed"],
    ["a fourth part", `${good}.`, "malformed"],
    ["two parts", `${head}.${body}${mac}`, "malformed"],
  ];
  for (const [what, frame, fault] of cases) {
    assert.equal(frames.open(text(frame)), fault, what);
    await assert.rejects(compactVerify(frame, KEY, options), what);
  }
});

Deno.test("what jose lets pass and only we refuse: other spellings, and headers that are not ours", () => {
  const good = spelled(frames.seal(text("payload!")));
  const [head, body, mac] = good.split(".") as [string, string, string];
  const last = (value: string) => {
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return value.slice(0, -1) + letters[letters.indexOf(value.at(-1)!) ^ 1];
  };
  assert.equal(Buffer.from(last(mac), "base64url").equals(Buffer.from(mac, "base64url")), true, "the same bytes");
  const cases: [what: string, frame: string, fault: string][] = [
    ["trailing bits in the MAC", `${head}.${body}.${last(mac)}`, "altered"],
    ["trailing bits in the payload, signed", signed(head, last(body)), "malformed"],
    ["padding, signed", signed(head, `${body}=`), "malformed"],
    ["white space, signed", signed(head, `${body.slice(0, 4)}\n${body.slice(4)}`), "malformed"],
    ["the other alphabet, signed", signed(head, "++//"), "malformed"],
    ["an empty payload, signed", signed(head, ""), "malformed"],
    ["a dot in the payload, signed", signed(head, "AAAA.AAAA"), "malformed"],
    ["an unknown key id", signed(header({ alg: "HS256", kid: "AAAAAAAA" }), body), "wrong_key"],
    ["no key id", signed(header({ alg: "HS256" }), body), "malformed"],
    ["members in another order", signed(header({ kid, alg: "HS256" }), body), "malformed"],
    ["one more member", signed(header({ alg: "HS256", kid, typ: "JWT" }), body), "malformed"],
    ["crit", signed(header({ alg: "HS256", kid, crit: ["b64"], b64: false }), body), "malformed"],
    ["a header that is no object", signed(header(["HS256"]), body), "malformed"],
    ["a header that is no JSON", signed(toBase64url("{"), body), "malformed"],
    ["a deep header", signed(toBase64url("[".repeat(300)), body), "malformed"],
  ];
  for (const [what, frame, fault] of cases) assert.equal(frames.open(text(frame)), fault, what);
});

Deno.test("a frame opens with any key of the ring, as the ring is at that moment", () => {
  const ring = new Keyring("jws", [KEY]);
  const ours = new JwsFrames(ring);
  const old = ours.seal(text("a"));
  const { id } = ring.add(OTHER_KEY);
  ring.use(id);
  const fresh = ours.seal(text("b"));
  assert.deepEqual([ours.open(old), ours.open(fresh)], [text("a"), text("b")]);
  assert.equal(frames.open(fresh), "wrong_key");
  ring.remove(kid);
  assert.equal(ours.open(old), "wrong_key");
});

Deno.test("a frame with one changed, missing or added character never opens", () => {
  const payload = fc.uint8Array({ minLength: 1, maxLength: 90 });
  fc.assert(
    fc.property(payload, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat(2), (bytes, place, by, how) => {
      const frame = frames.seal(bytes);
      const at = place % frame.length;
      const altered = how === 0
        ? frame.map((byte, i) => i === at ? byte ^ by : byte)
        : how === 1
        ? new Uint8Array([...frame.subarray(0, at), ...frame.subarray(at + 1)])
        : new Uint8Array([...frame.subarray(0, at), by, ...frame.subarray(at)]);
      assert.equal(typeof frames.open(altered), "string");
    }),
    { seed: 2, numRuns: 2000 },
  );
});

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { seededRng } from "../base/rng.ts";
import { hmacSha256 } from "./hmac.ts";

Deno.test("hmacSha256() gives what RFC 4231 gives", () => {
  const hex = (key: Uint8Array, data: string | Uint8Array) => hmacSha256(key, data).toString("hex");
  const bytes = (length: number, value: number) => Buffer.alloc(length, value);
  assert.equal(
    hex(bytes(20, 0x0b), "Hi There"),
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
  );
  assert.equal(
    hex(Buffer.from("Jefe"), "what do ya want for nothing?"),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
  assert.equal(
    hex(bytes(131, 0xaa), "Test Using Larger Than Block-Size Key - Hash Key First"),
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
  );
});

Deno.test("hmacSha256() agrees with the platform for keys and parts of every length", () => {
  const rng = seededRng(7);
  for (let length = 0; length < 200; length++) {
    const [key, a, b] = [rng.bytes(length), rng.bytes(200 - length), rng.bytes(length)];
    const expected = createHmac("sha256", key).update("line\n").update(a).update(b).digest();
    assert.deepEqual(hmacSha256(key, "line\n", a, b), expected);
  }
});

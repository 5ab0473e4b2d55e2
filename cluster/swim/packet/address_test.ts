import assert from "node:assert/strict";
import fc from "fast-check";
import { dialled, fromAddress, toAddress } from "./address.ts";
import { faultOf } from "./testing.ts";

const SPELLINGS: readonly [address: string, canonical: string, length: 4 | 16][] = [
  ["127.0.0.1", "127.0.0.1", 4],
  ["0.0.0.0", "0.0.0.0", 4],
  ["::", "::", 16],
  ["::1", "::1", 16],
  ["1::", "1::", 16],
  ["FD00:0:0:0:0:0:0:1", "fd00::1", 16],
  ["fd00::0001", "fd00::1", 16],
  ["1:0:0:2:0:0:0:3", "1:0:0:2::3", 16],
  ["1:0:0:2:3:0:0:4", "1::2:3:0:0:4", 16],
  ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7", 16],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", 16],
  ["::ffff:1.2.3.4", "::ffff:1.2.3.4", 16],
  ["::ffff:102:304", "::ffff:1.2.3.4", 16],
  ["64:ff9b::1.2.3.4", "64:ff9b::102:304", 16],
];

Deno.test("addresses have one spelling", () => {
  for (const [address, canonical, length] of SPELLINGS) {
    const bytes = fromAddress(address);
    assert.equal(bytes.length, length, address);
    assert.equal(toAddress(bytes), canonical, address);
  }
});

Deno.test("what is no IP address is not sent", () => {
  const bad = [
    "",
    "localhost",
    "1.2.3",
    "1.2.3.256",
    "1.2.3.",
    ".1.2.3",
    "1..2.3",
    "01.2.3.4",
    "1.2.3.4 ",
    "1.2.3.4.5",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "g::1",
  ];
  bad.push("1:2:3:4:5:6:7:8:9", "12345::1", "fe80::1%eth0", "::1.2.3", "1.2.3.4::", "::ffff:1.2.3.4:5", "0x1::");
  for (const address of bad) assert.throws(() => fromAddress(address), RangeError, address);
});

Deno.test("other lengths are no address", () => {
  for (const length of [0, 3, 5, 15, 17]) assert.equal(faultOf(() => toAddress(new Uint8Array(length))), "malformed");
});

Deno.test("any address comes back as the same bytes", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  );
  // Zeros are where the spelling is difficult.
  const sparse = fc.array(fc.constantFrom(0, 0, 0, 255), { minLength: 16, maxLength: 16 }).map((b) =>
    Uint8Array.from(b)
  );
  fc.assert(fc.property(fc.oneof(bytes, sparse), (some) => assert.deepEqual(fromAddress(toAddress(some)), some)), {
    seed: 45,
  });
});

Deno.test("an IPv4 address in sixteen bytes is dialled in its own form", () => {
  assert.equal(dialled("::ffff:1.2.3.4"), "1.2.3.4");
  assert.equal(dialled("1.2.3.4"), "1.2.3.4");
  assert.equal(dialled("fd00::1"), "fd00::1");
});

import assert from "node:assert/strict";
import { readAddress } from "./address.ts";

Deno.test("an address of a record is an IP literal and a port, or none", () => {
  assert.deepEqual(readAddress("10.0.0.1:7946"), { address: "10.0.0.1", port: 7946 });
  assert.deepEqual(readAddress("[::1]:65535"), { address: "::1", port: 65535 });
  for (const text of ["", "10.0.0.1", "10.0.0.999:1", "::1:3", "host:1", "10.0.0.1:0", "10.0.0.1:65536", 7, null]) {
    assert.equal(readAddress(text), undefined, String(text));
  }
});

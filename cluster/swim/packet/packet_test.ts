import assert from "node:assert/strict";
import { encodeMessage } from "./message.ts";
import { packPacket, unpackPacket } from "./packet.ts";
import type { Message } from "../messages.ts";

Deno.test("messages come back from every wrapping", () => {
  const m: Message[] = [
    { type: "ping", seq: 7, node: "x", source: { address: "127.0.0.1", port: 7946 }, sourceNode: "y" },
    {
      type: "alive",
      incarnation: 3,
      node: "nöde",
      endpoint: { address: "::ffff:1.2.3.4", port: 1 },
      meta: new Uint8Array([1]),
      versions: [1, 5, 2, 2, 5, 4],
    },
    { type: "user", bytes: new Uint8Array(300) },
  ];
  for (const compress of [true, false]) {
    for (const checksum of [true, false]) {
      for (const label of ["", "x"]) {
        const p = packPacket(m.map(encodeMessage), { compress, checksum, label, bytesMax: 1400 });
        assert.deepEqual(unpackPacket(p, { label }), { messages: m, cut: 0, faults: [] });
      }
    }
  }
});

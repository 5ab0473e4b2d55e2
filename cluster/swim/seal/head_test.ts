import assert from "node:assert/strict";
import { BOOT_BYTES, FORMS, HeadReader, HeadWriter } from "./head.ts";

const boot = new Uint8Array(BOOT_BYTES).fill(9);
const reader = new HeadReader("lab");
const writerOf = (name: string, cluster = "lab") => new HeadWriter({ cluster, name, boot });

Deno.test("a head reads back as it was written, and each has the next counter", () => {
  const writer = writerOf("näme-1");
  for (const [i, form] of (["packet", "hello", "answered"] as const).entries()) {
    const payload = writer.write(form, new Uint8Array([1, 2]), new Uint8Array([3]));
    assert.equal(payload.length, writer.bytes + 3);
    const body = new Uint8Array([1, 2, 3]);
    assert.deepEqual(reader.read(payload), { form, boot, counter: i + 1, name: "näme-1", body });
  }
});

Deno.test("a payload that is cut off within its head, of an unknown form or without a name is refused", () => {
  const payload = writerOf("a").write("packet");
  for (let length = 0; length < payload.length; length++) {
    assert.equal(reader.read(payload.subarray(0, length)), "malformed", `${length} bytes`);
  }
  const changed = (at: number, byte: number) => reader.read(payload.map((old, i) => i === at ? byte : old));
  const forms = new Set<number>(Object.values(FORMS));
  for (let form = 0; form < 256; form++) if (!forms.has(form)) assert.equal(changed(0, form), "malformed");
  assert.equal(changed(19, 0), "malformed", "no name");
  assert.equal(changed(20, 0xff), "malformed", "a name that is no UTF-8");
});

Deno.test("a counter above 32 bits is read whole", () => {
  const payload = writerOf("a").write("packet");
  payload.set([0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc], 13);
  const head = reader.read(payload);
  assert.equal(typeof head === "string" ? head : head.counter, 0x123456789abc);
});

Deno.test("the head of a cluster of another name is refused", () => {
  assert.equal(reader.read(writerOf("a", "Lab").write("packet")), "foreign_cluster");
});

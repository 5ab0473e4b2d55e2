import assert from "node:assert/strict";
import { loadEngine } from "./engine.ts";
import { METER_FUNCTION, METER_MODULE, meterModule } from "./meter.ts";

/**
 * (module
 *   (import "m" "f" (func (param i32) (result i32)))
 *   (func (export "spin") (param i32) (loop (br_if 0 (call 0 (i32.const 1))))
 *   …): a module small enough to be read by eye.
 */
const SPIN = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  // types: () -> i32, () -> ()
  ...[0x01, 0x08, 0x02, 0x60, 0x00, 0x01, 0x7f, 0x60, 0x00, 0x00],
  // import "m" "f": type 0
  ...[0x02, 0x07, 0x01, 0x01, 0x6d, 0x01, 0x66, 0x00, 0x00],
  // one function of type 1
  ...[0x03, 0x02, 0x01, 0x01],
  // one global: (mut i32) 0
  ...[0x06, 0x06, 0x01, 0x7f, 0x01, 0x41, 0x00, 0x0b],
  // export "spin": function 1
  ...[0x07, 0x08, 0x01, 0x04, 0x73, 0x70, 0x69, 0x6e, 0x00, 0x01],
  // loop: call 0, br_if 0, end, end
  ...[0x0a, 0x0b, 0x01, 0x09, 0x00, 0x03, 0x40, 0x10, 0x00, 0x0d, 0x00, 0x0b, 0x0b],
]);

function instantiate(again: () => number, tick: () => void): () => void {
  const module = new WebAssembly.Module(meterModule(SPIN));
  const { exports } = new WebAssembly.Instance(module, { m: { f: again }, [METER_MODULE]: { [METER_FUNCTION]: tick } });
  return exports["spin"] as () => void;
}

Deno.test("meterModule() leaves a module's work as it was", () => {
  let rounds = 0;
  instantiate(() => ++rounds < 1000 ? 1 : 0, () => assert.fail("a thousand rounds are no reason to ask"))();
  assert.equal(rounds, 1000);
});

Deno.test("meterModule() asks every 2^20 rounds, and what the host throws ends the loop", () => {
  let ticks = 0;
  const spin = instantiate(() => 1, () => {
    if (++ticks === 3) throw new Error("enough");
  });
  assert.throws(spin, /enough/);
  assert.equal(ticks, 3);
});

Deno.test("meterModule() refuses what it cannot read", () => {
  assert.throws(() => meterModule(SPIN.subarray(0, SPIN.length - 2)), /the bytes end/);
  assert.throws(() => meterModule(SPIN.subarray(0, 8)), /has no section/);
  const odd = SPIN.slice();
  odd[odd.length - 4] = 0xff;
  assert.throws(() => meterModule(odd));
});

Deno.test("loadEngine() leaves WebAssembly as it found it", async () => {
  const before = WebAssembly.instantiate;
  await loadEngine();
  assert.equal(WebAssembly.instantiate, before);
});

/**
 * Every probe. Data, so that the same scripts run in the fixture, signed against a real agent, or by hand:
 * `tests/escape/escape_test.ts` says what is checked around each of them.
 */
import type { Probe } from "./probe.ts";
import { BOMB_PROBES } from "./probes/bombs.ts";
import { CALL_PROBES } from "./probes/calls.ts";
import { GLOBAL_PROBES } from "./probes/globals.ts";
import { HOST_PROBES } from "./probes/host.ts";
import { IMPORT_PROBES } from "./probes/imports.ts";
import { REALM_PROBES } from "./probes/realm.ts";

export const PROBES: readonly Probe[] = [
  ...IMPORT_PROBES,
  ...GLOBAL_PROBES,
  ...REALM_PROBES,
  ...CALL_PROBES,
  ...HOST_PROBES,
  ...BOMB_PROBES,
];

/** Full load of each kind. What V8 and the allocator keep for themselves after these is no probe's doing. */
export const LOADS: readonly Pick<Probe, "source" | "uses">[] = [
  { source: "const a = []; for (;;) a.push(new Array(1000).fill(1))", uses: [] },
  { source: "for (;;) await output.emit({a: 1})", uses: ["output.emit"] },
  { source: "for (;;) { try { await fs.read('/x') } catch {} }", uses: ["fs.read"] },
  { source: "for (;;) output.emit({})", uses: ["output.emit"] },
  { source: "for (;;) print('x'.repeat(1000))", uses: ["log.info"] },
  { source: "for (let i = 0;; i++) await kv.set('load', i)", uses: ["kv.set"] },
  {
    source: "for (let i = 0; i < 5; i++) await output.emit({a: 'x'.repeat(2e6)}).catch(() => {})",
    uses: ["output.emit"],
  },
];

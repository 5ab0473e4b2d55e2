import assert from "node:assert/strict";
import { memoryStore } from "../base/store/memory.ts";
import type { ServerEffect, ServerEvent } from "./core/contract.ts";
import { ServerDriver } from "./driver.ts";
import { Hub } from "./http/hub.ts";

const NOON = 1_800_000_000_000;
const DAY = 24 * 3600_000;

Deno.test("ServerDriver fires a timer that is far off early, so that a clock that is set cannot hold it up", () => {
  const fed: string[] = [];
  const waits: { ms: number; fire: () => void }[] = [];
  const step = (event: ServerEvent): ServerEffect[] => {
    fed.push(event.type);
    return [{ do: "timer", name: "orders", at: NOON + DAY }];
  };
  const driver = new ServerDriver({
    core: { step },
    store: memoryStore(),
    hub: new Hub(() => ({}), () => ""),
    clock: {
      now: () => NOON,
      monotonic: () => 0,
      after: (ms, fire) => {
        waits.push({ ms, fire });
        return () => {};
      },
    },
    log: () => {},
    count: () => {},
  });
  driver.feed({ type: "timer", name: "start" });
  assert.ok(waits[0]!.ms <= 60_000);
  waits[0]!.fire();
  assert.deepEqual([fed.length, waits.length], [2, 2], "the core was asked, and set it anew");
});

/** What tests of commands share: a command run to its end, each output held against the command's own schema. */
import assert from "node:assert/strict";
import * as z from "zod/mini";
import type { Clock } from "../../base/clock.ts";
import type { JsonObject } from "../../base/json.ts";
import type { Emission, Outcome } from "../../commands/command.ts";
import type { Host } from "../../commands/host.ts";
import { findCommand } from "../../commands/mod.ts";

/** Runs a built-in command to its end. */
export async function runToEnd(
  host: Host,
  key: string,
  input: JsonObject,
  signal: AbortSignal = new AbortController().signal,
): Promise<{ said: Emission[]; outcome: Outcome }> {
  const command = findCommand(key)!;
  const said: Emission[] = [];
  const steps = command.run(host, input, { signal, run: "run-1" });
  let step = await steps.next();
  for (; step.done !== true; step = await steps.next()) {
    if (step.value.kind === "output") assert.deepEqual(z.parse(command.output, step.value.body), step.value.body);
    said.push(step.value);
  }
  const { result } = step.value;
  if (result !== undefined && command.result !== undefined) assert.deepEqual(z.parse(command.result, result), result);
  return { said, outcome: step.value };
}

/** Time that stands still until it is told to go on; `go` lets everything that a timer wakes come to rest. */
export function handClock(): Clock & { go(ms: number): Promise<void> } {
  const timers = new Set<{ at: number; fire(): void }>();
  let now = 0;
  return {
    now: () => now,
    monotonic: () => now,
    after(ms, fire) {
      const timer = { at: now + ms, fire };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async go(ms) {
      const end = now + ms;
      await rest();
      for (;;) {
        const next = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        timers.delete(next);
        now = next.at;
        next.fire();
        await rest();
      }
      now = end;
    },
  };
}

/** All steps of a host in memory are microtasks. */
function rest(): Promise<void> {
  return new Promise((go) => setTimeout(go, 0));
}

import assert from "node:assert/strict";
import { afterEnd } from "./supervise.ts";
import { startSupervisor, type ToSupervisor } from "./supervise_system.ts";

/** The pauses of an agent that ends again and again, each time after the same run. */
function pauses(count: number, code: number, ranMs: number): number[] {
  let soon = 0;
  return Array.from({ length: count }, () => {
    const next = afterEnd({ code, ranMs }, soon, false);
    assert.equal(next.do, "start");
    if (next.do !== "start") return -1;
    soon = next.soon;
    return next.afterMs;
  });
}

Deno.test("an agent that crashes is started again for ever, ever more slowly, at least once a minute", () => {
  assert.deepEqual(pauses(9, 1, 100), [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  assert.equal(pauses(5000, 137, 0).at(-1), 60_000);
  assert.deepEqual(pauses(3, 0, 100), [1000, 2000, 4000], "also one that ended in peace: nobody told it to here");
});

Deno.test("an agent that asks for its restart gets it at once, unless it does nothing else", () => {
  assert.deepEqual(pauses(4, 75, 100), [0, 2000, 4000, 8000]);
  assert.deepEqual(pauses(3, 75, 60_000), [0, 0, 0]);
  assert.deepEqual(pauses(3, 1, 60_000), [1000, 1000, 1000], "a long run forgives");
});

Deno.test("nothing is started again that was told to stop, or that never could", () => {
  assert.deepEqual(afterEnd({ code: 143, ranMs: 10 }, 0, true), { do: "end", code: 143 });
  assert.deepEqual(afterEnd({ code: 75, ranMs: 10 }, 3, true), { do: "end", code: 75 });
  assert.deepEqual(afterEnd({ code: 2, ranMs: 10 }, 0, false), { do: "end", code: 2 });
});

/** What becomes of it when the supervisor's thread is told to start a program. */
async function told(executable: string): Promise<string> {
  const worker = startSupervisor(Deno.execPath());
  const { promise, resolve } = Promise.withResolvers<string>();
  worker.onerror = (event) => {
    event.preventDefault();
    resolve(event.message);
  };
  worker.onmessage = ({ data }) => resolve(JSON.stringify(data));
  // Deno ends by itself with 1 on a flag that it does not know.
  worker.postMessage({ say: "start", executable, args: ["--frobnicate"] } satisfies ToSupervisor);
  const said = await promise;
  worker.terminate();
  return said;
}

Deno.test("the supervisor's thread can start its own executable and nothing else", async () => {
  assert.match(await told("/bin/kill"), /Requires run access to "\/bin\/kill"/);
  assert.match(await told(Deno.execPath()), /started the agent/);
});

import assert from "node:assert/strict";
import { createNdjson } from "./ndjson.ts";

const never = new AbortController().signal;

/** Lines that wait for the signal after the first one, and say when they have let go. */
function waiting(): { lines(signal: AbortSignal): AsyncGenerator<string, void, void>; letGo: Promise<void> } {
  const gone = Promise.withResolvers<void>();
  return {
    letGo: gone.promise,
    async *lines(signal) {
      try {
        yield "first";
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
      } finally {
        gone.resolve();
      }
    },
  };
}

Deno.test("createNdjson() ends an answer whose end came before it", async () => {
  const stopped = AbortSignal.abort();
  const { lines } = waiting();
  assert.equal(await createNdjson(1)([stopped], lines).text(), "");
});

Deno.test("createNdjson() lets go of its source when nobody reads", async () => {
  const stop = new AbortController();
  const { lines, letGo } = waiting();
  createNdjson(1)([never, stop.signal], lines);
  // The first line is asked for before anybody reads.
  await new Promise((resolve) => setTimeout(resolve));
  stop.abort();
  await letGo;
});

Deno.test("createNdjson() answers so many at once, and the next when one is over", async () => {
  const ndjson = createNdjson(3);
  const one = ndjson([never], waiting().lines, 2);
  assert.throws(() => ndjson([never], waiting().lines, 2), { code: "server.busy" });
  await one.body!.cancel();
  await new Promise((resolve) => setTimeout(resolve));
  const two = ndjson([never], async function* () {
    yield "all";
  }, 3);
  assert.equal(await two.text(), "all\n");
  await new Promise((resolve) => setTimeout(resolve));
  await ndjson([never], waiting().lines, 3).body!.cancel();
});

/** Settings and amounts that no honest server chooses. */
import assert from "node:assert/strict";
import { isRunState } from "./heard.ts";
import { Stage } from "./stage.ts";

const MANY = 2000;

Deno.test("agent works at whatever interval a server names", async () => {
  const stage = await Stage.open();
  const { server } = stage;
  try {
    for (const aliveEveryMs of [Number.MAX_SAFE_INTEGER, 100]) {
      server.behave({ welcome: (honest) => ({ ...honest, settings: { aliveEveryMs } }) });
      const from = server.heard.length;
      await server.hangUp();
      await stage.hello(from);
      await stage.honestOrder();
      const alive = server.heard.envelopes.slice(from).filter(({ kind }) => kind === "alive").length;
      // One after the welcome, and one with what its answer took.
      assert.ok(aliveEveryMs === 100 || alive <= 2, `${alive} in no time`);
    }
    await server.heard.until("alive", (since) => since.find(({ kind }) => kind === "alive"), server.heard.length);
  } finally {
    await stage.close();
  }
});

Deno.test("agent ends every one of two thousand orders that it may run, or says that it is too much", async () => {
  const stage = await Stage.open();
  const { server } = stage;
  try {
    const from = server.heard.length;
    for (let i = 0; i < MANY; i++) stage.bare("", { does: "command:sys.facts", args: {} });
    const ends = await server.heard.until("all ends", (since) => {
      const found = since.filter(isRunState).filter(({ body }) => body.state !== "started");
      return found.length >= MANY ? found : undefined;
    }, from);
    for (const { body, error } of ends) {
      assert.ok(body.ok === true || error?.code === "run.queue_full", error?.code ?? "no code");
    }
    assert.equal(new Set(ends.map(({ job }) => job)).size, MANY, "an order has two ends");
    await stage.honestOrder();
  } finally {
    await stage.close();
  }
});

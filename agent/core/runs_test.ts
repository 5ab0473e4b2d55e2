import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import type { Emission } from "../../commands/command.ts";
import { encodeEnvelope } from "../../wire/envelope.ts";
import { depsOf, Hand, newWorld, orderText } from "./hand_driver_test.ts";

async function started(fields = {}): Promise<{ hand: Hand; run: string }> {
  const hand = new Hand(newWorld());
  await hand.ready();
  await hand.say("command", { order: orderText(fields) });
  return { hand, run: hand.of("startCommand")[0]!.grant.run };
}

const emit = (hand: Hand, run: string, emission: Emission) => hand.step({ type: "emission", run, emission, bytes: 10 });

Deno.test("step() makes records of output, log and setTag, with the owner's tags and the order's meta", async () => {
  const { hand, run } = await started({ meta: { replyTo: 1 } });
  await emit(hand, run, { kind: "output", body: { n: 1 } });
  await emit(hand, run, { kind: "log", body: { level: "info", text: "hi" } });
  await emit(hand, run, { kind: "setTag", body: { key: "role", value: "web" } });
  const records = hand.sent.filter((one) => one.run === run).slice(1);
  assert.deepEqual(records.map(({ kind, body }) => [kind, body]), [
    ["output", { n: 1 }],
    ["log", { level: "info", text: "hi" }],
    ["setTag", { key: "role", value: "web" }],
  ]);
  for (const record of records) {
    assert.deepEqual(record.meta, { replyTo: 1 });
    assert.deepEqual(record.tags, { env: "prod" });
  }
});

Deno.test("step() keeps tags that scripts set across a restart, under the owner's own", async () => {
  const { hand, run } = await started();
  await emit(hand, run, { kind: "setTag", body: { key: "role", value: "web" } });
  await emit(hand, run, { kind: "setTag", body: { key: "env", value: "test" } });
  await emit(hand, run, { kind: "setTag", body: { key: "__proto__", value: "x" } });
  const again = new Hand(hand.world);
  await again.ready();
  const [hello] = again.sent;
  assert.equal(hello?.kind, "hello");
  assert.deepEqual(hello.body.tags, { role: "web", env: "prod", os: "linux" });
  await again.say("command", { order: orderText({ selector: "role=web" }) });
  assert.equal(again.of("startCommand").length, 1);
});

Deno.test("step() splits long text so that every record keeps its bound", async () => {
  const { hand, run } = await started();
  const text = "é\u0001".repeat(50_000) + "😀".repeat(20_000);
  await emit(hand, run, { kind: "log", body: { level: "warn", text } });
  await emit(hand, run, { kind: "output", body: { stream: "stdout", text } });
  const mine = hand.sent.filter((one) => one.run === run);
  for (const one of mine) {
    assert.ok(new TextEncoder().encode(encodeEnvelope(one)).length <= LIMITS.recordBytesMax);
  }
  const logs = mine.filter((one) => one.kind === "log").map(({ body }) => body.text);
  assert.equal(logs.join(""), text);
  const outputs = mine.filter((one) => one.kind === "output").map(({ body }) => body);
  assert.equal(outputs.map((body) => body["text"]).join(""), text);
  assert.deepEqual(outputs[0]?.["part"], { of: "text", index: 0, count: outputs.length });
  assert.equal(outputs[1]?.["stream"], "stdout");
});

Deno.test("step() cuts an object that is large all over as JSON text", async () => {
  const { hand, run } = await started();
  const body = { list: Array.from({ length: 9000 }, (_, n) => `item ${n}`) };
  await emit(hand, run, { kind: "output", body });
  const parts = hand.sent.filter((one) => one.kind === "output").map((one) => one.body["json"]);
  assert.deepEqual(JSON.parse(parts.join("")), body);
});

Deno.test("step() refuses an emission whose body is no object", async () => {
  const { hand, run } = await started();
  // A list is what no sandbox lets through; the core guards all the same.
  await emit(hand, run, { kind: "output", body: [] } as unknown as Emission);
  const last = hand.sent.at(-1);
  assert.equal(last?.kind, "log");
  assert.match(last.body.text, /output refused/);
  assert.equal(hand.of("credit").length, 1);
});

Deno.test("step() puts a result that is too large into output records", async () => {
  const { hand, run } = await started();
  await hand.step({ type: "ended", run, outcome: { ok: true, result: { text: "r".repeat(100_000) } } });
  assert.equal(hand.runStates("finished")[0]?.body.result, undefined);
  const outputs = hand.sent.filter((one) => one.kind === "output");
  assert.equal(outputs.map(({ body }) => body["text"]).join("").length, 100_000);
});

Deno.test("step() reports a failure with its error, and nothing after the end", async () => {
  const { hand, run } = await started();
  const error = { code: "policy.path_refused", message: "no" };
  await hand.step({ type: "ended", run, outcome: { ok: true }, error });
  await hand.step({ type: "ended", run, outcome: { ok: true } });
  await emit(hand, run, { kind: "output", body: { late: true } });
  const [finished, ...more] = hand.runStates("finished");
  assert.deepEqual([finished?.body.ok, finished?.error?.code, more.length], [false, "policy.path_refused", 0]);
  assert.equal(hand.sent.at(-1)?.kind, "runState");
});

Deno.test("step() cancels a run that outlives its timeout, and declares it over when even that does not end it", async () => {
  const { hand, run } = await started({ timeout: 5 });
  const timer = `run:${run}`;
  assert.equal(hand.timers.get(timer)! - hand.world.now, 5000 + LIMITS.runGraceMs);
  await hand.fire(timer);
  assert.equal(hand.of("cancelRun").length, 1);
  await hand.fire(timer);
  assert.equal(hand.runStates("finished")[0]?.error?.code, "run.timeout");
});

Deno.test("step() never reports a negative duration", async () => {
  const { hand, run } = await started();
  hand.world.now -= 3600_000;
  await hand.step({ type: "ended", run, outcome: { ok: true } });
  assert.equal(hand.runStates("finished")[0]?.durationMs, 0);
});

Deno.test("step() drains: refuses orders, lets runs end, sends all, exits 0", async () => {
  const { hand, run } = await started();
  await hand.step({ type: "drain", deadlineMs: 10_000 });
  assert.equal(hand.state, "DRAINING");
  await hand.say("command", { order: orderText() });
  assert.equal(hand.of("startCommand").length, 1);
  assert.equal(hand.sent.at(-1)?.kind, "error");
  await hand.step({ type: "ended", run, outcome: { ok: true } });
  assert.equal(hand.state, "DRAINING", "not everything is acknowledged");
  await hand.ackAll();
  assert.equal(hand.state, "STOPPED");
  assert.deepEqual(hand.of("exit"), [{ do: "exit", code: 0 }]);
});

Deno.test("step() cuts off at the drain's deadline and stops, whatever hangs", async () => {
  const { hand } = await started();
  await hand.step({ type: "drain", deadlineMs: 10_000 });
  await hand.fire("drain");
  assert.equal(hand.of("cancelRun").length, 1);
  await hand.fire("lastWords");
  assert.equal(hand.state, "STOPPED");
});

Deno.test("step() drains at once without a connection", async () => {
  const hand = new Hand(newWorld(), depsOf({ seeds: [] }));
  await hand.boot();
  await hand.step({ type: "drain", deadlineMs: 10_000 });
  assert.equal(hand.state, "STOPPED");
});

Deno.test("step() writes what the executor noted for the auditor", async () => {
  const { hand, run } = await started();
  await hand.step({ type: "audit", run, action: "policy.refused", detail: { path: "/etc/shadow" } });
  const rows = await hand.world.store.rows("history", { limit: 10 });
  assert.deepEqual(rows.map(({ row }) => row["action"]), ["run", "policy.refused"]);
});

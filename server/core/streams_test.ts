import assert from "node:assert/strict";
import { HandDriver } from "../../tests/server_core/hand_driver.ts";
import { LIMITS } from "../../base/limits.ts";
import type { JsonObject } from "../../base/json.ts";
import type { OrderAnswer } from "./requests.ts";

const WEB = "agent-web";
const LOG = `${WEB}/log`;

function outputs(driver: HandDriver, from: number, to: number, stream = LOG): string[] {
  return Array.from({ length: to - from }, (_, i) => JSON.stringify(driver.output(WEB, stream, from + i)));
}

Deno.test("storeRecords() acknowledges and publishes only what is durable", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  driver.auto = false;
  driver.frame(session, ...outputs(driver, 0, 3));
  assert.deepEqual(driver.took(session, "ack"), []);
  assert.equal(driver.published.length, 0);
  driver.settle();
  assert.deepEqual(driver.took(session, "ack"), [{ streams: [{ stream: LOG, first: 0, next: 3 }] }]);
  assert.deepEqual(driver.published.map(({ first, lines }) => [first, lines.length]), [[0, 3]]);
});

Deno.test("storeRecords() keeps the very text of each line", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  const { body: _, ...head } = driver.output(WEB, LOG, 0);
  const line = `{ "body":{"b":1.0,"a":"\\u00e9 é"}, ${JSON.stringify(head).slice(1)}`;
  driver.frame(session, line);
  assert.deepEqual(driver.disk.lines(LOG), [line]);
  assert.deepEqual(driver.published[0]?.lines, [line]);
});

Deno.test("storeRecords() writes one append for each stream and one acknowledgement for the frame", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  driver.auto = false;
  const run = `${WEB}/${driver.ids.next(0)}`;
  const [a0, a1] = outputs(driver, 5, 7);
  const [b0, b1] = outputs(driver, 0, 2, run);
  driver.frame(session, a0!, b0!, a1!, b1!);
  const ops = driver.work.flatMap((work) => work.do === "persist" ? work.ops : []);
  assert.deepEqual(ops, [
    { op: "append", stream: LOG, first: 5, lines: [a0, a1], streamsMax: LIMITS.streamsPerAgentMax },
    { op: "append", stream: run, first: 0, lines: [b0, b1], streamsMax: LIMITS.streamsPerAgentMax },
  ]);
  driver.settle();
  assert.deepEqual(driver.took(session, "ack"), [
    { streams: [{ stream: LOG, first: 5, next: 7 }, { stream: run, first: 0, next: 2 }] },
  ]);
});

Deno.test("storeRecords() does not say where a frame began that had a bad line", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  driver.frame(session, ...outputs(driver, 0, 1), "no envelope", ...outputs(driver, 2, 3));
  assert.deepEqual(driver.took(session, "ack"), [{ streams: [{ stream: LOG, next: 3 }] }]);
});

Deno.test("storeRecords() takes a resend without storing or publishing it twice", async () => {
  const driver = await HandDriver.boot();
  const lines = outputs(driver, 0, 4);
  driver.frame(driver.connect(WEB), ...lines.slice(0, 2));
  const session = driver.connect(WEB, { streams: [{ stream: LOG, first: 0, next: 4 }] });
  assert.deepEqual(driver.took(session, "welcome")[0]?.streams, [{ stream: LOG, next: 2 }]);
  driver.frame(session, ...lines);
  assert.deepEqual(driver.disk.lines(LOG), lines);
  assert.deepEqual(driver.took(session, "ack"), [{ streams: [{ stream: LOG, first: 0, next: 4 }] }]);
  assert.deepEqual(driver.published.map(({ first, lines }) => [first, lines.length]), [[0, 2], [2, 2]]);
  assert.equal(driver.counts.get("records"), 4);
});

Deno.test("storeRecords() names a conflict, and does not let the stream grow on in that session", async () => {
  const driver = await HandDriver.boot();
  const stored = outputs(driver, 0, 2);
  driver.frame(driver.connect(WEB), ...stored);
  const session = driver.connect(WEB);
  driver.frame(session, JSON.stringify(driver.output(WEB, LOG, 1, { other: true })));
  assert.deepEqual(driver.took(session, "ack"), [{ streams: [], conflicts: [LOG] }]);
  driver.frame(session, ...outputs(driver, 2, 3));
  assert.deepEqual(driver.took(session, "ack"), []);
  assert.deepEqual(driver.disk.lines(LOG), stored);
  driver.frame(session, ...outputs(driver, 0, 1, `${LOG}~1`));
  assert.deepEqual(driver.took(session, "ack"), [{ streams: [{ stream: `${LOG}~1`, first: 0, next: 1 }] }]);
});

Deno.test("storeRecords() tells the agent which streams of a frame conflict and which do not", async () => {
  const driver = await HandDriver.boot();
  const run = `${WEB}/${driver.ids.next(0)}`;
  driver.frame(driver.connect(WEB), ...outputs(driver, 0, 1));
  const session = driver.connect(WEB);
  driver.frame(session, driver.output(WEB, LOG, 0, { x: 1 }), ...outputs(driver, 0, 1, run));
  assert.deepEqual(driver.took(session, "ack"), [
    { streams: [{ stream: run, first: 0, next: 1 }], conflicts: [LOG] },
  ]);
});

Deno.test("storeRecords() begins no stream past the bound of an agent, and goes on in those that it has", async () => {
  const driver = await HandDriver.boot();
  driver.frame(driver.connect(WEB), ...outputs(driver, 0, 1));
  for (let i = 1; i < LIMITS.streamsPerAgentMax; i++) driver.disk.streams.set(`${WEB}/${i}`, new Map([[0, "{}"]]));
  const session = driver.connect(WEB);
  const run = `${WEB}/${driver.ids.next(0)}`;
  driver.frame(session, ...outputs(driver, 1, 2), ...outputs(driver, 0, 2, run));
  assert.deepEqual(driver.took(session, "ack"), []);
  assert.equal(driver.took(session, "error")[0]?.["code"], "stream.too_many");
  assert.equal(driver.hungUp.get(session)?.code, 4507);
  assert.equal(driver.counts.get("streams_refused"), 1);
  assert.deepEqual([driver.disk.lines(LOG).length, driver.disk.lines(run).length], [2, 0]);
  assert.deepEqual(driver.published.map(({ stream, first }) => [stream, first]), [[LOG, 0], [LOG, 1]]);
  const again = driver.connect(WEB);
  driver.frame(again, ...outputs(driver, 2, 3));
  assert.deepEqual(driver.took(again, "ack"), [{ streams: [{ stream: LOG, first: 2, next: 3 }] }]);
  const other = driver.connect("agent-other");
  const stream = "agent-other/log";
  driver.frame(other, JSON.stringify(driver.output("agent-other", stream, 0)));
  assert.deepEqual(driver.took(other, "ack"), [{ streams: [{ stream, first: 0, next: 1 }] }]);
});

Deno.test("storeRecords() hangs up when the disk is full, and works again once there is room", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  const lines = outputs(driver, 0, 4);
  driver.auto = false;
  driver.frame(session, ...lines.slice(0, 2));
  driver.frame(session, ...lines.slice(2));
  driver.refuse = 1;
  driver.settle(2);
  assert.deepEqual(driver.took(session, "ack"), [], "the second frame must not acknowledge the loss of the first");
  assert.equal(driver.took(session, "error")[0]?.code, "store.full");
  assert.equal(driver.hungUp.get(session)?.code, 4507);
  assert.equal(driver.counts.get("records_unstored"), 2);
  driver.auto = true;
  driver.settle();
  const again = driver.connect(WEB, { streams: [{ stream: LOG, first: 0, next: 4 }] });
  assert.deepEqual(driver.took(again, "welcome")[0]?.streams, [{ stream: LOG, next: 0 }]);
  driver.frame(again, ...lines);
  assert.deepEqual(driver.took(again, "ack"), [{ streams: [{ stream: LOG, first: 0, next: 4 }] }]);
  assert.deepEqual(driver.disk.lines(LOG), lines);
  assert.equal(driver.core.gauges().queueBytes, 0);
});

Deno.test("storeRecords() hangs up when too much waits for the disk", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  driver.auto = false;
  const big = "x".repeat(60_000);
  let offset = 0;
  while (!driver.hungUp.has(session)) {
    const lines = [0, 1, 2, 3].map(() => driver.output(WEB, LOG, offset++, { big }));
    driver.frame(session, ...lines);
    assert.ok(driver.core.gauges().queueBytes <= LIMITS.storeQueueBytesMax);
  }
  assert.match(driver.hungUp.get(session)!.reason, /^store\.busy/);
  assert.ok(driver.core.gauges().queueBytes > LIMITS.storeQueueBytesMax - 500_000);
  driver.settle();
  assert.equal(driver.core.gauges().queueBytes, 0);
});

Deno.test("storeRecords() applies tags that scripts set, which own tags win over", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB, { tags: { os: "linux" } });
  const set = (offset: number, key: string, value: string | null) =>
    driver.message(WEB, "setTag", { key, value }, { stream: LOG, offset });
  driver.frame(session, set(0, "role", "db"), set(1, "os", "plan9"), set(2, "tmp", "1"), set(3, "tmp", null));
  const { agents } = driver.get<{ agents: JsonObject[] }>({ ask: "agents", selector: "role=db" });
  assert.deepEqual(agents[0]?.["tags"], { role: "db", os: "linux" });
  await driver.crash();
  assert.equal(driver.core.tagsOf(WEB)["role"], "db");
});

Deno.test("storeRecords() changes and removes a set tag that the agent's hello named too", async () => {
  const driver = await HandDriver.boot();
  const first = driver.connect(WEB, { tags: { os: "linux" } });
  const set = (offset: number, value: string | null) =>
    driver.message(WEB, "setTag", { key: "role", value }, { stream: LOG, offset });
  driver.frame(first, set(0, "db"));
  const again = driver.connect(WEB, { tags: { os: "linux", role: "db" } });
  const shown = () => driver.get<JsonObject>({ ask: "agent", agent: WEB });
  assert.deepEqual(shown()["setTags"], { role: "db" });
  driver.frame(again, set(1, "web"));
  assert.deepEqual([shown()["tags"], shown()["setTags"]], [{ os: "linux", role: "web" }, { role: "web" }]);
  driver.frame(again, set(2, null));
  assert.deepEqual([shown()["tags"], shown()["setTags"]], [{ os: "linux" }, undefined]);
});

Deno.test("storeRecords() takes no more tags than the limit, whatever they are called", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB, { tags: {} });
  const keys = [...Array.from({ length: LIMITS.tagsMax }, (_, n) => `k${n}`), "constructor", "toString", "__proto__"];
  for (const [offset, key] of keys.entries()) {
    driver.frame(session, driver.message(WEB, "setTag", { key, value: "v" }, { stream: LOG, offset }));
  }
  const { id: _, name: __, ...tags } = driver.core.tagsOf(WEB);
  assert.equal(Object.keys(tags).length, LIMITS.tagsMax);
});

Deno.test("takeFrame() logs some of an agent's complaints and counts all", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  let logged = 0;
  for (let n = 0; n < 100; n++) {
    driver.frame(session, driver.message(WEB, "error", { code: "x", message: "y" }));
    logged += driver.last.filter((effect) => effect.do === "log").length;
  }
  assert.equal(logged, LIMITS.complaintsLoggedMax);
  assert.equal(driver.counts.get("errors_reported"), 100);
  assert.ok(!driver.hungUp.has(session));
});

Deno.test("storeRecords() does not let a resent tag win over a newer one", async () => {
  const driver = await HandDriver.boot();
  const set = (stream: string, offset: number, value: string) =>
    driver.message(WEB, "setTag", { key: "role", value }, { stream, offset });
  const run = `${WEB}/${driver.ids.next(0)}`;
  const old = set(LOG, 1, "old");
  driver.frame(driver.connect(WEB), driver.output(WEB, LOG, 0), old);
  driver.frame(driver.connect(WEB), set(run, 0, "new"));
  driver.frame(driver.connect(WEB, { streams: [{ stream: LOG, first: 0, next: 3 }] }), old, driver.output(WEB, LOG, 2));
  assert.equal(driver.core.tagsOf(WEB)["role"], "new");
});

Deno.test("storeRecords() gathers what comes while the store writes into one commit, one row and one acknowledgement", async () => {
  const driver = await HandDriver.boot();
  const [web, db] = [driver.connect(WEB), driver.connect("agent-db")];
  const order = driver.answered<{ order: string }>(
    driver.ask({ ask: "submitUnsigned", does: "command:sys.facts", args: {}, selector: "os=linux", dryRun: false }),
  ).order;
  const run = driver.ids.next(0);
  const report = (agent: string, offset: number, state: string) =>
    JSON.stringify(driver.runState(agent, `${agent}/${run}`, offset, order, { state, ok: true }, { run }));
  driver.auto = false;
  driver.feed({
    type: "agentFrames",
    frames: [
      { session: web, text: outputs(driver, 0, 1)[0]! },
      { session: web, text: outputs(driver, 1, 2)[0]! },
    ],
  });
  driver.frame(web, report(WEB, 0, "started"));
  driver.frame(db, report("agent-db", 0, "started"));
  driver.frame(web, report(WEB, 1, "finished"));
  const writes = () => driver.work.flatMap((work) => work.do === "persist" ? [work.ops] : []);
  assert.deepEqual(writes().map((ops) => ops.length), [1], "one group is under way, the next one gathers");
  driver.settle(1);
  assert.deepEqual(driver.took(web, "ack"), [{ streams: [{ stream: LOG, first: 0, next: 2 }] }]);
  const [ops] = writes();
  assert.deepEqual(ops?.filter(({ op }) => op === "append").map((op) => op.op === "append" && op.lines.length), [2, 1]);
  assert.equal(ops?.filter((op) => op.op === "put" && op.key === `${order}/${WEB}`).length, 1);
  driver.settle();
  assert.deepEqual(driver.took(web, "ack"), [{ streams: [{ stream: `${WEB}/${run}`, first: 0, next: 2 }] }]);
  assert.deepEqual(driver.took(db, "ack"), [{ streams: [{ stream: `agent-db/${run}`, first: 0, next: 1 }] }]);
  driver.auto = true;
  const { targets } = driver.answered<OrderAnswer>(driver.ask({ ask: "order", order }));
  assert.deepEqual(targets.map(({ state }) => state).sort(), ["finished", "started"]);
});

Deno.test("storeRecords() hands over at once when much has gathered", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  driver.auto = false;
  driver.frame(session, ...outputs(driver, 0, 1));
  const text = "x".repeat(LIMITS.recordBytesMax - 1000);
  const big = (offset: number) => ({ ...driver.output(WEB, LOG, offset), body: { text } });
  const enough = Math.ceil(LIMITS.recordsGatherBytesMax / text.length);
  for (let offset = 1; offset < enough; offset++) driver.frame(session, big(offset));
  assert.equal(driver.work.length, 1);
  driver.frame(session, big(enough));
  assert.equal(driver.work.length, 2);
  driver.settle();
  assert.deepEqual(driver.took(session, "ack").map(({ streams }) => streams[0]?.next), [1, enough + 1]);
});

Deno.test("storeRecords() hangs up on everybody whose records the disk refused, and on nobody else", async () => {
  const driver = await HandDriver.boot();
  const [web, db] = [driver.connect(WEB), driver.connect("agent-db")];
  driver.auto = false;
  driver.frame(web, ...outputs(driver, 0, 1));
  driver.frame(db, JSON.stringify(driver.output("agent-db", "agent-db/log", 0)));
  driver.settle(1);
  driver.refuse = 1;
  driver.settle();
  assert.deepEqual(driver.took(web, "ack").length, 1);
  assert.equal(driver.hungUp.has(web), false);
  assert.equal(driver.hungUp.has(db), true);
  assert.deepEqual(driver.took(db, "ack"), []);
});

import assert from "node:assert/strict";
import { rfc3339 } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { parseOrder, parseScript, sign } from "../../wire/sign/mod.ts";
import type { JsonObject } from "../../base/json.ts";
import { AGENT_TABLES, type AgentCoreDeps } from "./contract.ts";
import {
  depsOf,
  Hand,
  newWorld,
  orderText,
  scriptBytes,
  signer,
  stranger,
  T0,
  TRUST,
  ulid,
} from "./hand_driver_test.ts";

async function ready(change: Partial<AgentCoreDeps> = {}): Promise<Hand> {
  const hand = new Hand(newWorld(), depsOf(change));
  await hand.ready();
  return hand;
}

const idOf = (text: string) => parseOrder(new TextEncoder().encode(text)).header.id;
const plain = (ms: number) => rfc3339(ms).replace(/\.\d+/, "");

const HOUR = 3600_000;

function unsigned(change: JsonObject = {}): JsonObject {
  return { id: ulid(), does: "command:sys.facts", args: {}, selector: "", notAfter: rfc3339(T0 + 60_000), ...change };
}

async function serveScript(hand: Hand, bytes: Uint8Array): Promise<void> {
  await hand.step({ type: "scriptFetched", hash: hand.of("fetchScript").at(-1)!.hash, bytes });
}

/** Sends an order for a script and serves it. */
async function runScript(hand: Hand, bytes: Uint8Array, fields: JsonObject = {}): Promise<void> {
  await hand.say("command", { order: orderText({ does: `script:${parseScript(bytes).hash}`, args: {}, ...fields }) });
  if (hand.of("fetchScript").length > 0) await serveScript(hand, bytes);
}

Deno.test("step() runs a signed command once its start is durable and reports both states", async () => {
  const hand = await ready();
  const order = orderText({ meta: { replyTo: "q1" }, timeout: 60 });
  await hand.say("command", { order });
  const [start] = hand.of("startCommand");
  assert.equal(start?.command, "fs.read");
  assert.deepEqual(start.args, { path: "/etc/hostname" });
  assert.equal(start.timeoutMs, 60_000);
  assert.deepEqual(start.grant, { run: start.grant.run, uses: ["fs.read"], access: 2 });
  const order1 = hand.effects.findIndex(({ do: kind }) => kind === "startCommand");
  const persist = hand.effects.findIndex((one) =>
    one.do === "persist" && one.ops.some((op) => op.op === "put" && op.table === "runs")
  );
  assert.ok(persist >= 0 && persist < order1);
  await hand.step({ type: "ended", run: start.grant.run, outcome: { ok: true, exitCode: 0, result: { size: 3 } } });
  const [started, finished] = hand.runStates();
  assert.equal(started?.job, idOf(order));
  assert.deepEqual(started.meta, { replyTo: "q1" });
  assert.deepEqual(started.body.signers, [signer.public.kid]);
  assert.deepEqual(finished?.body.result, { size: 3 });
  assert.equal(finished.body.ok, true);
  assert.equal(finished.offset, 1);
  assert.ok(finished.start && finished.finish && finished.durationMs !== undefined);
});

Deno.test("step() answers a replayed order from the record, also after a restart, and never runs it again", async () => {
  const hand = await ready();
  const order = orderText({ meta: { a: 1 } });
  await hand.say("command", { order });
  await hand.say("command", { order });
  assert.equal(hand.of("startCommand").length, 1);
  assert.deepEqual(hand.runStates().map(({ body }) => body.state), ["started", "started"]);
  const { run } = hand.of("startCommand")[0]!.grant;
  await hand.step({ type: "ended", run, outcome: { ok: false, exitCode: 7 } });
  const again = new Hand(hand.world);
  await again.ready([{ stream: `${depsOf().agent}/${run}`, next: 2 }]);
  await again.say("command", { order });
  assert.equal(again.of("startCommand").length, 0);
  const answer = again.runStates("finished").at(-1);
  assert.equal(answer?.run, run);
  assert.equal(answer.body.exitCode, 7);
  assert.deepEqual(answer.meta, { a: 1 });
});

Deno.test("step() runs an order with runs: many as often as it comes", async () => {
  const hand = await ready();
  const order = orderText({ runs: "many" });
  await hand.say("command", { order });
  await hand.say("command", { order });
  assert.equal(hand.of("startCommand").length, 2);
});

const refusals: [string, () => string | Promise<string>, Partial<AgentCoreDeps>?][] = [
  ["document.malformed", () => "kind: order\nnonsense"],
  ["signature.missing", () => orderText().replace(/signatures:[\s\S]*$/, "")],
  ["signature.invalid", () => orderText().replace("/etc/hostname", "/etc/shadow")],
  ["signer.unknown", () => orderText({}, stranger)],
  ["signer.revoked", () => orderText(), {
    policy: { ...depsOf().policy, trust: { ...TRUST, revoked: [signer.public.kid] } },
  }],
  ["document.wrong_cluster", () => orderText({ cluster: "lab-2" })],
  ["document.expired", () => orderText({ notBefore: plain(T0 - 60_000), notAfter: plain(T0) })],
  ["document.not_yet", () => orderText({ notBefore: plain(T0 + LIMITS.clockSkewMsMax + 1000) })],
  ["document.wrong_host", () => orderText({ selector: "os=plan9" })],
  ["document.wrong_host", () => orderText({ selector: "name=web-2" })],
  ["run.unknown_command", () => orderText({ does: "command:fs.nothing" })],
  ["signature.not_enough", () => orderText(), {
    policy: { ...depsOf().policy, trust: { ...TRUST, rules: [{ selector: "env=prod", signatures: 2 }] } },
  }],
];
for (const [code, make, change] of refusals) {
  Deno.test(`step() refuses an order with ${code}, in a record and a row`, async () => {
    const hand = await ready(change);
    await hand.say("command", { order: await make() }, { job: ulid() });
    assert.equal(hand.refusal(), code);
    assert.equal(hand.of("startCommand").length, 0);
    const rows = await hand.world.store.rows("history", { limit: 10 });
    assert.deepEqual(rows.map(({ row }) => [row["action"], row["outcome"]]), [["refuse", code]]);
  });
}

Deno.test("step() takes an order up to the clock skew before its window and none at its end", async () => {
  const hand = await ready();
  await hand.say("command", { order: orderText({ notBefore: plain(T0 + LIMITS.clockSkewMsMax) }) });
  assert.equal(hand.of("startCommand").length, 1);
  await hand.say("command", { order: orderText({ selector: "id=" + depsOf().agent + ",name=web-1" }) });
  assert.equal(hand.of("startCommand").length, 2);
});

Deno.test("step() refuses another order under an id that ran", async () => {
  const hand = await ready();
  const order = orderText();
  await hand.say("command", { order });
  await hand.say("command", { order: orderText({ id: idOf(order), args: { path: "/other" } }) });
  assert.equal(hand.refusal(), "run.other_document");
});

Deno.test("step() runs unsigned what the owner listed and refuses everything else", async () => {
  const hand = await ready();
  await hand.say("command", { unsigned: unsigned() });
  assert.equal(hand.of("startCommand").length, 1);
  await hand.say("command", { unsigned: unsigned({ does: "command:fs.read" }) });
  assert.equal(hand.refusal(), "run.unsigned");
});

const unsignedRefusals: [string, JsonObject][] = [
  ["document.expired", { notAfter: rfc3339(T0) }],
  ["input.invalid", { notAfter: rfc3339(T0 + 40 * 24 * 3600_000) }],
  ["input.invalid", { notAfter: "soon" }],
  ["input.invalid", { does: "shell:rm" }],
  ["document.wrong_host", { selector: "env=test" }],
  ["selector.malformed", { selector: "==" }],
];
for (const [code, change] of unsignedRefusals) {
  Deno.test(`step() refuses an unsigned order ${JSON.stringify(change)} with ${code}`, async () => {
    const hand = await ready();
    await hand.say("command", { unsigned: unsigned(change) }, { job: ulid() });
    assert.equal(hand.refusal(), code);
  });
}

Deno.test("step() fetches a script once, checks it and starts it with its grant", async () => {
  const hand = await ready();
  const bytes = scriptBytes({ args: { type: "object", properties: { n: { type: "integer", default: 3 } } } });
  await runScript(hand, bytes);
  const [start] = hand.of("startScript");
  assert.deepEqual(start?.grant, { run: start?.grant.run, uses: ["output.emit"], access: 2 });
  assert.deepEqual(start?.args, { n: 3 });
  assert.match(start?.source ?? "", /^\s*output\.emit/);
  await hand.say("command", { order: orderText({ does: `script:${parseScript(bytes).hash}`, args: {} }) });
  assert.equal(hand.of("fetchScript").length, 1, "the second run finds it in the cache");
  assert.equal(hand.of("startScript").length, 2);
});

Deno.test("step() keeps fetched scripts across a restart", async () => {
  const hand = await ready();
  const bytes = scriptBytes();
  await runScript(hand, bytes);
  const again = new Hand(hand.world);
  await again.ready();
  await runScript(again, bytes);
  assert.equal(again.of("fetchScript").length, 0);
  assert.equal(again.of("startScript").length, 1);
});

Deno.test("step() starts an open script unsigned, an ordered one only with a signed order", async () => {
  const hand = await ready();
  const open = scriptBytes();
  await hand.say("command", { unsigned: unsigned({ does: `script:${parseScript(open).hash}` }) });
  await serveScript(hand, open);
  assert.equal(hand.of("startScript").length, 1);
  const ordered = scriptBytes({ start: "ordered" });
  await hand.say("command", { unsigned: unsigned({ does: `script:${parseScript(ordered).hash}` }) });
  await serveScript(hand, ordered);
  assert.equal(hand.refusal(), "run.unsigned");
  await runScript(hand, ordered);
  assert.equal(hand.of("startScript").length, 2);
});

Deno.test("step() starts no unsigned script when the policy says openScripts: false", async () => {
  const hand = await ready({ policy: { ...depsOf().policy, openScripts: false } });
  await hand.say("command", { unsigned: unsigned({ does: `script:${parseScript(scriptBytes()).hash}` }) });
  assert.equal(hand.refusal(), "run.unsigned");
  assert.equal(hand.of("fetchScript").length, 0);
});

const badScripts: [string, () => Uint8Array, JsonObject?][] = [
  ["signer.unknown", () => scriptBytes({}, stranger)],
  ["document.wrong_host", () => scriptBytes({ tags: { os: "plan9" } })],
  ["document.wrong_host", () => scriptBytes({ targets: "env=test" })],
  ["document.expired", () => scriptBytes({ expires: plain(T0 - 1000) })],
  ["document.wrong_cluster", () => scriptBytes({ cluster: "lab-2" })],
  ["run.access", () => scriptBytes({ access: 1, uses: ["fs.read"] })],
  ["run.unknown_command", () => scriptBytes({ uses: ["no.such"] })],
  ["args.mismatch", () => scriptBytes({ args: { type: "object" } }), { args: { extra: 1 } }],
];
for (const [code, make, order] of badScripts) {
  Deno.test(`step() refuses a script with ${code}: ${make.toString().slice(6, 60)}`, async () => {
    const hand = await ready();
    await runScript(hand, make(), order);
    assert.equal(hand.refusal(), code);
    assert.equal(hand.of("startScript").length, 0);
  });
}

Deno.test("step() refuses bytes that are not those of the hash, and a script that cannot be had", async () => {
  const hand = await ready();
  await hand.say("command", { order: orderText({ does: `script:sha256-${"0".repeat(64)}`, args: {} }) });
  await serveScript(hand, scriptBytes());
  assert.equal(hand.refusal(), "script.mismatch");
  await hand.say("command", { order: orderText({ does: `script:sha256-${"1".repeat(64)}`, args: {} }) });
  await hand.step({ type: "scriptFailed", hash: `sha256-${"1".repeat(64)}`, error: { code: "x", message: "404" } });
  assert.equal(hand.runStates("refused").at(-1)?.error?.code, "script.unavailable");
});

Deno.test("step() fetches a cached script again when its signatures do not suffice", async () => {
  const trust = { ...TRUST, rules: [] };
  const bytes = scriptBytes({}, stranger);
  const hand = await ready({ policy: { ...depsOf().policy, trust } });
  await runScript(hand, bytes);
  assert.equal(hand.refusal(), "signer.unknown");
  await hand.say("command", { order: orderText({ does: `script:${parseScript(bytes).hash}`, args: {} }) });
  assert.equal(hand.of("fetchScript").length, 2);
  await serveScript(hand, sign(bytes, "script", signer, { at: T0 }));
  assert.equal(hand.of("startScript").length, 1);
});

Deno.test("step() asks again for missing scripts when it is READY again", async () => {
  const hand = await ready();
  await hand.say("command", { order: orderText({ does: `script:sha256-${"1".repeat(64)}`, args: {} }) });
  await hand.step({ type: "closed", attempt: hand.attempt, reason: "gone" });
  await hand.connect();
  assert.equal(hand.of("fetchScript").length, 2);
});

Deno.test("step() judges a parked order again when its script comes late", async () => {
  const hand = await ready();
  const bytes = scriptBytes();
  await hand.say("command", { order: orderText({ does: `script:${parseScript(bytes).hash}`, args: {} }) });
  hand.world.now += 2 * 3600_000;
  await serveScript(hand, bytes);
  assert.equal(hand.refusal(), "document.expired");
});

Deno.test("step() refuses an order it may have forgotten when the clock comes back", async () => {
  for (const restarts of [false, true]) {
    const first = await ready();
    const order = orderText();
    await first.say("command", { order });
    await first.step({ type: "ended", run: first.of("startCommand")[0]!.grant.run, outcome: { ok: true } });
    const before = first.world.now;
    first.world.now += 365 * 24 * 3600_000;
    await first.step({ type: "timer", name: "prune" });
    assert.equal(await first.world.store.row("orders", idOf(order)), undefined);
    first.world.now = before;
    const hand = restarts ? new Hand(first.world) : first;
    if (restarts) await hand.ready();
    await hand.say("command", { order });
    assert.equal(hand.of("startCommand").length, restarts ? 0 : 1);
    assert.equal(hand.refusal(), "document.expired");
  }
});

Deno.test("prune() keeps an order for as long as clocks may differ about its end", async () => {
  const hand = await ready();
  const order = orderText();
  await hand.say("command", { order });
  await hand.step({ type: "ended", run: hand.of("startCommand")[0]!.grant.run, outcome: { ok: true } });
  for (const [now, kept] of [[T0 + HOUR + LIMITS.seenOrdersGraceMs, true], [T0 + 4 * HOUR, false]] as const) {
    hand.world.now = now;
    await hand.step({ type: "timer", name: "prune" });
    assert.equal(await hand.world.store.row("orders", idOf(order)) !== undefined, kept);
  }
});

Deno.test("step() cancels orders that run, wait in the queue and wait for their script", async () => {
  const hand = await ready();
  const running = orderText();
  await hand.say("command", { order: running });
  await hand.say("cancel", { order: idOf(running), reason: "changed my mind" });
  const { run } = hand.of("startCommand")[0]!.grant;
  assert.equal(hand.of("cancelRun")[0]?.run, run);
  await hand.step({ type: "ended", run, outcome: { ok: false }, error: { code: "x", message: "killed" } });
  assert.equal(hand.runStates("finished")[0]?.error?.code, "run.cancelled");
  const parked = orderText({ does: `script:sha256-${"1".repeat(64)}`, args: {} });
  await hand.say("command", { order: parked });
  await hand.say("cancel", { order: idOf(parked), reason: "that too" });
  assert.equal(hand.refusal(), "run.cancelled");

  const busy = await ready();
  for (let i = 0; i < LIMITS.runsAtOnceMax; i++) await busy.say("command", { unsigned: unsigned() });
  const queued = orderText();
  await busy.say("command", { order: queued });
  await busy.say("cancel", { order: idOf(queued), reason: "not that one" });
  assert.equal(busy.refusal(), "run.cancelled");
  await busy.step({ type: "ended", run: busy.of("startCommand")[0]!.grant.run, outcome: { ok: true } });
  assert.equal(busy.of("startCommand").length, LIMITS.runsAtOnceMax);
});

Deno.test("step() still takes signed orders when unsigned ones have used up their places", async () => {
  const world = newWorld();
  const row = { hash: "x", notAfter: world.now + 3600_000, runs: [] };
  const rows = Array.from({ length: LIMITS.seenUnsignedMax }, () => ulid());
  await world.store.commit(rows.map((key) => ({ op: "put", table: AGENT_TABLES.order, key, row })));
  const hand = new Hand(world);
  await hand.ready();
  await hand.say("command", { unsigned: unsigned() });
  assert.equal(hand.refusal(), "run.queue_full");
  await hand.say("command", { order: orderText() });
  assert.equal(hand.of("startCommand").length, 1);
});

Deno.test("step() queues past runsAtOnceMax and refuses past the queue", async () => {
  const hand = await ready();
  const total = LIMITS.runsAtOnceMax + LIMITS.runsQueuedMax + 1;
  for (let i = 0; i < total; i++) hand.push({ type: "frame", attempt: hand.attempt, text: lineOf(hand, unsigned()) });
  await hand.settle();
  assert.equal(hand.of("startCommand").length, LIMITS.runsAtOnceMax);
  assert.equal(hand.refusal(), "run.queue_full");
  await hand.step({ type: "ended", run: hand.of("startCommand")[0]!.grant.run, outcome: { ok: true } });
  assert.equal(hand.of("startCommand").length, LIMITS.runsAtOnceMax + 1);
});

function lineOf(hand: Hand, order: JsonObject): string {
  const { now } = hand.world;
  return JSON.stringify({
    v: 1,
    id: ulid(now),
    kind: "command",
    from: "node-1",
    time: rfc3339(now),
    body: { unsigned: order },
  });
}

Deno.test("step() keeps to a refusal when the order comes again, also after a restart", async () => {
  const hand = await ready();
  const bytes = scriptBytes();
  const order = orderText({ does: `script:${parseScript(bytes).hash}`, args: {} });
  await hand.say("command", { order });
  const { hash } = hand.of("fetchScript").at(-1)!;
  await hand.step({
    type: "scriptFailed",
    hash,
    error: { code: "script.unavailable", message: "the server is away" },
  });
  // The server did not hear of it, has the script by now and sends the order again.
  await hand.say("command", { order });
  assert.equal(hand.of("fetchScript").length, 1);
  const again = new Hand(hand.world, depsOf());
  await again.ready();
  await again.say("command", { order });
  assert.equal(again.of("fetchScript").length, 0);
  assert.equal(again.of("startScript").length, 0);
  assert.deepEqual(again.runStates().map(({ body, error }) => [body.state, error?.code]), [
    ["refused", "script.unavailable"],
    ["refused", "script.unavailable"],
    ["refused", "script.unavailable"],
  ]);
  // So also when the clock was wrong at first, before the very signature.
  const early = orderText();
  again.world.now = T0 - 600_000;
  await again.say("command", { order: early });
  again.world.now = T0;
  await again.say("command", { order: early });
  assert.equal(again.of("startCommand").length, 0);
  // A forged document cannot use up an honest one's id.
  const honest = orderText();
  await again.say("command", { order: orderText({ id: idOf(honest) }, stranger) });
  await again.say("command", { order: honest });
  assert.equal(again.of("startCommand").length, 1);
});

Deno.test("step() starts nothing outside its window, however long the disk took", async () => {
  const hand = await ready();
  const commit = hand.world.store.commit;
  let full = true;
  hand.world.store.commit = (ops) => full ? Promise.reject(new JabberError("store.full")) : commit(ops);
  await hand.say("command", { order: orderText({ notAfter: plain(T0 + 60_000) }) });
  await hand.say("command", { order: orderText({ notBefore: plain(T0 - 1000), notAfter: plain(T0 + 600_000) }) });
  full = false;
  hand.world.now = T0 + 60_000;
  await hand.fire("persist");
  assert.equal(hand.of("startCommand").length, 1);
  assert.deepEqual(hand.runStates().map(({ body, error }) => [body.state, error?.code]).sort(), [
    ["finished", "document.expired"],
    ["started", undefined],
    ["started", undefined],
  ]);
});

import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import type { JsonObject } from "../../base/json.ts";
import { SERVER_TABLES } from "./contract.ts";
import { ALIVE_MS, HandDriver } from "../../tests/server_core/hand_driver.ts";

const WEB = "agent-web";
const LOG = `${WEB}/log`;

Deno.test("takeHello() answers with proof, settings and the durable end of each stream", async () => {
  const driver = await HandDriver.boot();
  const first = driver.connect(WEB);
  driver.frame(first, ...[0, 1, 2].map((n) => driver.output(WEB, LOG, n)));
  const run = `${WEB}/${driver.ids.next(0)}`;
  const session = driver.connect(WEB, {
    streams: [{ stream: LOG, first: 1, next: 5 }, { stream: run, first: 4, next: 9 }],
  });
  assert.deepEqual(driver.took(session, "welcome"), [{
    protocol: 1,
    node: "server-1",
    cluster: "home",
    version: "9.9.9",
    proof: `proof-${session}`,
    settings: { aliveEveryMs: ALIVE_MS },
    streams: [{ stream: LOG, next: 3 }, { stream: run, next: 4 }],
  }]);
});

Deno.test("takeHello() refuses what is out of turn, of another agent, or of another protocol", async () => {
  const cases: [string, (driver: HandDriver, session: number) => void][] = [
    ["a record before hello", (driver, session) => driver.frame(session, driver.output(WEB, LOG, 0))],
    [
      "alive before hello",
      (driver, session) => driver.frame(session, driver.message(WEB, "alive", { running: 0, spoolBytes: 0 })),
    ],
    ["two hellos", (driver, session) => driver.frame(session, driver.hello(WEB), driver.hello(WEB))],
    [
      "a newer protocol",
      (driver, session) => driver.frame(session, driver.hello(WEB, { protocol: { min: 2, max: 3 } })),
    ],
    [
      "an older protocol",
      (driver, session) => driver.frame(session, driver.hello(WEB, { protocol: { min: 0, max: 0 } })),
    ],
    [
      "another agent's stream in hello",
      (driver, session) =>
        driver.frame(session, driver.hello(WEB, { streams: [{ stream: "agent-db/log", first: 0, next: 1 }] })),
    ],
    [
      "another agent's stream",
      (driver, session) => driver.frame(session, driver.hello(WEB), driver.output(WEB, "agent-db/log", 0)),
    ],
    [
      "no stream name at all",
      (driver, session) => driver.frame(session, driver.hello(WEB), driver.output(WEB, "../log", 0)),
    ],
    [
      "offsets that skip",
      (driver, session) =>
        driver.frame(session, driver.hello(WEB), driver.output(WEB, LOG, 0), driver.output(WEB, LOG, 2)),
    ],
    [
      "offsets that go back",
      (driver, session) =>
        driver.frame(session, driver.hello(WEB), driver.output(WEB, LOG, 3), driver.output(WEB, LOG, 3)),
    ],
    ["an oversize frame", (driver, session) => driver.frame(session, "x".repeat(LIMITS.frameBytesMax + 1))],
    ["a lone surrogate", (driver, session) => driver.frame(session, '{"v":"\ud800"}')],
    [
      "too many tags",
      (driver, session) =>
        driver.frame(
          session,
          driver.hello(WEB, { tags: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`t${i}`, ""])) }),
        ),
    ],
  ];
  for (const [name, act] of cases) {
    const driver = await HandDriver.boot();
    const session = driver.open(WEB);
    act(driver, session);
    assert.ok(driver.hungUp.has(session), name);
    assert.equal(driver.took(session, "error").length, 1, name);
    assert.equal(driver.disk.streams.size, 0, name);
    assert.equal(driver.core.gauges().sessions, 0, name);
  }
});

Deno.test("takeHello() takes no new name that passes for another line, and keeps an agent that has one", async () => {
  for (const name of ["web\nroot", "web\u001b[31m", "\u202ebew", "a\u2028b"]) {
    const driver = await HandDriver.boot();
    const session = driver.open(WEB);
    driver.frame(session, driver.hello(WEB, { name }));
    assert.ok(driver.hungUp.has(session), name);
    const error = driver.took(session, "error")[0];
    assert.equal(error?.code, "frame.malformed");
    assert.match(String(error["message"]), /the name ".*(?:\\n|\\u....).*" holds control characters/);
    const row = driver.disk.tables.get(SERVER_TABLES.agent)!.get(WEB)!;
    assert.equal(row["name"], WEB);
    // An earlier version let it in.
    row["name"] = name;
    await driver.crash();
    const known = driver.open(WEB);
    driver.frame(known, driver.hello(WEB, { name }));
    assert.equal(driver.took(known, "welcome").length, 1);
  }
});

Deno.test("takeFrame() complains once about a frame's bad lines and goes on with the others", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  driver.frame(
    session,
    driver.output(WEB, LOG, 0),
    "not json",
    driver.message(WEB, "dance", {}),
    driver.output(WEB, LOG, 3),
  );
  assert.deepEqual(driver.took(session, "error").map(({ code }) => code), ["frame.malformed"]);
  assert.equal(driver.counts.get("fault_frame_unknown_kind"), 1);
  assert.deepEqual(driver.disk.extents([LOG])[0]?.ranges, [{ from: 0, to: 1 }, { from: 3, to: 4 }]);
  assert.equal(driver.hungUp.size, 0);
});

Deno.test("takeFrame() refuses a line in another agent's name", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  driver.frame(session, driver.output("agent-db", LOG, 0));
  assert.equal(driver.took(session, "error")[0]?.code, "frame.malformed");
  assert.equal(driver.disk.streams.size, 0);
});

Deno.test("takeFrame() ends a session with too many faults", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  for (let i = 0; i < LIMITS.sessionFaultsMax; i++) driver.frame(session, "not json");
  assert.equal(driver.hungUp.size, 0);
  driver.frame(session, "not json");
  assert.equal(driver.hungUp.get(session)?.code, 4400);
});

Deno.test("openSession() enrols with a token and keeps others waiting for approval", async () => {
  const driver = await HandDriver.boot();
  driver.connect(WEB);
  const waiting = driver.connect("agent-db", {}, { token: null });
  assert.equal(driver.took(waiting, "welcome").length, 1);
  assert.deepEqual(driver.took(waiting, "error").map(({ code }) => code), ["agent.pending"]);
  const { agents } = driver.get<{ agents: JsonObject[] }>({ ask: "agents", selector: "" });
  assert.deepEqual(agents.map((agent) => [agent["id"], agent["state"], agent["connected"]]), [
    [WEB, "enrolled", true],
    ["agent-db", "pending", true],
  ]);
  assert.equal(driver.events("agentEnrolled").length, 1);
  assert.equal(driver.events("agentPending").length, 1);
});

Deno.test("openSession() lets in as many as the token says, however many come at once", async () => {
  const driver = await HandDriver.boot();
  driver.auto = false;
  const proof = { token: "token-2", tokenUses: 2 };
  const sessions = ["agent-a", "agent-b", "agent-c"].map((agent) => driver.connect(agent, {}, proof));
  driver.settle();
  assert.deepEqual(sessions.map((session) => driver.hungUp.has(session)), [false, false, true]);
  assert.match(driver.hungUp.get(sessions[2]!)!.reason, /^token\.used_up/);
  driver.auto = true;
  const again = driver.connect("agent-a", {}, { ...proof, boot: "01ARZ3NDEKTSV4RRFFQ69G5FAV", epoch: 9 });
  assert.equal(driver.hungUp.has(again), false, "who joined with it stays in");
});

Deno.test("openSession() stores nothing of a pending agent, and no later record of that session is acknowledged", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB, {}, { token: null });
  driver.frame(session, driver.output(WEB, LOG, 0));
  driver.auto = false;
  driver.ask({ ask: "approveAgent", agent: WEB });
  driver.frame(session, driver.output(WEB, LOG, 1));
  driver.settle();
  assert.deepEqual(driver.took(session, "ack"), []);
  assert.equal(driver.disk.streams.size, 0);
  assert.match(driver.hungUp.get(session)!.reason, /^agent\.approved/);
  driver.auto = true;
  driver.settle();
  const again = driver.connect(WEB, {}, { token: null });
  driver.frame(again, driver.output(WEB, LOG, 0));
  assert.equal(driver.took(again, "ack").length, 1);
});

Deno.test("openSession() does not keep an agent that could not be stored", async () => {
  const driver = await HandDriver.boot();
  driver.refuse = 1;
  const session = driver.open(WEB);
  assert.ok(driver.hungUp.has(session));
  assert.equal(driver.core.gauges().agents, 0);
  await driver.crash();
  assert.equal(driver.core.gauges().agents, 0);
});

Deno.test("openSession() forgets the oldest absent pending agent when too many wait, never a connected one", async () => {
  const driver = await HandDriver.boot();
  const name = (n: number) => `agent-${n}`;
  for (let n = 0; n < LIMITS.pendingAgentsMax; n++) {
    const session = driver.open(name(n), { token: null });
    if (n === 3) driver.close(session);
  }
  driver.open("agent-new", { token: null });
  assert.equal(driver.refused({ ask: "agent", agent: name(3) }), "input.not_found");
  const refused = driver.open("agent-newer", { token: null });
  assert.match(driver.hungUp.get(refused)!.reason, /^agent\.not_enrolled/);
  assert.equal(driver.core.gauges().agentsPending, LIMITS.pendingAgentsMax);
});

Deno.test("openSession() lets the newest session stay and refuses one that was overtaken", async () => {
  const driver = await HandDriver.boot();
  const boot = driver.ids.next(0);
  const first = driver.connect(WEB, {}, { boot, epoch: 1 });
  const second = driver.connect(WEB, {}, { boot, epoch: 2 });
  assert.match(driver.hungUp.get(first)!.reason, /^agent\.stale/);
  const late = driver.connect(WEB, {}, { boot, epoch: 1 });
  assert.match(driver.hungUp.get(late)!.reason, /^agent\.stale/);
  assert.ok(!driver.hungUp.has(second));
  assert.deepEqual(driver.get({ ask: "agent", agent: WEB })["flags"], []);
  driver.close(first);
  assert.equal(driver.get({ ask: "agent", agent: WEB })["connected"], true);
});

Deno.test("openSession() flags a clone; approving clears the flag", async () => {
  const driver = await HandDriver.boot();
  const first = driver.connect(WEB, {}, { epoch: 5 });
  const copy = driver.connect(WEB, {}, { epoch: 5 });
  assert.match(driver.hungUp.get(first)!.reason, /^agent\.clone/);
  assert.ok(!driver.hungUp.has(copy));
  await driver.crash();
  assert.deepEqual(driver.get({ ask: "agent", agent: WEB })["flags"], ["clone"]);
  assert.deepEqual(driver.get({ ask: "approveAgent", agent: WEB })["flags"], []);
});

Deno.test("removeAgent() hangs up, refuses the agent for ever, and cannot be undone by approval", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  driver.get({ ask: "removeAgent", agent: WEB });
  assert.equal(driver.hungUp.get(session)?.code, 4403);
  await driver.crash();
  const again = driver.open(WEB);
  assert.match(driver.hungUp.get(again)!.reason, /^agent\.removed/);
  assert.equal(driver.took(again, "error")[0]?.code, "agent.removed");
  assert.equal(driver.refused({ ask: "approveAgent", agent: WEB }), "agent.removed");
});

Deno.test("openSession() compares whole keys, whatever the id says", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  const other = driver.open(WEB, { key: "another-key" });
  assert.equal(driver.took(other, "error")[0]?.code, "agent.id_mismatch");
  assert.ok(driver.hungUp.has(other) && !driver.hungUp.has(session));
});

Deno.test("approveAgent() takes the change back when the store refuses it", async () => {
  const driver = await HandDriver.boot();
  driver.connect(WEB, {}, { token: null });
  driver.refuse = 1;
  assert.equal(driver.refused({ ask: "approveAgent", agent: WEB }), "store.full");
  assert.equal(driver.get({ ask: "agent", agent: WEB })["state"], "pending");
  await driver.crash();
  assert.equal(driver.get({ ask: "agent", agent: WEB })["state"], "pending");
});

Deno.test("onLivenessTimer() ends silent sessions and keeps those that speak", async () => {
  const driver = await HandDriver.boot();
  const quiet = driver.connect(WEB);
  const alive = driver.connect("agent-db");
  for (let i = 0; i < 2 * LIMITS.silentIntervalsMax; i++) {
    driver.frame(alive, driver.message("agent-db", "alive", { running: i, spoolBytes: 0 }));
    driver.advance(ALIVE_MS);
  }
  assert.match(driver.hungUp.get(quiet)!.reason, /^agent\.silent/);
  assert.ok(!driver.hungUp.has(alive));
  assert.equal(driver.get({ ask: "agent", agent: "agent-db" })["running"], 2 * LIMITS.silentIntervalsMax - 1);
  assert.deepEqual(driver.events("agentDisconnected").map(({ agent, reason }) => [agent, reason]), [[
    WEB,
    "agent.silent",
  ]]);
});

Deno.test("takeFrame() answers a sign of life with one, so that an idle agent keeps its connection", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  driver.frame(session, driver.message(WEB, "alive", { running: 0, spoolBytes: 0 }));
  assert.deepEqual(driver.took(session, "ack"), [{ streams: [] }]);
});

Deno.test("an agent's round trip is told as it measured it, while it is connected", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  const rtt = () => driver.get({ ask: "agent", agent: WEB })["rttMs"];
  assert.equal(rtt(), undefined);
  driver.frame(session, driver.message(WEB, "alive", { running: 0, spoolBytes: 0, rttMs: 3 }));
  assert.equal(rtt(), 3);
  for (const rttMs of [-1, 0.5, LIMITS.rttMsMax + 1]) {
    driver.frame(session, driver.message(WEB, "alive", { running: 9, spoolBytes: 0, rttMs }));
    assert.equal(rtt(), 3, String(rttMs));
  }
  driver.advance(LIMITS.silentIntervalsMax * 2 * ALIVE_MS);
  assert.equal(rtt(), undefined);
});

Deno.test("onLivenessTimer() stores last seen now and then, not with each sign of life", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  const stored = () => driver.disk.tables.get("agents")!.get(WEB)!["lastSeen"];
  const before = stored();
  driver.advance(ALIVE_MS);
  driver.frame(session, driver.message(WEB, "alive", { running: 0, spoolBytes: 0 }));
  assert.equal(stored(), before);
  for (let ms = 0; ms <= LIMITS.lastSeenStoreEveryMs; ms += ALIVE_MS) {
    driver.frame(session, driver.message(WEB, "alive", { running: 0, spoolBytes: 0 }));
    driver.advance(ALIVE_MS);
  }
  assert.notEqual(stored(), before);
});

Deno.test("drain() lets everybody go and nobody in", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  driver.feed({ type: "drain" });
  assert.match(driver.hungUp.get(session)!.reason, /^server\.stopping/);
  assert.match(driver.hungUp.get(driver.open("agent-db"))!.reason, /^server\.stopping/);
  const asked = { ask: "submitUnsigned", does: "command:sys.facts", args: {}, selector: "", dryRun: false } as const;
  assert.equal(driver.refused(asked), "server.stopping");
});

Deno.test("step() wants booted first and once", async () => {
  const driver = await HandDriver.boot();
  assert.throws(() =>
    driver.feed({
      type: "booted",
      rows: { agent: [], script: [], order: [], target: [], job: [], jobState: [], jobLast: [] },
    })
  );
  assert.throws(() => driver.feed({ type: "persisted", token: 99, conflicts: [] }));
});

Deno.test("storeArrival() ends the later session too when the disk refuses the agent's first one", async () => {
  const driver = await HandDriver.boot();
  driver.auto = false;
  const first = driver.connect(WEB);
  const second = driver.connect(WEB, {}, { epoch: 2 });
  driver.refuse = 1;
  driver.settle();
  assert.ok(driver.hungUp.has(first) && driver.hungUp.has(second));
  assert.equal(driver.core.gauges().sessions, 0);
  driver.auto = true;
  driver.connect(WEB, {}, { epoch: 3 });
  assert.deepEqual([driver.core.gauges().sessions, driver.core.gauges().agents], [1, 1]);
});

Deno.test("storeArrival() does not forget an agent that was approved meanwhile", async () => {
  const driver = await HandDriver.boot();
  driver.auto = false;
  driver.connect(WEB, {}, { token: null });
  const asked = driver.ask({ ask: "approveAgent", agent: WEB });
  driver.refuse = 1;
  driver.settle();
  assert.equal(driver.answered<JsonObject>(asked)["state"], "enrolled");
  driver.auto = true;
  driver.connect(WEB, {}, { token: null, epoch: 2 });
  assert.equal(driver.get<JsonObject>({ ask: "agent", agent: WEB })["state"], "enrolled");
});

Deno.test("an agent that neither its token nor an operator could let in durably is forgotten, also on the disk", async () => {
  const driver = await HandDriver.boot();
  driver.auto = false;
  const session = driver.open(WEB);
  const asked = driver.ask({ ask: "approveAgent", agent: WEB });
  driver.feed({ type: "agentClosed", session, reason: "goes away" });
  driver.refuse = 2;
  // The third write is of the row as it stood before the refusals came.
  driver.settle(3);
  assert.ok("error" in driver.answers.get(asked)!);
  assert.equal(driver.disk.tables.get("agents")?.get(WEB)?.["state"], "enrolled");
  // The disk does not take back at once what it was given.
  driver.refuse = 1;
  driver.settle();
  driver.feed({ type: "timer", name: "liveness" });
  driver.settle();
  assert.equal(driver.core.gauges().agents, 0);
  assert.deepEqual(driver.shared.filter(({ kind }) => kind === "agentKey"), []);
  await driver.crash();
  assert.equal(driver.core.gauges().agents, 0);
});

Deno.test("an agent whose first arrival could not be stored stays, and is told of, when a later one with a token was", async () => {
  const driver = await HandDriver.boot();
  driver.auto = false;
  driver.open(WEB, { token: null });
  driver.open(WEB, { epoch: 2 });
  driver.refuse = 1;
  driver.settle();
  assert.equal(driver.core.isEnrolled(WEB), true);
  assert.equal(driver.shared.filter(({ kind }) => kind === "agentKey").length, 1);
  await driver.crash();
  assert.equal(driver.core.isEnrolled(WEB), true);
});

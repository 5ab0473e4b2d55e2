import assert from "node:assert/strict";
import { seededRng } from "../../base/rng.ts";
import { depsOf, Hand, newWorld, orderText } from "./hand_driver_test.ts";

const gone = (hand: Hand) => hand.step({ type: "closed", attempt: hand.attempt, reason: "gone" });
const refused = (hand: Hand) =>
  hand.step({ type: "dialFailed", attempt: hand.attempt, error: { code: "net.unreachable", message: "refused" } });

Deno.test("step() goes from INITIALIZED to READY and says hello with a durable epoch", async () => {
  const hand = new Hand(newWorld());
  await hand.ready();
  assert.deepEqual(hand.of("state").map(({ state }) => state), ["AWAITING_SERVER", "CONNECTING", "CONNECTED", "READY"]);
  const [hello] = hand.sent;
  assert.equal(hello?.kind, "hello");
  assert.deepEqual(hello.body.tags, { os: "linux", env: "prod" });
  assert.equal(hello.body.epoch, hand.of("dial")[0]?.epoch);
  assert.deepEqual(await hand.world.store.row("meta", "agent"), { epoch: 1 });
});

Deno.test("step() never uses an epoch twice, also after a crash before the dial", async () => {
  const world = newWorld();
  const first = new Hand(world);
  await first.ready();
  const second = new Hand(world);
  await second.boot();
  assert.equal(second.of("dial")[0]?.epoch, 2);
});

Deno.test("step() tries every server, then waits with full jitter under a doubling bound", async () => {
  const hand = new Hand(newWorld(), depsOf({ rng: { bytes: seededRng(1).bytes, float: () => 0.5 } }));
  await hand.boot();
  const waits: number[] = [];
  for (let round = 0; round < 9; round++) {
    assert.equal(hand.state, "CONNECTING");
    await refused(hand);
    assert.equal(hand.state, "CONNECTING");
    await refused(hand);
    assert.equal(hand.state, "AWAITING_SERVER");
    waits.push(hand.timers.get("step")! - hand.world.now);
    await hand.fire("step");
  }
  assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  assert.deepEqual(hand.of("dial").slice(0, 2).map(({ url }) => url), depsOf().seeds);
});

Deno.test("step() starts the backoff again only after READY was held", async () => {
  const hand = new Hand(newWorld(), depsOf({ rng: { bytes: seededRng(1).bytes, float: () => 0.5 } }));
  await hand.ready();
  const wait = () => hand.timers.get("step")! - hand.world.now;
  await gone(hand);
  assert.equal(wait(), 250);
  await hand.connect();
  await gone(hand);
  assert.equal(wait(), 500, "READY was not held, so the bound doubles");
  await hand.connect();
  await hand.fire("steady");
  await gone(hand);
  assert.equal(wait(), 250);
});

Deno.test("step() follows three redirects a minute and then stays", async () => {
  const hand = new Hand(newWorld());
  await hand.ready();
  const redirect = (url: string) => hand.say("redirect", { url, node: "node-2", view: "v1" });
  for (let i = 0; i < 3; i++) {
    await redirect(`https://c${i}.example:7470`);
    assert.equal(hand.of("dial").at(-1)?.url, `https://c${i}.example:7470`);
    assert.equal(hand.of("dial").at(-1)?.node, "node-2");
    await hand.connect();
  }
  const dials = hand.of("dial").length;
  await redirect("https://d.example:7470");
  assert.equal(hand.of("dial").length, dials);
  assert.equal(hand.state, "READY");
  await hand.fire("redirects");
  await redirect("http://plain.example:7470");
  assert.equal(hand.of("dial").length, dials, "nobody is talked out of TLS");
  await redirect("https://d.example:7470");
  assert.equal(hand.of("dial").length, dials + 1);
});

Deno.test("step() goes on with the list when the redirect's target fails", async () => {
  const hand = new Hand(newWorld());
  await hand.ready();
  await hand.say("redirect", { url: "https://c.example:7470", node: "node-2", view: "v1" });
  await refused(hand);
  assert.equal(hand.of("dial").at(-1)?.url, "https://a.example:7470");
});

Deno.test("step() hangs up after three silent alive periods", async () => {
  const hand = new Hand(newWorld());
  await hand.ready();
  await hand.fire("alive");
  assert.equal(hand.sent.at(-1)?.kind, "alive");
  await hand.fire("alive");
  await hand.fire("alive");
  assert.equal(hand.state, "READY");
  await hand.fire("alive");
  assert.equal(hand.state, "AWAITING_SERVER");
  assert.match(hand.of("hangUp").at(-1)!.reason, /nothing was heard/);
});

Deno.test("step() keeps a connection on which something is heard", async () => {
  const hand = new Hand(newWorld());
  await hand.ready();
  for (let i = 0; i < 8; i++) {
    await hand.say("ack", { streams: [] });
    await hand.fire("alive");
  }
  assert.equal(hand.state, "READY");
});

Deno.test("step() measures how long an answer to a sign of life takes, and says so at once the first time", async () => {
  const hand = new Hand(newWorld());
  await hand.ready();
  const said = () => hand.sent.flatMap((one) => one.kind === "alive" ? [one.body.rttMs] : []);
  assert.deepEqual(said(), [undefined], "what is not known is not said");
  hand.world.now += 40;
  await hand.say("ack", { streams: [{ stream: "agent-1/log", next: 0 }] });
  assert.deepEqual(said(), [undefined], "an acknowledgement of records answers no sign of life");
  hand.world.now += 2;
  await hand.say("ack", { streams: [] });
  assert.deepEqual(said(), [undefined, 42]);
  hand.world.now += 9;
  await hand.say("ack", { streams: [] });
  await hand.fire("alive");
  assert.deepEqual(said(), [undefined, 42, 42], "what nobody waits for is not measured");
  hand.world.now -= 3_600_000;
  await hand.say("ack", { streams: [] });
  await hand.fire("alive");
  hand.world.now += 7;
  await hand.say("ack", { streams: [] });
  await hand.fire("alive");
  assert.deepEqual(said().slice(3), [42, 7], "a clock that is set measures nothing");
  await gone(hand);
  await hand.connect();
  assert.deepEqual(said(), [undefined], "another connection is another way");
});

Deno.test("step() gives up a dial and a welcome that do not come in time", async () => {
  const hand = new Hand(newWorld());
  await hand.boot();
  await hand.fire("dial");
  assert.equal(hand.of("dial").at(-1)?.url, "https://b.example:7470");
  await hand.step({ type: "dialed", attempt: hand.attempt });
  await hand.fire("dial");
  assert.equal(hand.state, "AWAITING_SERVER");
});

Deno.test("step() hangs up on a first frame that is no welcome, on another cluster and on another protocol", async () => {
  const welcome = {
    protocol: 1,
    node: "n",
    cluster: "lab-1",
    version: "1",
    proof: "p",
    settings: { aliveEveryMs: 1000 },
    streams: [],
  };
  const cases: [string, unknown][] = [
    ["ack", { streams: [] }],
    ["command", { order: orderText() }],
    ["welcome", { ...welcome, cluster: "other" }],
    ["welcome", { ...welcome, protocol: 9 }],
    ["welcome", { nonsense: true }],
  ];
  for (const [kind, body] of cases) {
    const hand = new Hand(newWorld());
    await hand.boot();
    await hand.step({ type: "dialed", attempt: hand.attempt });
    await hand.say(kind, body);
    assert.equal(hand.state, "AWAITING_SERVER", JSON.stringify(body));
    assert.equal(hand.of("hangUp").length, 1);
  }
});

Deno.test("step() remembers servers across a restart and tries them after the seeds", async () => {
  const world = newWorld();
  const first = new Hand(world);
  await first.ready();
  const urls = ["http://z.example:7470", "file:///etc/passwd", "https://z.example:7470"];
  await first.say("servers", { servers: urls.map((url) => ({ node: "n2", url, weight: 1 })) });
  const second = new Hand(world, depsOf({ seeds: [] }));
  await second.boot();
  assert.equal(second.of("dial")[0]?.url, "https://z.example:7470");
});

Deno.test("step() waits and tries again when no server is known", async () => {
  const hand = new Hand(newWorld(), depsOf({ seeds: [] }));
  await hand.boot();
  assert.equal(hand.state, "AWAITING_SERVER");
  assert.ok(hand.timers.has("step"));
});

Deno.test("step() answers a bad frame with its code and stays", async () => {
  const hand = new Hand(newWorld());
  await hand.ready();
  await hand.step({ type: "frame", attempt: hand.attempt, text: "{" });
  await hand.say("hello", {});
  await hand.say("nonsense", {});
  const codes = hand.sent.filter((one) => one.kind === "error").map(({ body }) => body.code);
  assert.deepEqual(codes, ["frame.malformed", "frame.wrong_direction", "frame.unknown_kind"]);
  assert.equal(hand.state, "READY");
});

Deno.test("step() ignores events of earlier attempts", async () => {
  const hand = new Hand(newWorld());
  await hand.ready();
  await hand.step({ type: "closed", attempt: hand.attempt - 1, reason: "late" });
  await hand.step({ type: "dialFailed", attempt: hand.attempt - 1, error: { code: "x", message: "late" } });
  assert.equal(hand.state, "READY");
});

Deno.test("step() survives clocks that step an hour back and forth", async () => {
  const hand = new Hand(newWorld());
  await hand.ready();
  hand.world.now -= 3600_000;
  await hand.say("ack", { streams: [] });
  hand.world.now += 7200_000;
  await hand.step({ type: "timer", name: "alive" });
  assert.equal(hand.state, "READY");
  await gone(hand);
  assert.ok(hand.timers.get("step")! - hand.world.now <= 500);
});

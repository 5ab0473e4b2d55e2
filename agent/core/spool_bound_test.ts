/** What the agent does when its spool is full: nobody has acknowledged a gibibyte, and runs go on talking. */
import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { lineMaker } from "./lines.ts";
import { AGENT, bootEvent, Hand, newWorld, orderText, T0, ulid } from "./hand_driver_test.ts";

const LOG = `${AGENT}/log`;
const HELD = `${AGENT}/${ulid()}`;
const HELD_LINES = 10;

/** An agent that is READY; of its bound so many bytes are left. The extent says so, no byte is written. */
async function nearlyFull(left: number): Promise<Hand> {
  const world = newWorld();
  const make = lineMaker({ agent: AGENT });
  const lines = Array.from({ length: HELD_LINES }, (_, offset) => make(ulid(), T0, "output", { a: 1 })(HELD, offset));
  await world.store.commit([{ op: "append", stream: HELD, first: 0, lines }]);
  const event = await bootEvent(world.store);
  if (event.type !== "booted") throw new Error("not booted");
  const extents = [{
    stream: HELD,
    ranges: [{ from: 0, to: HELD_LINES }],
    bytes: LIMITS.spoolBytesMax - left,
    end: HELD_LINES,
  }];
  const hand = new Hand(world);
  await hand.step({ ...event, extents });
  await hand.connect([{ stream: HELD, next: 0 }]);
  return hand;
}

async function start(hand: Hand): Promise<string> {
  await hand.say("command", { order: orderText() });
  return hand.of("startCommand")[0]!.grant.run;
}

const emit = (hand: Hand, run: string, text: string, bytes: number) =>
  hand.step({ type: "emission", run, emission: { kind: "output", body: { text } }, bytes });
const credits = (hand: Hand) => hand.of("credit").map(({ bytes }) => bytes);

Deno.test("step() gives a run no credit while the spool is full, and all that it owes when there is room", async () => {
  const hand = await nearlyFull(20_000);
  const run = await start(hand);
  await emit(hand, run, "small", 1);
  assert.deepEqual(credits(hand), [1]);
  await emit(hand, run, "x".repeat(30_000), 20);
  await emit(hand, run, "small", 300);
  assert.deepEqual(credits(hand), [1]);
  await hand.say("ack", { streams: [{ stream: HELD, next: HELD_LINES }] });
  assert.deepEqual(credits(hand), [1, 320]);
  await emit(hand, run, "small", 4000);
  assert.deepEqual(credits(hand), [1, 320, 4000]);
});

Deno.test("step() writes none of its own events while the spool is full, and owns up to each in one gap", async () => {
  const hand = await nearlyFull(20_000);
  const run = await start(hand);
  const hashes = ["1", "2"].map((digit) => `sha256-${digit.repeat(64)}`);
  for (const hash of hashes) await hand.say("command", { order: orderText({ does: `script:${hash}`, args: {} }) });
  await emit(hand, run, "x".repeat(30_000), 20);
  for (const hash of hashes) {
    await hand.step({ type: "scriptFailed", hash, error: { code: "script.unavailable", message: "gone" } });
  }
  const own = () => hand.sent.filter(({ stream }) => stream === LOG);
  assert.deepEqual(own(), []);
  await hand.say("ack", { streams: [{ stream: HELD, next: HELD_LINES }] });
  const [gap, ...more] = own();
  assert.deepEqual(more, []);
  assert.equal(gap?.kind, "gap");
  assert.deepEqual([gap.body.from, gap.body.to], [0, 2]);
  assert.match(gap.body.reason, /the spool is full/);
});

Deno.test("step() opens the next incarnation when the server acknowledges what was never sent", async () => {
  const hand = new Hand(newWorld());
  await hand.ready();
  const run = await start(hand);
  const stream = `${AGENT}/${run}`;
  await hand.say("ack", { streams: [{ stream, next: 1000 }] });
  await emit(hand, run, "said later", 1);
  const moved = hand.sent.filter((one) => one.stream === `${stream}~1`);
  assert.deepEqual(moved.map(({ kind, offset }) => [kind, offset]), [["runState", 0], ["output", 1]]);
});

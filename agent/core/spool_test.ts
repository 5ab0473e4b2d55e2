import assert from "node:assert/strict";
import { rfc3339 } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { parseStream } from "../../wire/streams.ts";
import { lineMaker } from "./lines.ts";
import { AGENT, bootEvent, Hand, newWorld, orderText, T0, ulid } from "./hand_driver_test.ts";

const LOG = `${AGENT}/log`;

async function started(): Promise<{ hand: Hand; run: string; stream: string }> {
  const hand = new Hand(newWorld());
  await hand.ready();
  await hand.say("command", { order: orderText() });
  const { run } = hand.of("startCommand")[0]!.grant;
  return { hand, run, stream: `${AGENT}/${run}` };
}

const emit = (hand: Hand, run: string, text: string) =>
  hand.step({ type: "emission", run, emission: { kind: "output", body: { text } }, bytes: text.length + 11 });
const offsets = (hand: Hand, stream: string) =>
  hand.sent.filter((one) => one.stream === stream).map(({ offset }) => offset);
const reconnect = async (hand: Hand, marks: { stream: string; next: number }[]) => {
  await hand.step({ type: "closed", attempt: hand.attempt, reason: "gone" });
  await hand.connect(marks);
};

Deno.test("step() mints gapless offsets and sends a record only when it is durable", async () => {
  const { hand, run, stream } = await started();
  for (let i = 0; i < 5; i++) hand.push({ type: "emission", run, emission: { kind: "output", body: { i } }, bytes: 7 });
  assert.equal(offsets(hand, stream).length, 1, "nothing was persisted yet");
  await hand.settle();
  assert.deepEqual(offsets(hand, stream), [0, 1, 2, 3, 4, 5]);
  assert.ok(hand.of("persist").length < 7, "records that come together share a persist");
  const slice = await hand.world.store.read(stream, 0, { lines: 10, bytes: 1e6 });
  assert.deepEqual(slice.lines.map(({ text }) => JSON.parse(text).offset), [0, 1, 2, 3, 4, 5]);
});

Deno.test("step() gives credit back when the emission is durable", async () => {
  const { hand, run } = await started();
  hand.push({ type: "emission", run, emission: { kind: "output", body: { a: 1 } }, bytes: 123 });
  assert.equal(hand.of("credit").length, 0);
  await hand.settle();
  assert.deepEqual(hand.of("credit"), [{ do: "credit", run, bytes: 123 }]);
});

Deno.test("step() sends again from the last acknowledgement, whatever the server says it holds", async () => {
  const { hand, run, stream } = await started();
  for (const text of ["a", "b", "c"]) await emit(hand, run, text);
  await hand.say("ack", { streams: [{ stream, next: 1 }] });
  await reconnect(hand, [{ stream, next: 3 }]);
  assert.deepEqual(offsets(hand, stream), [1, 2, 3]);
  await hand.ackAll();
  await reconnect(hand, [{ stream, next: 4 }]);
  assert.deepEqual(offsets(hand, stream), []);
});

Deno.test("step() loses no line to a mark that speaks of another history", async () => {
  const { hand, run, stream } = await started();
  await emit(hand, run, "a");
  // The server holds what a later disk of this host had written; what was sent just now got lost on the way.
  await reconnect(hand, [{ stream, next: 2 }]);
  assert.deepEqual(offsets(hand, stream), [0, 1]);
  await hand.say("ack", { streams: [], conflicts: [stream] });
  assert.deepEqual(offsets(hand, `${stream}~1`), [0, 1]);
});

Deno.test("step() sends everything unacknowledged to a server that does not know the stream", async () => {
  const { hand, run, stream } = await started();
  await emit(hand, run, "a");
  await hand.say("ack", { streams: [{ stream, next: 1 }] });
  await reconnect(hand, []);
  assert.deepEqual(offsets(hand, stream), [1]);
});

Deno.test("step() sends retained records again to a server that holds less", async () => {
  const { hand, run, stream } = await started();
  await emit(hand, run, "a");
  await hand.ackAll();
  await reconnect(hand, [{ stream, next: 0 }]);
  assert.deepEqual(offsets(hand, stream), [0, 1]);
});

Deno.test("step() resends an earlier process's unacknowledged lines, so that the server can compare", async () => {
  const { hand, run, stream } = await started();
  await emit(hand, run, "a");
  const again = new Hand(hand.world);
  await again.ready([{ stream, next: 2 }]);
  // 0 and 1 from before, 2 is the end as run.interrupted.
  assert.deepEqual(offsets(again, stream), [0, 1, 2]);
});

Deno.test("step() names its streams in hello, the unacknowledged first", async () => {
  const { hand, stream } = await started();
  await hand.say("command", { order: "nonsense" });
  await hand.say("ack", { streams: [{ stream: LOG, next: 1 }] });
  await reconnect(hand, []);
  const [hello] = hand.sent;
  assert.equal(hello?.kind, "hello");
  assert.deepEqual(hello.body.streams, [{ stream, first: 0, next: 1 }, { stream: LOG, first: 0, next: 1 }]);
});

Deno.test("step() stops at the window and goes on with each acknowledgement, from disk", async () => {
  const { hand, run, stream } = await started();
  const text = "x".repeat(50_000);
  const total = Math.ceil(LIMITS.windowBytesMax / 50_000) + 40;
  for (let i = 0; i < total; i++) {
    await emit(hand, run, text);
    await hand.step({ type: "writable", attempt: hand.attempt });
  }
  const first = offsets(hand, stream).length;
  assert.ok(first < total && first * 50_000 >= LIMITS.windowBytesMax, `${first} of ${total}`);
  for (let round = 0; round < 10 && offsets(hand, stream).length < total + 1; round++) {
    await hand.ackAll();
    await hand.step({ type: "writable", attempt: hand.attempt });
  }
  assert.deepEqual(offsets(hand, stream), Array.from({ length: total + 1 }, (_, index) => index));
  assert.ok(hand.of("read").length > 0, "what did not fit in memory came from disk");
});

Deno.test("step() gives the socket no more than it can write", async () => {
  const { hand, run, stream } = await started();
  for (let i = 0; i < 60; i++) await emit(hand, run, "x".repeat(50_000));
  const held = offsets(hand, stream).length * 50_000;
  assert.ok(held <= LIMITS.socketBytesMax + LIMITS.frameBytesMax, `${held}`);
  await hand.step({ type: "writable", attempt: hand.attempt });
  assert.ok(offsets(hand, stream).length * 50_000 > held);
});

Deno.test("step() keeps frames within 64 records and 256 KiB, and streams take turns", async () => {
  const { hand, run } = await started();
  await hand.say("command", { order: orderText() });
  const other = hand.of("startCommand")[1]!.grant.run;
  await hand.step({ type: "closed", attempt: hand.attempt, reason: "gone" });
  for (let i = 0; i < 200; i++) await emit(hand, run, "small");
  for (let i = 0; i < 50; i++) await emit(hand, run, "y".repeat(60_000));
  await emit(hand, other, "me too");
  await hand.connect();
  await hand.step({ type: "writable", attempt: hand.attempt });
  const frames = hand.of("send").filter(({ attempt }) => attempt === hand.attempt).map(({ text }) => text).slice(1);
  assert.ok(frames.every((text) => text.split("\n").length <= 64));
  assert.ok(frames.every((text) => new TextEncoder().encode(text).length <= LIMITS.frameBytesMax));
  const texts = frames.join("\n");
  assert.ok(texts.includes("me too"), "the loud run, which has filled the socket, does not hold up the quiet one");
  assert.ok(offsets(hand, `${AGENT}/${run}`).length < 251);
});

Deno.test("step() trims acknowledged records after a day and drops finished streams whole", async () => {
  const { hand, run, stream } = await started();
  await emit(hand, run, "a");
  await hand.ackAll();
  assert.equal((await hand.world.store.extent(stream))?.ranges[0]?.from, 0);
  hand.world.now += LIMITS.retainMsMax;
  await hand.step({ type: "timer", name: "retention" });
  assert.deepEqual((await hand.world.store.extent(stream))?.ranges, []);
  await emit(hand, run, "b");
  assert.equal(offsets(hand, stream).at(-1), 2);
  await hand.step({ type: "ended", run, outcome: { ok: true } });
  await hand.ackAll();
  hand.world.now += LIMITS.retainMsMax;
  await hand.step({ type: "timer", name: "retention" });
  assert.equal(await hand.world.store.extent(stream), undefined);
  assert.deepEqual(await hand.world.store.row("marks", stream), undefined);
});

Deno.test("step() never mints an offset twice, though everything was trimmed and the agent crashed", async () => {
  const { hand, run, stream } = await started();
  await hand.ackAll();
  hand.world.now += LIMITS.retainMsMax;
  await hand.step({ type: "timer", name: "retention" });
  const again = new Hand(hand.world);
  await again.ready();
  assert.deepEqual(offsets(again, stream), [1], "the end of the interrupted run follows");
  assert.equal(again.runStates("finished")[0]?.error?.code, "run.interrupted");
  assert.equal(again.runStates("finished")[0]?.run, run);
});

Deno.test("step() keeps at most 64 MiB of acknowledged records", async () => {
  const { hand, run, stream } = await started();
  const text = "z".repeat(60_000);
  for (let i = 0; i < 1300; i++) {
    hand.push({ type: "emission", run, emission: { kind: "output", body: { text } }, bytes: 60_011 });
    if (i % 16 === 15) {
      await hand.step({ type: "writable", attempt: hand.attempt });
      await hand.ackAll();
      hand.sent = [];
    }
  }
  const extent = await hand.world.store.extent(stream);
  assert.ok(extent!.bytes <= LIMITS.retainBytesMax + LIMITS.windowBytesMax, `${extent!.bytes}`);
  assert.ok(extent!.bytes > LIMITS.retainBytesMax / 2);
});

Deno.test("step() opens the next incarnation on a conflict and puts everything unacknowledged there", async () => {
  const { hand, run, stream } = await started();
  await emit(hand, run, "kept");
  await hand.say("ack", { streams: [{ stream, next: 2 }] });
  await emit(hand, run, "moved");
  hand.push({
    type: "frame",
    attempt: hand.attempt,
    text: JSON.stringify({
      v: 1,
      id: ulid(),
      kind: "ack",
      from: "node-1",
      time: rfc3339(T0),
      body: { streams: [], conflicts: [stream] },
    }),
  });
  // Minted while the move is under way: it must wait behind what is moved.
  hand.push({ type: "emission", run, emission: { kind: "output", body: { text: "later" } }, bytes: 10 });
  await hand.settle();
  const moved = hand.sent.filter((one) => one.stream === `${stream}~1`);
  assert.deepEqual(moved.map(({ offset, body }) => [offset, body]), [[0, { text: "moved" }], [1, { text: "later" }]]);
  await emit(hand, run, "new");
  assert.deepEqual(offsets(hand, `${stream}~1`), [0, 1, 2]);
  await hand.ackAll();
  const again = new Hand(hand.world);
  await again.ready();
  assert.deepEqual(
    again.sent.filter(({ kind }) => kind === "runState").map((one) => one.stream),
    [`${stream}~1`],
    "after a restart the run goes on in the new incarnation",
  );
});

Deno.test("step() opens the next incarnation when the server holds more than this disk", async () => {
  const hand = new Hand(newWorld());
  await hand.ready();
  await hand.say("command", { order: "nonsense" });
  await reconnect(hand, [{ stream: LOG, next: 50 }]);
  assert.deepEqual(offsets(hand, `${LOG}~1`), [0]);
  await hand.say("command", { order: "nonsense" });
  assert.deepEqual(offsets(hand, `${LOG}~1`), [0, 1]);
});

Deno.test("step() opens the next incarnation when the disk itself holds other content", async () => {
  const { hand, run, stream } = await started();
  await hand.world.store.commit([{ op: "append", stream, first: 1, lines: ["somebody else's"] }]);
  await emit(hand, run, "mine");
  // The start had not been acknowledged either, so it moves too.
  assert.deepEqual(offsets(hand, `${stream}~1`), [0, 1]);
  assert.deepEqual(parseStream(`${stream}~1`)?.incarnation, 1);
});

Deno.test("step() waits for a full disk with growing pauses and loses nothing", async () => {
  const { hand, run, stream } = await started();
  const commit = hand.world.store.commit;
  let failures = 3;
  hand.world.store.commit = (ops) => failures-- > 0 ? Promise.reject(new JabberError("store.full")) : commit(ops);
  await emit(hand, run, "a");
  await emit(hand, run, "b");
  const pauses: number[] = [];
  while (hand.timers.has("persist")) {
    pauses.push(hand.timers.get("persist")! - hand.world.now);
    await hand.fire("persist");
  }
  assert.deepEqual(pauses, [500, 1000, 2000]);
  assert.deepEqual(offsets(hand, stream), [0, 1, 2]);
});

Deno.test("step() ends with code 1 on a damaged store", async () => {
  const { hand, run } = await started();
  hand.world.store.commit = () => Promise.reject(new JabberError("store.corrupt"));
  await emit(hand, run, "a");
  assert.deepEqual(hand.of("exit"), [{ do: "exit", code: 1 }]);
  assert.equal(hand.state, "STOPPED");
});

Deno.test("step() at the bound stops giving credit, takes no orders, and owns up to lost events in one gap", async () => {
  const { hand, run, stream } = await started();
  await hand.ackAll();
  // The disk holds a gibibyte of another run that nobody acknowledged: the extent says so, no byte is written.
  const full = new Hand(hand.world);
  const other = `${AGENT}/${ulid()}`;
  const boot = await bootWith(hand, other);
  await full.step(boot);
  await full.connect([{ stream: other, next: 0 }]);
  await full.say("command", { order: orderText() }, { job: ulid() });
  await full.say("command", { order: orderText() }, { job: ulid() });
  assert.deepEqual(full.sent.filter((one) => one.kind === "error").map(({ body }) => body.code), [
    "store.full",
    "store.full",
  ]);
  assert.equal(full.of("startCommand").length, 0);
  await full.say("ack", { streams: [{ stream: other, next: 10 }] });
  const gaps = full.sent.filter((one) => one.kind === "gap");
  assert.equal(gaps.length, 1);
  assert.equal(gaps[0]!.body.to - gaps[0]!.body.from, 2);
  assert.equal(gaps[0]!.stream, LOG);
  assert.ok(stream.endsWith(run));
});

async function bootWith(hand: Hand, stream: string) {
  const event = await bootEvent(hand.world.store);
  if (event.type !== "booted") throw new Error("not booted");
  const make = lineMaker({ agent: AGENT });
  const lines = Array.from({ length: 10 }, (_, offset) => make(ulid(), T0, "output", { a: 1 })(stream, offset));
  await hand.world.store.commit([{ op: "append", stream, first: 0, lines }]);
  event.extents.push({ stream, ranges: [{ from: 0, to: 10 }], bytes: LIMITS.spoolBytesMax, end: 10 });
  return event;
}

Deno.test("step() hangs up when an acknowledgement passes over what was sent, and sends it again", async () => {
  const { hand, run, stream } = await started();
  await emit(hand, run, "a");
  await emit(hand, run, "b");
  await hand.say("ack", { streams: [{ stream, first: 1, next: 3 }] });
  assert.equal(hand.state, "AWAITING_SERVER");
  assert.equal(hand.of("hangUp").at(-1)?.reason, "the server did not see all that was sent");
  await hand.connect([{ stream, next: 0 }]);
  assert.deepEqual(offsets(hand, stream), [0, 1, 2]);
  await hand.say("ack", { streams: [{ stream, first: 0, next: 3 }] });
  assert.equal(hand.state, "READY");
});

Deno.test("step() asks again for lines that could not be read, and sends none before them", async () => {
  const { hand, run, stream } = await started();
  await emit(hand, run, "a");
  const { read } = hand.world.store;
  hand.world.store.read = () => Promise.reject(new JabberError("store.failed"));
  const again = new Hand(hand.world);
  await again.ready([{ stream, next: 0 }]);
  assert.deepEqual(offsets(again, stream), []);
  await again.fire("reads");
  assert.deepEqual(offsets(again, stream), []);
  hand.world.store.read = read;
  await again.fire("reads");
  assert.deepEqual(offsets(again, stream), [0, 1, 2]);
});

/** A finished run of six records on the disk, of which the server has acknowledged `acked`. */
async function storedRun(acked: number): Promise<{ hand: Hand; run: string; stream: string }> {
  const { hand, run, stream } = await started();
  for (const text of ["a", "b", "c", "d"]) await emit(hand, run, text);
  await hand.step({ type: "ended", run, outcome: { ok: true } });
  await hand.say("ack", { streams: [{ stream, next: acked }] });
  if (hand.timers.has("marks")) await hand.fire("marks");
  return { hand, run, stream };
}

/** What a stream brought: each record's kind, or its text. */
const said = (hand: Hand, stream: string) =>
  hand.sent.filter((one) => one.stream === stream).map(({ kind, body }) => "text" in body ? body.text : kind);

/** Reads fail from `from` to `to` - 1, as a broken disk's do. */
function damage(hand: Hand, stream: string, from: number, to: number): void {
  const { store } = hand.world;
  const { read } = store;
  store.read = async (name, at, max) => {
    if (name !== stream || at >= to) return await read(name, at, max);
    if (at >= from) throw new JabberError("store.corrupt", "torn", { from: at, to });
    return await read(name, at, { ...max, lines: Math.min(max.lines, from - at) });
  };
}

Deno.test("step() puts a gap in the place of lines that the disk lost, and moves all others on", async () => {
  const { hand, run, stream } = await storedRun(1);
  damage(hand, stream, 2, 4);
  const again = new Hand(hand.world);
  await again.ready([{ stream, next: 1 }]);
  const heir = `${stream}~1`;
  assert.deepEqual(said(again, heir), ["a", "gap", "d", "runState"]);
  assert.deepEqual(offsets(again, heir), [0, 1, 2, 3]);
  const gap = again.sent.find(({ kind }) => kind === "gap")!;
  assert.deepEqual(gap.body, { from: 2, to: 4, reason: `this host's disk lost records 2 to 3 of ${stream}` });
  const first = again.sent.find((one) => one.stream === heir)!;
  assert.deepEqual([gap.run, gap.job, gap.meta, gap.tags], [run, first.job, first.meta, first.tags]);
  await again.ackAll();
  await again.fire("marks");
  const third = new Hand(hand.world);
  await third.ready([{ stream: heir, next: 4 }]);
  assert.deepEqual(third.sent.filter((one) => one.stream !== undefined), [], "what is settled is not said again");
  assert.deepEqual(
    (await hand.world.store.extent(stream))?.ranges,
    [{ from: 0, to: 6 }],
    "the damage stays to be seen",
  );
});

Deno.test("step() owns up to lines whose rows are gone, whose text is another, and to the last ones", async () => {
  const { hand, stream } = await storedRun(0);
  const { read } = hand.world.store;
  hand.world.store.read = async (name, at, max) => {
    const slice = await read(name, at, max);
    if (name !== stream) return slice;
    const lines = slice.lines.filter(({ offset }) => offset !== 1 && offset !== 5)
      .map((line) => line.offset === 3 ? { ...line, text: line.text.replace(/}$/, "") } : line);
    return { ...slice, lines };
  };
  const again = new Hand(hand.world);
  await again.ready();
  const gaps = again.sent.filter((one) => one.kind === "gap").map(({ body }) => [body.from, body.to]);
  assert.deepEqual(said(again, `${stream}~1`), ["runState", "gap", "b", "gap", "d", "gap"]);
  assert.deepEqual(gaps, [[1, 2], [3, 4], [5, 6]]);
});

Deno.test("step() owns up to acknowledged lines that a server lost as well, and sends it those behind them", async () => {
  const { hand, stream } = await storedRun(6);
  damage(hand, stream, 1, 2);
  const again = new Hand(hand.world);
  await again.ready([{ stream, next: 0 }]);
  assert.deepEqual(said(again, stream), ["runState"]);
  assert.deepEqual(said(again, `${stream}~1`), ["runState", "gap", "b", "c", "d", "runState"]);
});

Deno.test("step() moves damaged lines again after a crash in the middle of it, and loses none", async () => {
  const { hand, stream } = await storedRun(0);
  damage(hand, stream, 3, 4);
  const { commit } = hand.world.store;
  const crashed = new Hand(hand.world);
  hand.world.store.commit = async (ops) => {
    if (ops.some((op) => op.op === "put" && op.row["damaged"] === true)) throw new JabberError("store.closed");
    return await commit(ops);
  };
  await crashed.ready();
  assert.equal(crashed.state, "STOPPED");
  hand.world.store.commit = commit;
  const again = new Hand(hand.world);
  await again.ready();
  await again.ackAll();
  const heir = `${stream}~1`;
  assert.deepEqual(said(again, heir).slice(-6), ["runState", "a", "b", "gap", "d", "runState"]);
  assert.deepEqual(offsets(again, heir), offsets(again, heir).map((_, index) => index));
});

import assert from "node:assert/strict";
import { JabberError } from "../../base/errors.ts";
import { memoryStore } from "../../base/store/memory.ts";
import type { Store } from "../../base/store.ts";
import type { OrderAnswer, TargetAnswer } from "../core/requests.ts";
import { checkReadable, followOrder, streamLines } from "./follow.ts";
import { Hub } from "./hub.ts";

const RUN = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const STREAM = `agent-a/${RUN}`;

const newHub = () => new Hub(() => ({}), () => "now");
const append = (store: Store, first: number, lines: string[]) =>
  store.commit([{ op: "append", stream: STREAM, first, lines }]);
const line = (n: number) => JSON.stringify({ job: "O1", n });

Deno.test("streamLines() reads from the offset and ends", async () => {
  const store = memoryStore();
  await append(store, 0, [line(0), line(1), line(2)]);
  const lines = await Array.fromAsync(
    streamLines(store, newHub(), STREAM, { from: 1, follow: false, signal: new AbortController().signal }),
  );
  assert.deepEqual(lines, [line(1), line(2)]);
});

Deno.test("streamLines() with follow misses nothing that comes while it reads", async () => {
  const [store, hub, stop] = [memoryStore(), newHub(), new AbortController()];
  const seen: string[] = [];
  const reading = (async () => {
    for await (const text of streamLines(store, hub, STREAM, { from: 0, follow: true, signal: stop.signal })) {
      seen.push(text);
      if (seen.length === 50) stop.abort();
    }
  })();
  for (let i = 0; i < 50; i++) {
    await append(store, i, [line(i)]);
    hub.publish("agent-a", STREAM, [line(i)]);
  }
  await reading;
  assert.deepEqual(seen, Array.from({ length: 50 }, (_, i) => line(i)));
});

Deno.test("checkReadable() refuses what cannot be answered whole", async () => {
  const store = memoryStore();
  const code = (expected: string) => (cause: unknown) => cause instanceof JabberError && cause.code === expected;
  await assert.rejects(checkReadable(store, STREAM, 0, false), code("stream.unknown"));
  await checkReadable(store, STREAM, 0, true);
  await append(store, 0, [line(0), line(1), line(2)]);
  await store.commit([{ op: "trim", stream: STREAM, below: 2 }]);
  await assert.rejects(
    checkReadable(store, STREAM, 1, false),
    (cause) => cause instanceof JabberError && cause.code === "stream.too_old" && cause.data?.["first"] === 2,
  );
  await checkReadable(store, STREAM, 2, false);
});

Deno.test("streamLines() breaks off when what comes next was trimmed, and goes on over a hole of the agent's own", async () => {
  const [store, hub, stop] = [memoryStore(), newHub(), new AbortController()];
  await append(store, 0, [line(0)]);
  await append(store, 2, [line(2)]);
  const source = streamLines(store, hub, STREAM, { from: 0, follow: true, signal: stop.signal });
  assert.deepEqual([(await source.next()).value, (await source.next()).value], [line(0), line(2)]);
  const later = source.next();
  await append(store, 3, [line(3), line(4), line(5)]);
  await store.commit([{ op: "trim", stream: STREAM, below: 5 }]);
  hub.publish("agent-a", STREAM, [line(3)]);
  await assert.rejects(later, (cause) => cause instanceof JabberError && cause.code === "stream.too_old");
});

Deno.test("streamLines() waits with one listener, however many pages it reads", async () => {
  const [store, stop] = [memoryStore(), new AbortController()];
  await append(store, 0, Array.from({ length: 2500 }, (_, n) => line(n)));
  let waits = 0;
  const hub = newHub();
  const grew = hub.streamGrew.bind(hub);
  hub.streamGrew = (...args) => {
    waits++;
    return grew(...args);
  };
  const source = streamLines(store, hub, STREAM, { from: 0, follow: true, signal: stop.signal });
  for (let n = 0; n < 2500; n++) await source.next();
  const end = source.next();
  stop.abort();
  await end;
  assert.equal(waits, 1);
});

/** An order with one target, whose state the test sets. */
function order(): { answer: OrderAnswer; target: TargetAnswer } {
  const target: TargetAnswer = { agent: "agent-a", name: "a", state: "not-sent" };
  const counts = { "not-sent": 0, sent: 0, refused: 0, started: 0, finished: 0, unknown: 0, failed: 0 };
  const row = {
    id: "O1",
    at: "now",
    user: "u",
    address: "",
    signed: false,
    signers: [],
    authors: [],
    does: "command:sys.facts",
    args: {},
    selector: "",
    notAfter: "later",
    runs: "once" as const,
    targets: 1,
    counts,
  };
  return { answer: { order: row, targets: [target], counts }, target };
}

Deno.test("followOrder() tells records before the end of the run they belong to, then ends", async () => {
  const [store, hub, stop] = [memoryStore(), newHub(), new AbortController()];
  const { answer, target } = order();
  const deps = { store, hub, order: () => Promise.resolve(structuredClone(answer)), pause: () => Promise.resolve() };
  const source = followOrder(deps, "O1", true, stop.signal);
  const next = async () => JSON.parse((await source.next()).value!);
  assert.deepEqual((await next()).agents, { "agent-a": "a" });
  assert.equal((await next()).target.state, "not-sent");
  assert.deepEqual(await next(), { idle: true });
  const later = next();
  await append(store, 0, [line(0)]);
  Object.assign(target, { state: "started", run: RUN });
  hub.publish("agent-a", STREAM, [line(0)]);
  assert.equal((await later).record.n, 0);
  assert.equal((await next()).target.state, "started");
  const end = next();
  await append(store, 1, [line(1)]);
  target.state = "finished";
  hub.publish("agent-a", STREAM, [line(1)]);
  assert.equal((await end).record.n, 1);
  assert.equal((await next()).target.state, "finished");
  assert.ok("done" in await next());
  assert.equal((await source.next()).done, true);
});

Deno.test("followOrder() believes no agent that the order is not for", async () => {
  const [store, hub, stop] = [memoryStore(), newHub(), new AbortController()];
  const { answer, target } = order();
  const deps = { store, hub, order: () => Promise.resolve(structuredClone(answer)), pause: () => Promise.resolve() };
  const source = followOrder(deps, "O1", true, stop.signal);
  for (let n = 0; n < 3; n++) await source.next();
  const next = source.next();
  const foreign = `agent-b/${RUN}`;
  await store.commit([{ op: "append", stream: foreign, first: 0, lines: [line(666)] }]);
  hub.publish("agent-b", foreign, [line(666)]);
  assert.equal((await next).value, JSON.stringify({ idle: true }));
  const end = source.next();
  target.state = "refused";
  hub.announce("targetChanged", { order: "O1" });
  assert.match((await end).value!, /^{"target"/);
  await source.return();
});

Deno.test("followOrder() ends with the reader's signal", async () => {
  const stop = new AbortController();
  const { answer } = order();
  const deps = {
    store: memoryStore(),
    hub: newHub(),
    order: () => Promise.resolve(answer),
    pause: () => Promise.resolve(),
  };
  const source = followOrder(deps, "O1", true, stop.signal);
  for (let i = 0; i < 3; i++) await source.next();
  const waiting = source.next();
  stop.abort();
  assert.equal((await waiting).done, true);
});

Deno.test("followOrder() reads the streams of many targets together, each in order, incarnations too", async () => {
  const [store, hub] = [memoryStore(), newHub()];
  const { answer } = order();
  const ulid = (n: number) => `01ARZ3NDEKTSV4RRFFQ6${String(n).padStart(6, "0")}`;
  const streams: string[] = [];
  answer.targets = Array.from({ length: 70 }, (_, n) => {
    streams.push(`agent-${n}/${ulid(n)}`);
    return { agent: `agent-${n}`, name: `${n}`, state: "finished", run: ulid(n), ok: true };
  });
  streams.push(`agent-3/${ulid(3)}~1`);
  for (const stream of streams) {
    await store.commit([{ op: "append", stream, first: 0, lines: [line(0), line(1), line(2)] }]);
  }
  let [reading, together] = [0, 0];
  const counted: Store = {
    ...store,
    async read(stream, from, max) {
      together = Math.max(together, ++reading);
      const slice = await store.read(stream, from, { ...max, lines: 2 });
      reading--;
      return { ...slice, lines: slice.lines.map(({ offset, text }) => ({ offset, text: `"${stream} ${text}"` })) };
    },
  };
  const deps = { store: counted, hub, order: () => Promise.resolve(answer), pause: () => Promise.resolve() };
  const lines = await Array.fromAsync(followOrder(deps, "O1", true, new AbortController().signal));
  const records = lines.filter((text) => text.startsWith('{"record"'));
  assert.ok(together > 1 && together <= 32, `${together} reads at one time`);
  assert.equal(records.length, 3 * streams.length);
  for (const stream of streams) {
    const own = records.filter((text) => text.includes(`"${stream} `));
    assert.deepEqual(own, [0, 1, 2].map((n) => `{"record":"${stream} ${line(n)}"}`));
  }
  // The names come first, then all records, then how far each target got.
  assert.equal(lines.findIndex((text) => text.startsWith('{"target"')), 1 + records.length);
});

Deno.test("followOrder() waits before a hole until it is filled, and says what never came", async () => {
  for (const filled of [true, false]) {
    const store = memoryStore();
    const { answer, target } = order();
    Object.assign(target, { state: "finished", run: RUN, ok: true });
    await append(store, 0, [line(0)]);
    // A full disk refused records 1 and 2, and took 3.
    await append(store, 3, [line(3)]);
    let pauses = 0;
    const pause = async () => {
      if (++pauses === 3 && filled) await append(store, 1, [line(1), line(2)]);
    };
    const deps = { store, hub: newHub(), order: () => Promise.resolve(answer), pause };
    const lines = await Array.fromAsync(followOrder(deps, "O1", true, new AbortController().signal));
    const told = lines.map((text) => JSON.parse(text)).flatMap(({ record, gap }) => record?.n ?? gap ?? []);
    assert.deepEqual(told, filled ? [0, 1, 2, 3] : [0, { stream: STREAM, from: 1, to: 3 }, 3]);
    // Who reads that a target has finished has seen all its output.
    assert.equal(lines.findIndex((text) => text.startsWith('{"target"')), lines.length - 2);
  }
});

Deno.test("followOrder() does not wait for what retention took", async () => {
  const store = memoryStore();
  const { answer, target } = order();
  Object.assign(target, { state: "finished", run: RUN, ok: true });
  await append(store, 0, [line(0), line(1), line(2)]);
  await store.commit([{ op: "trim", stream: STREAM, below: 2 }]);
  const pause = () => Promise.reject(new Error("it waits"));
  const deps = { store, hub: newHub(), order: () => Promise.resolve(answer), pause };
  const lines = await Array.fromAsync(followOrder(deps, "O1", true, new AbortController().signal));
  assert.deepEqual(lines.filter((text) => text.startsWith('{"record"')), [`{"record":${line(2)}}`]);
});

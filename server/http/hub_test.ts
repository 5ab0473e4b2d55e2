import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import type { Sink } from "./bounded_sink.ts";
import { parseFilter } from "./filter.ts";
import { Hub } from "./hub.ts";

const TAGS: Record<string, Record<string, string>> = { a1: { os: "linux" }, a2: { os: "windows" } };

function hub(): Hub {
  return new Hub((agent) => TAGS[agent] ?? {}, () => "2026-01-01T00:00:00.000Z");
}

function sink(): Sink & { texts: string[]; full: number } {
  const texts: string[] = [];
  return {
    texts,
    full: 0,
    buffered() {
      return this.full;
    },
    send: (text) => texts.push(text),
  };
}

const record = (kind: string, job: string, text = "") =>
  JSON.stringify({ kind, job, run: `run-${job}`, body: { text } });

Deno.test("Hub.publish() gives each reader what its filter asks for", () => {
  const cases: [Record<string, string>, string[]][] = [
    [{}, [record("log", "1"), record("output", "2", "needle")]],
    [{ kind: "log" }, [record("log", "1")]],
    [{ job: "2" }, [record("output", "2", "needle")]],
    [{ pattern: "need.e" }, [record("output", "2", "needle")]],
    [{ selector: "os=windows" }, []],
    [{ agent: "a2" }, []],
    [{ run: "run-1" }, [record("log", "1")]],
  ];
  for (const [query, expected] of cases) {
    const target = hub();
    const reader = sink();
    target.read(parseFilter(query), reader);
    target.publish("a1", "a1/log", [record("log", "1"), record("output", "2", "needle")]);
    assert.deepEqual(reader.texts, expected, JSON.stringify(query));
  }
});

Deno.test("Hub tells a slow reader what it missed, once it has caught up", () => {
  const target = hub();
  const reader = sink();
  target.read(parseFilter({}), reader);
  reader.full = LIMITS.firehoseQueueBytesMax;
  for (let i = 0; i < 3; i++) target.publish("a1", "a1/log", [record("log", "1")]);
  assert.deepEqual(reader.texts, []);
  target.settle();
  assert.deepEqual(reader.texts, [], "still full");
  reader.full = 0;
  target.settle();
  assert.deepEqual(JSON.parse(reader.texts[0]!), { event: "lagged", dropped: 3, from: "2026-01-01T00:00:00.000Z" });
  target.publish("a1", "a1/log", [record("log", "2")]);
  assert.equal(reader.texts.length, 2);
});

Deno.test("Hub.announce() reaches readers that want events, filtered by the agent's tags", () => {
  const target = hub();
  const [all, windows, records] = [sink(), sink(), sink()];
  target.read(parseFilter({}), all);
  target.read(parseFilter({ selector: "os=windows" }), windows);
  target.read(parseFilter({ kind: "log" }), records);
  target.announce("agentConnected", { agent: "a1" });
  assert.deepEqual([all, windows, records].map((one) => one.texts.length), [1, 0, 0]);
});

Deno.test("Hub.read() returns how to leave", () => {
  const target = hub();
  const reader = sink();
  const leave = target.read(parseFilter({}), reader);
  leave();
  target.publish("a1", "a1/log", [record("log", "1")]);
  assert.deepEqual([reader.texts.length, target.readers], [0, 0]);
});

Deno.test("Hub.streamGrew() resolves on growth and on abort, and forgets its waiters", async () => {
  const target = hub();
  const stop = new AbortController();
  const grew = target.streamGrew("a1/log", stop.signal);
  const ended = target.streamGrew("a1/other", stop.signal);
  target.publish("a1", "a1/log", [record("log", "1")]);
  await grew;
  stop.abort();
  await ended;
  await target.streamGrew("a1/log", stop.signal);
});

Deno.test("Hub.watchOrder() gathers which streams have news", async () => {
  const target = hub();
  const stop = new AbortController();
  const watch = target.watchOrder("7");
  target.publish("a1", "a1/R1", [record("output", "7")]);
  target.publish("a1", "a1/R2", [record("output", "8")]);
  await watch.changed(stop.signal);
  assert.deepEqual([...watch.dirty], ["a1/R1"]);
  const changed = watch.changed(stop.signal);
  target.announce("targetChanged", { order: "7" });
  await changed;
  watch.end();
  target.publish("a1", "a1/R3", [record("output", "7")]);
  assert.deepEqual([...watch.dirty], ["a1/R1"]);
});

Deno.test("a reader of events alone gets no record, whatever else it asks for", () => {
  const target = hub();
  const reader = sink();
  target.read(parseFilter({ events: "only", selector: "os=linux" }), reader);
  target.publish("a1", "a1/log", [record("log", "1")]);
  target.announce("agentConnected", { agent: "a1" });
  target.announce("agentConnected", { agent: "a2" });
  assert.deepEqual(reader.texts.map((text) => JSON.parse(text).agent), ["a1"]);
});

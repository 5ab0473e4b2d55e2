/** What goes wrong around a copy: clocks, disks, long absence, copied machines, and members that lie. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { JabberError } from "../../base/errors.ts";
import { memoryEngine } from "../../base/store/memory.ts";
import { formatStamp, stampTime } from "../../wire/hlc.ts";
import type { Delta, Entry } from "./contract.ts";
import { deltaJson, parseDelta, parseQuestion } from "./delta.ts";
import { entryTuple, logKey, normalised, readTuple, signEntry } from "./entry.ts";
import type { Unsigned } from "./kinds.ts";
import { CLUSTER, type Copy, Fleet, NOW, proofOf } from "./testing.ts";

const DAY = 24 * 3600_000;
const YEAR = 365 * DAY;
const STORE = "01KADQ3ZJ8V4M9T5W2X7Y0ABCD";

const value = (copy: Copy, id: string, kind = "setting") => copy.core.get(kind, id)?.value ?? null;
const prune = (copy: Copy) => copy.step({ type: "timer", name: "catalogPrune" });

/** Lets time go by as it does: in steps, with clocks that are compared and the hourly look. */
function days(fleet: Fleet, count: number, awake: readonly Copy[]): void {
  for (let hour = 0; hour < count * 24; hour++) {
    fleet.now += 3600_000;
    for (const copy of awake) for (const other of awake) if (copy !== other) copy.pull(other);
    for (const copy of awake) prune(copy);
  }
}

/** An entry as `by` might sign it. */
function signed(by: Copy, more: Partial<Unsigned>, stampOf = by): Entry {
  const stamp = formatStamp(by.now, 0, stampOf.node);
  const base = { kind: "setting", id: "x", writer: by.node, store: STORE, version: 1, stamp, value: { n: 1 } };
  return signEntry({ ...base, ...more }, CLUSTER, by.key);
}

function gossip(to: Copy, from: Copy, ...entries: Entry[]): void {
  to.effects.length = 0;
  to.hear(from, { entries, upTo: {} });
}

Deno.test("server clocks hours apart end in the same records", () => {
  const fleet = new Fleet(3);
  const [a, b, c] = fleet.copies as [Copy, Copy, Copy];
  b.skew = -5 * 3600_000;
  c.skew = 7 * 3600_000;
  for (const copy of [a, b, c]) copy.write("setting", "x", { by: copy.node });
  fleet.settle();
  assert.deepEqual(value(a, "x"), { by: c.node });
  assert.equal(a.core.losers("setting", "x").length, 2);
  b.write("setting", "x", { at: "last" });
  fleet.settle();
  for (const copy of [a, b, c]) assert.deepEqual(value(copy, "x"), { at: "last" });
});

Deno.test("one clock a year ahead poisons nobody, and what it wrote is kept and stamped anew", () => {
  const fleet = new Fleet(3);
  const [a, b, c] = fleet.copies as [Copy, Copy, Copy];
  c.skew = YEAR;
  a.write("setting", "x", { by: "a" });
  c.write("setting", "x", { by: "c" });
  c.write("setting", "y", { by: "c" });
  b.hear(c, { entries: [c.core.get("setting", "x")!], upTo: {} });
  assert.equal(b.counted("catalogAhead"), 1);
  fleet.settle();
  fleet.settle();
  assert.equal(new Set([a, b, c].map((copy) => copy.core.hash())).size, 1);
  assert.deepEqual(value(a, "y"), { by: "c" });
  for (const copy of [a, b, c]) {
    for (const { stamp } of copy.core.list("setting")) assert.ok(stampTime(stamp) < NOW + 2 * DAY, stamp);
  }
  fleet.now += 1000;
  a.write("setting", "x", { by: "a", later: true });
  fleet.settle();
  assert.deepEqual(value(c, "x"), { by: "a", later: true });
  c.write("setting", "z", { still: "ahead" });
  assert.ok(stampTime(c.core.get("setting", "z")!.stamp) < NOW + 2 * DAY);
});

Deno.test("24 hours apart with writes on both sides: everything is there afterwards, or shown", () => {
  const fleet = new Fleet(4);
  const [a, b, c, d] = fleet.copies as [Copy, Copy, Copy, Copy];
  a.write("setting", "both", { at: "start" });
  fleet.settle();
  for (let hour = 0; hour < 24; hour++) {
    fleet.now += 3600_000;
    a.write("setting", `left${hour}`, { hour });
    c.write("setting", `right${hour}`, { hour });
    fleet.meet(a, b);
    fleet.meet(c, d);
  }
  b.write("setting", "both", { at: "left" });
  fleet.now++;
  d.write("setting", "both", { at: "right" });
  fleet.settle();
  for (const copy of fleet.copies) {
    assert.equal(copy.core.list("setting").length, 49);
    assert.deepEqual(value(copy, "both"), { at: "right" });
    assert.deepEqual(copy.core.losers("setting", "both").map((entry) => entry.value)[0], { at: "left" });
  }
});

Deno.test("a removal is forgotten after the horizon, and the removed thing stays gone", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  a.write("setting", "x", { n: 1 });
  fleet.meet(a, b);
  const old = a.core.get("setting", "x")!;
  b.write("setting", "x", null);
  fleet.meet(a, b);
  assert.equal(a.core.size().records, 1);
  days(fleet, 9, [a, b]);
  assert.equal(a.core.size().records, 0);
  gossip(b, a, old);
  assert.equal(value(b, "x"), null);
  assert.equal(b.core.size().records, 0);
});

Deno.test("a server that was away longer than the horizon drops what was removed, and keeps what it wrote", () => {
  const fleet = new Fleet(3);
  const [a, b, c] = fleet.copies as [Copy, Copy, Copy];
  for (const id of ["dead", "alive"]) a.write("setting", id, { n: 1 });
  c.write("setting", "dead too", { n: 1 });
  days(fleet, 1, [a, b, c]);
  a.write("setting", "dead", null);
  b.write("setting", "dead too", null);
  c.write("setting", "away", { n: 2 });
  c.write("server", c.node, { state: "READY" });
  days(fleet, 10, [a, b]);
  assert.equal(a.core.get("setting", "dead"), undefined);
  c.boot();
  assert.deepEqual(value(c, "dead"), { n: 1 });
  c.effects.length = 0;
  fleet.settle();
  const rejoined = c.effects.flatMap((effect) => effect.do === "rejoined" ? [effect.dropped] : []);
  assert.equal(rejoined.reduce((sum, dropped) => sum + dropped, 0), 2, rejoined.join());
  for (const copy of fleet.copies) {
    assert.deepEqual(copy.core.list("setting").map((entry) => entry.id), ["alive", "away"]);
  }
  assert.equal(new Set(fleet.copies.map((copy) => copy.core.hash())).size, 1);
});

Deno.test("all servers down for longer than the horizon, started in any order: nothing is lost", () => {
  const fleet = new Fleet(3);
  fleet.copies.forEach((copy, i) => copy.write("setting", `s${i}`, { i }));
  fleet.settle();
  const [a, b, c] = fleet.copies as [Copy, Copy, Copy];
  c.write("setting", "last", { only: "here" });
  a.write("setting", "s0", null);
  fleet.now += 20 * DAY;
  for (const copy of [c, a, b]) {
    copy.boot();
    prune(copy);
  }
  fleet.settle();
  for (const copy of fleet.copies) {
    assert.deepEqual(copy.core.list("setting").map(({ id }) => id), ["last", "s1", "s2"]);
  }
});

Deno.test("an own record is renewed daily, and forgotten by the others when its owner is gone", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  a.write("server", a.node, { state: "READY" });
  days(fleet, 10, [a, b]);
  assert.equal(b.core.list("server").length, 1);
  const old = b.core.get("server", a.node)!;
  days(fleet, 15, [b]);
  assert.equal(b.core.list("server").length, 0);
  const late = fleet.add();
  late.pull(b);
  gossip(late, b, old);
  assert.equal(late.core.list("server").length, 0);
});

Deno.test("a server whose clock is a year ahead takes nothing for expired before it has heard another clock", () => {
  const fleet = new Fleet(1);
  const [a] = fleet.copies as [Copy];
  a.write("server", a.node, { state: "READY" });
  const dreamer = fleet.add();
  dreamer.skew = YEAR;
  gossip(dreamer, a, a.core.get("server", a.node)!);
  assert.equal(dreamer.core.list("server").length, 1);
});

Deno.test("an answer claims nothing when it holds what cannot be taken: that may stand for what the claim covers", () => {
  const fleet = new Fleet(3);
  const [a, b] = fleet.copies as [Copy, Copy];
  a.write("server", a.node, { state: "JOINING" });
  fleet.settle();
  const log = logKey(a.core.get("server", a.node)!);
  a.write("server", a.node, { state: "READY" });
  a.skew = YEAR;
  a.boot();
  a.write("server", a.node, { state: "DRAINING" });
  const before = b.core.digest()[log] ?? 0;
  b.pull(a);
  assert.equal(b.core.digest()[log] ?? 0, before, "it has not seen that this server was ready");
  a.skew = 0;
  fleet.settle();
  assert.deepEqual(b.core.get("server", a.node)?.value, { state: "DRAINING" });
});

Deno.test("what was stamped anew loses against what the wrong stamp had won over, everywhere, and is shown", () => {
  const fleet = new Fleet(3);
  const [a, b, c] = fleet.copies as [Copy, Copy, Copy];
  fleet.settle();
  b.skew = 4 * 3600_000;
  b.write("setting", "x", { by: "b, four hours ahead" });
  fleet.settle();
  a.skew = YEAR;
  a.boot();
  a.write("setting", "x", { by: "a, a year ahead" });
  b.skew = a.skew = 0;
  fleet.settle();
  for (const copy of [a, b, c]) {
    assert.deepEqual(value(copy, "x"), { by: "b, four hours ahead" });
    assert.deepEqual(copy.core.losers("setting", "x").map((entry) => entry.value), [{ by: "a, a year ahead" }]);
  }
  assert.equal(new Set(fleet.copies.map(({ core }) => core.hash())).size, 1);
});

Deno.test("a restored disk never uses a version again", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  a.write("setting", "s1", { n: 1 });
  const old = a.snapshot();
  a.write("setting", "s2", { n: 2 });
  fleet.meet(a, b);
  a.disk = old;
  a.boot();
  a.write("setting", "s3", { n: 3 });
  assert.notEqual(a.core.get("setting", "s3")?.store, b.core.get("setting", "s2")?.store);
  fleet.meet(a, b);
  assert.deepEqual(b.core.list("setting").map(({ id }) => id), ["s1", "s2", "s3"]);
  assert.equal(a.core.hash(), b.core.hash());
});

Deno.test("a machine that runs on as a copy begins another incarnation when it hears of itself", () => {
  const fleet = new Fleet(3);
  const [a, b, c] = fleet.copies as [Copy, Copy, Copy];
  a.write("setting", "s1", { n: 1 });
  const store = a.core.get("setting", "s1")!.store;
  // A loser stays in the log that will mean two things.
  a.write("setting", "s2", { by: "a" });
  gossip(b, a, a.core.get("setting", "s2")!);
  b.write("setting", "s2", { by: "b" });
  gossip(a, b, b.core.get("setting", "s2")!);
  // What the other machine wrote after it was copied.
  const theirs = [3, 4, 5].map((version) => signed(a, { id: `theirs${version}`, store, version }));
  gossip(b, a, a.core.get("setting", "s1")!, ...theirs);
  for (const id of ["mine3", "mine4"]) a.write("setting", id, { n: 2 });
  gossip(c, a, ...["s1", "mine3", "mine4"].map((id) => a.core.get("setting", id)!), ...a.core.losers("setting", "s2"));
  a.pull(b);
  a.pull(c);
  fleet.settle();
  fleet.settle();
  assert.ok(a.counted("catalogRestarts") > 0);
  assert.notEqual(a.core.get("setting", "mine3")?.store, store);
  for (const copy of fleet.copies) {
    const ids = copy.core.list("setting").map(({ id }) => id);
    assert.deepEqual(ids, ["mine3", "mine4", "s1", "s2", "theirs3", "theirs4", "theirs5"]);
  }
  assert.equal(new Set(fleet.copies.map((copy) => copy.core.hash())).size, 1);
});

Deno.test("a member that lies about others is refused and counted", () => {
  const fleet = new Fleet(3);
  const [a, b, c] = fleet.copies as [Copy, Copy, Copy];
  const health = { state: "STOPPED" };
  const proof = proofOf("agent-x", c.node, 5);
  const lies: [string, Entry, string][] = [
    ["another's record", signed(b, { kind: "server", id: c.node, value: health }), "catalogLies"],
    ["another's name", { ...signed(b, {}), writer: c.node, stamp: formatStamp(b.now, 0, c.node) }, "catalogForged"],
    ["changed on the way", { ...signed(b, {}), value: { n: 2 } }, "catalogForged"],
    ["another key", { ...signed(b, {}), id: "y" }, "catalogForged"],
    ["an agent without proof", agentEntry(b, b.node, 5, "{}"), "catalogLies"],
    ["another's agent", agentEntry(b, c.node, 5, proof), "catalogLies"],
    ["another's agent as its own", agentEntry(b, b.node, 5, proof), "catalogLies"],
    ["a higher epoch", agentEntry(b, c.node, 6, proof), "catalogLies"],
    ["another agent's proof", agentEntry(b, c.node, 5, proofOf("agent-y", c.node, 5)), "catalogLies"],
    ["a removal that is none", signed(b, { kind: "revocation", id: "k", value: null }), "catalogLies"],
    ["too large", signed(b, { value: { text: "x".repeat(70_000) } }), "catalogLies"],
    [
      "a key that is not the agent's",
      signed(b, {
        kind: "agentKey",
        id: "agent-x",
        value: { key: b.key.public.jwk.x, state: "enrolled" },
      }),
      "catalogLies",
    ],
    ["another text's hash", signed(b, { kind: "script", id: "sha256-00", value: { text: "1" } }), "catalogLies"],
  ];
  for (const [what, entry, counted] of lies) {
    gossip(a, b, entry);
    assert.equal(a.counted(counted), 1, what);
    assert.equal(a.core.size().records, 0, what);
    a.boot();
    a.disk = memoryEngine();
    a.boot();
  }
});

function agentEntry(by: Copy, holder: string, epoch: number, proof: string): Entry {
  return signed(by, { kind: "agent", id: "agent-x", value: { holder, epoch, proof } });
}

Deno.test("what an unknown server wrote is refused, and comes again once its key is known", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  const hidden = new Set([a.node]);
  const late = fleet.add({
    keyOf: (node) => hidden.has(node) ? undefined : [a, b].find((c) => c.node === node)!.key.public,
  });
  a.write("setting", "x", { n: 1 });
  b.write("setting", "y", { n: 2 });
  fleet.meet(a, b);
  late.pull(b);
  assert.equal(late.counted("catalogUnknownWriter"), 1);
  assert.deepEqual(late.core.list("setting").map(({ id }) => id), ["y"]);
  hidden.clear();
  late.pull(b);
  assert.equal(late.core.hash(), b.core.hash());
});

Deno.test("a server's statement brings the key that its entries are checked with", () => {
  const fleet = new Fleet(1);
  const [a] = fleet.copies as [Copy];
  const readStatement = (jws: string) => jws === "statement of a" ? { node: a.node, key: a.key.public } : undefined;
  const writer = fleet.add({ readStatement });
  const stranger = fleet.add({ readStatement, keyOf: () => undefined });
  const entry = signed(a, { kind: "node", id: a.node, value: { statement: "statement of a" }, version: 2 });
  gossip(stranger, writer, signed(a, {}), entry);
  assert.deepEqual(value(stranger, "x"), { n: 1 });
  gossip(stranger, writer, signed(a, { kind: "node", id: a.node, value: { statement: "none" }, version: 3 }));
  assert.equal(stranger.counted("catalogLies"), 1);
});

Deno.test("what was left out of an answer is not claimed with it, and comes again", () => {
  const fleet = new Fleet(3);
  const [a, b, c] = fleet.copies as [Copy, Copy, Copy];
  for (const id of ["x", "y"]) a.write("setting", id, { n: 1 });
  b.pull(a);
  const answer = b.answer(c, c.core.ask(b.node, c.now))!;
  const entries = answer.entries.map((entry) => entry.version === 1 ? { ...entry, value: { n: 9 } } : entry);
  c.hear(b, { ...answer, entries });
  assert.deepEqual(c.core.list("setting").map(({ id }) => id), ["y"]);
  assert.deepEqual(c.core.digest(), {});
  c.pull(b);
  assert.equal(c.core.hash(), a.core.hash());
});

Deno.test("nobody can claim more of a log than its writer signed", () => {
  const fleet = new Fleet(3);
  const [a, b, c] = fleet.copies as [Copy, Copy, Copy];
  b.write("setting", "x", { n: 1 });
  a.pull(b);
  const log = logKey(b.core.get("setting", "x")!);
  a.hear(c, { entries: [], upTo: { [log]: 1e15 }, clock: NOW, mark: 1, pruned: 0 });
  assert.equal(a.core.digest()[log], 1);
  b.write("setting", "x", { n: 2 });
  a.pull(b);
  assert.deepEqual(value(a, "x"), { n: 2 });
});

Deno.test("who only says that an own log is ahead makes it begin anew at most once a minute", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  a.write("setting", "x", { n: 1 });
  for (let i = 0; i < 50; i++) {
    fleet.now += 1000;
    const [log] = Object.keys(a.core.digest()).sort().reverse() as [string];
    a.answer(b, { digest: { [log]: 1e9 }, clock: fleet.now });
    a.write("setting", "x", { i });
  }
  assert.equal(a.counted("catalogRestarts"), 1);
  fleet.settle();
  assert.equal(a.core.hash(), b.core.hash());
});

Deno.test("a kind of a newer version is held and passed on", () => {
  const fleet = new Fleet(3);
  const [a, b, c] = fleet.copies as [Copy, Copy, Copy];
  gossip(b, a, signed(a, { kind: "futureThing" }));
  c.pull(b);
  assert.deepEqual(value(c, "x", "futureThing"), { n: 1 });
  const refused = c.write("futureThing", "y", {}).find((effect) => effect.do === "refused");
  assert.equal(refused?.error.code, "input.invalid");
});

Deno.test("a damaged row is left out and said; the rest is there", () => {
  const [a] = new Fleet(1).copies as [Copy];
  a.write("setting", "x", { n: 1 });
  a.write("setting", "y", { n: 2 });
  a.disk.commit([{ op: "put", table: "catalogRecords", key: "setting/x", row: { entry: [1], at: 0, seq: 1 } }]);
  a.effects.length = 0;
  a.boot();
  assert.deepEqual(a.core.list("setting").map(({ id }) => id), ["y"]);
  assert.ok(a.effects.some((effect) => effect.do === "log" && effect.level === "error"));
});

Deno.test("no input makes the door throw anything but a coded error", () => {
  const [a] = new Fleet(1).copies as [Copy];
  a.write("setting", "x", { n: 1 });
  const good = JSON.stringify(deltaJson({ entries: [a.core.get("setting", "x")!], upTo: a.core.digest() } as Delta));
  const mutated = fc.tuple(fc.nat(good.length), fc.nat(20), fc.string({ maxLength: 8 })).map(([at, cut, text]) =>
    good.slice(0, at) + text + good.slice(at + cut)
  );
  const input = fc.oneof(fc.json(), fc.anything(), mutated, fc.constant(good));
  fc.assert(
    fc.property(input, (json) => {
      for (const parse of [parseDelta, parseQuestion]) {
        try {
          const read = parse(json);
          if ("entries" in read) a.hear(a, read);
        } catch (cause) {
          assert.ok(cause instanceof JabberError && cause.code.startsWith("frame."), String(cause));
        }
      }
    }),
    { seed: 4217, numRuns: 500 },
  );
  assert.deepEqual(a.core.list("setting").map(({ id }) => id), ["x"]);
});

Deno.test("what is signed is the same bytes after any number of readings", () => {
  const [copy] = new Fleet(1).copies as [Copy];
  const part = fc.jsonValue({ maxDepth: 4 });
  fc.assert(
    fc.property(fc.dictionary(fc.string(), part), (object) => {
      const held = normalised(JSON.parse(JSON.stringify(object)));
      const again = readTuple(JSON.parse(JSON.stringify(entryTuple(signed(copy, { value: held })))));
      assert.equal(JSON.stringify(again?.value), JSON.stringify(held));
    }),
    { seed: 4217, numRuns: 100 },
  );
});

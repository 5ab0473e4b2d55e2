import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { type Copy, Fleet, proofOf } from "./testing.ts";

const value = (copy: Copy, id: string, kind = "setting") => copy.core.get(kind, id)?.value ?? null;
const kindsOf = (effects: readonly { do: string }[]) => effects.map((effect) => effect.do);

Deno.test("a write is told, gossiped and listed only once it is durable", () => {
  const [copy] = new Fleet(1).copies as [Copy];
  copy.slow = true;
  const before = copy.write("setting", "a", { n: 1 });
  assert.deepEqual(kindsOf(before), ["persist"]);
  assert.equal(value(copy, "a"), null);
  assert.deepEqual(copy.core.digest(), {});
  const after = copy.land();
  assert.deepEqual(kindsOf(after), ["changed", "written", "gossip"]);
  assert.deepEqual(value(copy, "a"), { n: 1 });
  assert.deepEqual(Object.values(copy.core.digest()), [1]);
});

Deno.test("what is missing moves, once, and copies become equal", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  for (let i = 0; i < 20; i++) a.write("setting", `a${i}`, { i });
  b.write("setting", "b", { b: true });
  assert.notEqual(a.core.hash(), b.core.hash());
  fleet.meet(a, b);
  assert.equal(a.core.hash(), b.core.hash());
  assert.equal(b.core.list("setting").length, 21);
  assert.deepEqual(a.core.digest(), b.core.digest());
  assert.equal(a.answer(b, b.core.ask(a.node, b.now))?.entries.length, 0);
});

Deno.test("a copy that was booted again is what it was, and writes in another incarnation", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  a.write("setting", "x", { n: 1 });
  b.write("setting", "y", { n: 2 });
  fleet.meet(a, b);
  const hash = a.core.hash();
  const digest = a.core.digest();
  a.boot();
  assert.equal(a.core.hash(), hash);
  assert.deepEqual(a.core.digest(), digest);
  a.write("setting", "x", { n: 3 });
  assert.equal(Object.keys(a.core.digest()).length, 2, "the old log holds nothing any more and is not told");
  fleet.meet(a, b);
  assert.equal(a.core.hash(), b.core.hash());
  assert.deepEqual(value(b, "x"), { n: 3 });
});

Deno.test("of two writes without knowledge of each other the loser is shown everywhere", () => {
  const fleet = new Fleet(3);
  const [a, b, c] = fleet.copies as [Copy, Copy, Copy];
  a.write("setting", "x", { by: "a" });
  fleet.now += 5;
  b.write("setting", "x", { by: "b" });
  fleet.settle();
  for (const copy of [a, b, c]) {
    assert.deepEqual(value(copy, "x"), { by: "b" });
    assert.deepEqual(copy.core.losers("setting", "x").map((entry) => entry.value), [{ by: "a" }]);
  }
});

Deno.test("a commit that fails is told to its writer, and leaves no trace", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  a.slow = true;
  a.write("setting", "x", { n: 1 });
  const told = a.fail();
  assert.deepEqual(told.map((effect) => effect.do), ["count", "refused"]);
  assert.equal(value(a, "x"), null);
  a.boot();
  a.slow = false;
  a.write("setting", "y", { n: 2 });
  fleet.meet(a, b);
  assert.deepEqual(b.core.list("setting").map((entry) => entry.id), ["y"]);
  assert.deepEqual(a.core.digest(), b.core.digest());
});

Deno.test("a version that was given to a failed commit is never used again, and the log is complete past it", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  a.slow = true;
  a.write("setting", "x", { n: 1 });
  a.fail();
  a.slow = false;
  a.write("setting", "y", { n: 2 });
  assert.equal(a.core.get("setting", "y")?.version, 2);
  fleet.meet(a, b);
  assert.deepEqual(Object.values(b.core.digest()), [2]);
});

Deno.test("an answer is cut to its size, and claims nothing before its last part", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  const text = "x".repeat(40_000);
  for (let i = 0; i < 20; i++) a.write("setting", `s${i}`, { text });
  const parts: number[] = [];
  for (let again = true; again;) {
    const delta = a.answer(b, b.core.ask(a.node, b.now))!;
    const bytes = JSON.stringify(delta).length;
    assert.ok(bytes < LIMITS.catalogDeltaBytesMax * 1.1, `${bytes} bytes`);
    assert.equal(Object.keys(delta.upTo).length > 0, delta.next === undefined);
    parts.push(delta.entries.length);
    again = b.hear(a, delta).some((effect) => effect.do === "merged" && effect.again);
  }
  assert.ok(parts.length >= 4, parts.join());
  assert.equal(a.core.hash(), b.core.hash());
});

Deno.test("a last part that comes without those before it makes nobody believe it has everything", () => {
  const fleet = new Fleet(3);
  const [a, b, c] = fleet.copies as [Copy, Copy, Copy];
  const text = "x".repeat(60_000);
  c.write("setting", "first", { text });
  a.pull(c);
  // Replaced by another writer: of the old log nothing is left that could be sent.
  fleet.now += 10;
  for (let i = 0; i < 5; i++) a.write("setting", `s${i}`, { text });
  a.write("setting", "first", { text: "new" });
  const first = a.answer(b, b.core.ask(a.node, b.now))!;
  const last = a.answer(b, { ...b.core.ask(a.node, b.now), after: first.next! })!;
  assert.equal(last.next, undefined);
  b.hear(a, last);
  const claimed = b.core.digest();
  for (const entry of first.entries) {
    assert.ok((claimed[`${entry.writer}/${entry.store}`] ?? 0) < entry.version, "nothing of the first part is claimed");
  }
  b.pull(a);
  assert.equal(a.core.hash(), b.core.hash());
});

Deno.test("what fits no datagram is told as news, and goes by comparison", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  const effects = a.write("setting", "large", { text: "x".repeat(5000) });
  assert.equal(effects.some((effect) => effect.do === "gossip"), false);
  const news = effects.find((effect) => effect.do === "news");
  assert.deepEqual(news, { do: "news", digest: a.core.digest() });
  b.pull(a);
  assert.equal(a.core.hash(), b.core.hash());
});

Deno.test("gossip goes on from who heard it, once, and fits a datagram", () => {
  const fleet = new Fleet(3);
  const [a, b, c] = fleet.copies as [Copy, Copy, Copy];
  for (let i = 0; i < 5; i++) a.write("setting", `s${i}`, { text: "x".repeat(300) });
  const deltas = a.takeGossip();
  b.slow = true;
  for (const delta of deltas) assert.equal(b.hear(a, delta).some((effect) => effect.do === "gossip"), false);
  b.slow = false;
  while (b.land().length > 0);
  const onwards = b.takeGossip();
  assert.ok(onwards.length > 0 && onwards.every((delta) => JSON.stringify(delta.entries).length < 2 * 1300));
  for (const delta of [...onwards, ...deltas]) c.hear(b, delta);
  assert.equal(c.core.hash(), a.core.hash());
  assert.equal(c.counted("catalogDuplicates"), 5);
});

Deno.test("a full queue refuses writes and drops deltas, and the deltas come again", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  const text = "x".repeat(60_000);
  b.write("setting", "theirs", { text });
  a.slow = true;
  let refused = 0;
  for (let i = 0; i < 400; i++) {
    for (const effect of a.write("setting", `s${i}`, { text })) {
      if (effect.do === "refused") refused++;
    }
  }
  assert.ok(refused > 0);
  assert.equal(a.pull(b), false);
  assert.equal(a.counted("catalogDeltasDropped") > 0, true);
  a.slow = false;
  while (a.land().length > 0);
  assert.ok(a.pull(b));
  assert.deepEqual(value(a, "theirs"), { text });
  assert.equal(a.core.list("setting").length, 401 - refused);
});

Deno.test("who holds an agent goes by its epoch, not by clocks", () => {
  const fleet = new Fleet(3);
  const [a, b, c] = fleet.copies as [Copy, Copy, Copy];
  a.skew = 3 * 3600_000;
  b.write("agent", "agent-x", { holder: b.node, epoch: 8, proof: proofOf("agent-x", b.node, 8) });
  a.write("agent", "agent-x", { holder: a.node, epoch: 7, proof: proofOf("agent-x", a.node, 7) });
  fleet.settle();
  assert.equal(value(c, "agent-x", "agent")?.["holder"], b.node);
  const late = a.write("agent", "agent-x", { holder: a.node, epoch: 7, proof: proofOf("agent-x", a.node, 7) });
  assert.equal(late.find((effect) => effect.do === "refused")?.error.code, "input.conflict");
});

Deno.test("an agent that is gone is listed no more, and is back when it connects again", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  const held = (epoch: number) => ({ holder: a.node, epoch, proof: proofOf("agent-x", a.node, epoch) });
  a.write("agent", "agent-x", held(1));
  fleet.meet(a, b);
  b.write("agent", "agent-x", { ...held(1), gone: true });
  fleet.meet(a, b);
  assert.equal(a.core.list("agent").length, 0);
  a.write("agent", "agent-x", held(2));
  fleet.meet(a, b);
  assert.equal(b.core.list("agent").length, 1);
});

Deno.test("removing an agent wins over letting it in, whatever the clocks say", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  const id = b.node.replace("node-", "agent-");
  const key = b.key.public.jwk.x;
  a.skew = 5 * 3600_000;
  b.write("agentKey", id, { key, state: "removed" });
  a.write("agentKey", id, { key, state: "enrolled" });
  fleet.settle();
  for (const copy of [a, b]) assert.equal(value(copy, id, "agentKey")?.["state"], "removed");
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { LIMITS } from "../base/limits.ts";
import { formatStamp, Hlc, isStamp, Peers, stampMark, stampNode, stampTime } from "./hlc.ts";

const NOW = Date.UTC(2026, 10, 20, 12);
const HOUR = 3600_000;
const YEAR = 365 * 24 * HOUR;

/** A server's clock whose wall clock is off by so much. */
function server(node: string, skew = 0) {
  const peers = new Peers();
  return { node, peers, skew, hlc: new Hlc(node, peers) };
}
type Server = ReturnType<typeof server>;

/** Everybody hears everybody's reading. */
function tellAll(servers: readonly Server[], now: number): void {
  const readings = servers.map(({ hlc, skew }) => hlc.reading(now + skew));
  for (const one of servers) {
    servers.forEach((other, i) => {
      if (other !== one) one.peers.heard(other.node, readings[i]!, now + one.skew);
    });
  }
}

Deno.test("stamps sort as text as they do by time, counter and node", () => {
  const ms = fc.integer({ min: 0, max: 0xffff_ffff_ffff });
  const part = fc.tuple(ms, fc.integer({ min: 0, max: 0xffff }), fc.constantFrom("node-a", "node-b", "node-c"));
  fc.assert(fc.property(part, part, (a, b) => {
    const [x, y] = [formatStamp(...a), formatStamp(...b)];
    const byParts = a[0] - b[0] || a[1] - b[1] || (a[2] < b[2] ? -1 : a[2] > b[2] ? 1 : 0);
    assert.equal(Math.sign(byParts), x < y ? -1 : x > y ? 1 : 0);
    assert.ok(isStamp(x));
    assert.deepEqual([stampTime(x), stampMark(x).counter, stampNode(x)], a);
  }));
});

Deno.test("a text that is no stamp is none", () => {
  const good = formatStamp(NOW, 3, "node-a");
  for (
    const bad of ["", good.toUpperCase(), good.slice(1), `${good} `, good.replace("-", "_"), `${good}/x`, `-${good}`]
  ) {
    assert.equal(isStamp(bad), false, bad);
  }
});

Deno.test("stamps rise whatever the clock does, and lie above what was observed", () => {
  const step = fc.oneof(
    fc.record({ jump: fc.integer({ min: -YEAR, max: YEAR }) }),
    fc.record({ seen: fc.integer({ min: -HOUR, max: HOUR }), counter: fc.integer({ min: 0, max: 0xffff }) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
    const hlc = new Hlc("node-a", new Peers());
    let last = hlc.next(NOW);
    let now = NOW;
    for (const one of steps) {
      if ("jump" in one) now = Math.max(0, now + one.jump);
      else {
        const seen = formatStamp(Math.max(0, now + one.seen), one.counter, "node-b");
        assert.ok(hlc.observe(seen, now));
        if (seen > last) last = seen;
      }
      const next = hlc.next(now);
      assert.ok(next > last, `${next} after ${last}`);
      last = next;
    }
  }));
});

Deno.test("a full counter goes on in the next millisecond", () => {
  const hlc = new Hlc("node-a", new Peers(), { ms: NOW, counter: 0xffff });
  assert.equal(hlc.next(NOW), formatStamp(NOW + 1, 0, "node-a"));
});

Deno.test("the clock does not go back over a restart", () => {
  const before = new Hlc("node-a", new Peers());
  const last = before.next(NOW);
  const after = new Hlc("node-a", new Peers(), before.mark());
  assert.ok(after.next(NOW - HOUR) > last);
});

Deno.test("clocks hours apart take each other's stamps, and order is that of knowledge", () => {
  const [a, b, c] = [server("a"), server("b", -3 * HOUR), server("c", 5 * HOUR)];
  tellAll([a, b, c], NOW);
  const first = c.hlc.next(NOW + c.skew);
  assert.ok(b.hlc.observe(first, NOW + b.skew));
  const second = b.hlc.next(NOW + b.skew);
  assert.ok(a.hlc.observe(second, NOW));
  assert.ok(first < second && second < a.hlc.next(NOW));
});

Deno.test("one clock a year ahead carries nobody away, and stamps with the others' time once it knows it", () => {
  const [a, b, c] = [server("a"), server("b"), server("c", YEAR)];
  const alone = c.hlc.next(NOW + c.skew);
  tellAll([a, b, c], NOW);
  for (const one of [a, b]) {
    assert.equal(one.hlc.observe(alone, NOW), false);
    assert.ok(stampTime(one.hlc.next(NOW)) <= NOW);
  }
  assert.ok(c.hlc.isLost(NOW + c.skew));
  c.hlc.reset(NOW + c.skew);
  const mended = c.hlc.next(NOW + c.skew);
  assert.ok(Math.abs(stampTime(mended) - NOW) <= LIMITS.clockAheadMsMax);
  assert.ok(a.hlc.observe(mended, NOW) && b.hlc.observe(mended, NOW));
});

Deno.test("with two clocks nobody is outvoted: each believes its own", () => {
  const [a, b] = [server("a"), server("b", YEAR)];
  tellAll([a, b], NOW);
  const ahead = b.hlc.next(NOW + YEAR);
  assert.equal(a.hlc.observe(ahead, NOW), false);
  assert.ok(b.hlc.observe(a.hlc.next(NOW), NOW + YEAR));
  assert.equal(b.hlc.isLost(NOW + YEAR), false);
  b.skew = 0;
  tellAll([a, b], NOW);
  assert.ok(b.hlc.isLost(NOW), "both clocks there are say so now");
});

Deno.test("a cluster whose clocks were all wrong goes on from there when they are set one by one", () => {
  const all = [server("a", YEAR), server("b", YEAR), server("c", YEAR)];
  for (const one of all) one.hlc.next(NOW + one.skew);
  for (const fixed of all) {
    fixed.skew = 0;
    tellAll(all, NOW);
    for (const one of all) {
      assert.equal(one.hlc.isLost(NOW + one.skew), false);
      const stamp = one.hlc.next(NOW + one.skew);
      for (const other of all) assert.ok(other.hlc.observe(stamp, NOW + other.skew));
    }
  }
});

Deno.test("what is to be forgotten waits for the slower of two clocks", () => {
  const peers = new Peers();
  peers.heard("b", NOW - YEAR, NOW);
  assert.equal(peers.cautious(NOW), NOW - YEAR);
  peers.heard("b", NOW + YEAR, NOW);
  assert.equal(peers.cautious(NOW), NOW);
});

Deno.test("a leap of the own clock is told from the others' by nobody but oneself", () => {
  const one = server("a");
  one.peers.heard("b", NOW, NOW);
  one.peers.heard("c", NOW, NOW);
  one.peers.leapt(YEAR);
  assert.equal(one.peers.trusted(NOW + YEAR), NOW);
  assert.equal(one.peers.cautious(NOW + YEAR), NOW);
});

Deno.test("only so many peers are remembered", () => {
  const peers = new Peers();
  for (let i = 0; i < LIMITS.catalogPeersMax; i++) peers.heard(`old${i}`, NOW + YEAR, NOW);
  for (let i = 0; i < LIMITS.catalogPeersMax; i++) peers.heard(`new${i}`, NOW, NOW);
  assert.equal(peers.time(NOW, NOW), NOW);
});

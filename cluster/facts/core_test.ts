import assert from "node:assert/strict";
import fc from "fast-check";
import { LIMITS } from "../../base/limits.ts";
import { randomBelow, type Rng, seededRng } from "../../base/rng.ts";
import type { Fact, FactEffect, FactMessage, FactsCore } from "./contract.ts";
import { createFacts } from "./core.ts";
import { encodeFact } from "./message.ts";
import { hopsFor, receivers, ttlFor } from "./spread.ts";

const NOW = Date.UTC(2026, 10, 20);
const RUNS = { seed: 7, numRuns: 60 };

interface Packet {
  from: string;
  to: string;
  message: FactMessage;
  bytes: Uint8Array;
  /** How many forwards it has seen, its own included. */
  hop: number;
}

/** Members that agree on who is there, and a net between them that loses and delays as it is told. */
class Net {
  readonly nodes = new Map<string, FactsCore>();
  readonly rng: Rng;
  inFlight: Packet[] = [];
  sent = 0;
  /** Member → the hop at which it learned the last fact. */
  readonly hops = new Map<string, number>();

  constructor(size: number, seed: number) {
    this.rng = seededRng(seed);
    const names = Array.from({ length: size }, (_, n) => `node-${n}`);
    for (const [n, self] of names.entries()) {
      const node = createFacts({ self, endpoint: { address: "127.0.0.1", port: 7000 + n }, rng: seededRng(n) });
      node.step({ type: "members", names }, NOW);
      this.nodes.set(self, node);
    }
  }

  set(self: string, name: string, value: string, origin?: string): void {
    const effects = this.nodes.get(self)!.step({ type: "set", name, value, ...(origin && { origin }) }, NOW);
    this.#send(self, effects, 1);
  }

  /** Packets in the order they were sent, which is that of equal delays; or in any order. */
  run(order: "fifo" | "any", loss = 0): void {
    while (this.inFlight.length > 0) {
      const at = order === "fifo" ? 0 : randomBelow(this.rng, this.inFlight.length);
      const [packet] = this.inFlight.splice(at, 1);
      const { from, to, bytes, message, hop } = packet!;
      if (this.rng.float() < loss) continue;
      const effects = this.nodes.get(to)!.step({ type: "message", from, bytes }, NOW);
      if (effects.some((effect) => effect.do === "learned")) this.hops.set(to, hop);
      for (const effect of effects) {
        if (effect.do === "tell") assert.ok(effect.message.ttl < message.ttl, "a TTL falls at each forward");
      }
      this.#send(to, effects, hop + 1);
    }
  }

  values(origin: string, name: string): (string | undefined)[] {
    return [...this.nodes.values()].map((node) => node.get(origin, name)?.value);
  }

  #send(from: string, effects: readonly FactEffect[], hop: number): void {
    for (const effect of effects) {
      if (effect.do !== "tell") continue;
      this.sent++;
      this.inFlight.push({ from, to: effect.member, message: effect.message, bytes: effect.bytes, hop });
    }
  }
}

const fact = (more: Partial<Fact> = {}): Fact => ({
  origin: "jimmy",
  by: "jimmy",
  name: "book",
  value: "gatsby",
  version: 1,
  uuid: "01KAFM0000000000000000000A",
  address: "196.18.1.0",
  port: 80,
  ...more,
});

function nodeAmong(...names: string[]): FactsCore {
  const node = createFacts({ self: "tod", endpoint: { address: "127.0.0.1", port: 82 }, rng: seededRng(1) });
  node.step({ type: "members", names }, NOW);
  return node;
}

const told = (effects: readonly FactEffect[]) => effects.flatMap((one) => one.do === "tell" ? [one] : []);
const hear = (node: FactsCore, message: FactMessage, now = NOW) =>
  node.step({ type: "message", from: message.fact.by, bytes: encodeFact(message) }, now);

Deno.test("a fact reaches everybody within the hops it needs, with not one message more than members × fan-out", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer(), (size, seed) => {
      const net = new Net(size, seed);
      net.set("node-0", "book", "gatsby");
      net.run("fifo");
      assert.deepEqual(new Set(net.values("node-0", "book")), new Set(["gatsby"]));
      assert.ok(Math.max(0, ...net.hops.values()) <= hopsFor(size), "within ⌈log_k n⌉ hops");
      assert.ok(net.sent <= size * LIMITS.factFanOut);
    }),
    RUNS,
  );
});

Deno.test("32 members hear within two hops", () => {
  assert.equal(hopsFor(32), 2);
  for (let seed = 0; seed < 20; seed++) {
    const net = new Net(32, seed);
    net.set(`node-${seed}`, "book", "gatsby");
    net.run("fifo");
    assert.equal(Math.max(...net.hops.values()), 2);
  }
});

Deno.test("a fact reaches everybody in whatever order its messages come", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 120 }), fc.integer(), (size, seed) => {
      const net = new Net(size, seed);
      net.set("node-1", "book", "gatsby");
      net.run("any");
      assert.deepEqual(new Set(net.values("node-1", "book")), new Set(["gatsby"]));
      assert.ok(net.sent <= size * LIMITS.factFanOut);
    }),
    RUNS,
  );
});

Deno.test("one packet lost in five leaves hardly anybody out", () => {
  let missed = 0;
  for (let seed = 0; seed < 100; seed++) {
    const net = new Net(32, seed);
    net.set("node-0", "book", "gatsby");
    net.run("any", 0.2);
    missed += net.values("node-0", "book").filter((value) => value === undefined).length;
  }
  assert.ok(missed <= 5, `${missed} of 3,100`);
});

Deno.test("members that set one fact at once end with the same value, wherever and in whatever order they hear", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 40 }), fc.integer(), (size, seed) => {
      const net = new Net(size, seed);
      for (let n = 0; n < size; n += 3) net.set(`node-${n}`, "book", `by ${n}`, "jimmy");
      net.run("any");
      assert.equal(new Set(net.values("jimmy", "book")).size, 1);
      assert.ok(net.sent <= Math.ceil(size / 3) * size * LIMITS.factFanOut);
    }),
    RUNS,
  );
});

Deno.test("whatever comes twice or late changes nothing", () => {
  const messages = fc.array(
    fc.record({
      version: fc.integer({ min: 1, max: 4 }),
      last: fc.constantFrom("A", "B", "C"),
      ttl: fc.integer({ min: 0, max: LIMITS.factTtlMax }),
    }),
    { minLength: 1, maxLength: 12 },
  );
  fc.assert(
    fc.property(messages, fc.integer(), (rows, seed) => {
      const all = rows.map(({ version, last, ttl }): FactMessage => {
        const uuid = `01KAFM000000000000000000${version}${last}`;
        return { fact: fact({ version, uuid, value: uuid }), ttl };
      });
      const rng = seededRng(seed);
      const ends = [all, [...all, ...all], [...all].sort(() => rng.float() - 0.5)].map((order) => {
        const node = nodeAmong("jimmy", "ann");
        for (const message of order) hear(node, message);
        return node.list();
      });
      assert.deepEqual(ends[1], ends[0]);
      assert.deepEqual(ends[2], ends[0]);
    }),
    RUNS,
  );
});

Deno.test("a message with TTL 0 is learned and not forwarded", () => {
  const names = Array.from({ length: 20 }, (_, n) => `n${n}`);
  for (const ttl of [0, 1, 5]) {
    const effects = hear(nodeAmong(...names), { fact: fact(), ttl });
    assert.ok(effects.some((effect) => effect.do === "learned"));
    assert.equal(told(effects).length > 0, ttl > 0);
    for (const { message } of told(effects)) assert.equal(message.ttl, ttl - 1);
  }
});

Deno.test("a message is not told to who told it, nor to its writer, nor to this member itself", () => {
  const node = nodeAmong("tod", "jimmy", "ann", "bob");
  const effects = node.step({ type: "message", from: "ann", bytes: encodeFact({ fact: fact(), ttl: 3 }) }, NOW);
  assert.deepEqual(told(effects).map(({ member }) => member), ["bob"]);
});

Deno.test("after its uuid is forgotten a message is older than what is known: it never goes round again", () => {
  const node = nodeAmong("jimmy", "ann");
  hear(node, { fact: fact(), ttl: 3 });
  const effects = hear(node, { fact: fact(), ttl: 3 }, NOW + LIMITS.factSeenMs);
  assert.deepEqual(told(effects), []);
  assert.deepEqual([node.counts().duplicate, node.counts().older], [0, 1]);
});

Deno.test("uuids and facts are bounded: the oldest uuid is forgotten, another fact is refused or dropped", () => {
  const node = nodeAmong("jimmy", "ann");
  const uuid = (n: number) => `01KAFM${String(n).padStart(20, "0")}`;
  for (let n = 0; n < LIMITS.factsMax; n++) hear(node, { fact: fact({ name: `f${n}`, uuid: uuid(n) }), ttl: 0 });
  assert.equal(node.list().length, LIMITS.factsMax);
  hear(node, { fact: fact({ name: "more", uuid: uuid(LIMITS.factsMax) }), ttl: 3 });
  assert.deepEqual([node.counts().full, node.get("jimmy", "more")], [1, undefined]);
  const [refused] = node.step({ type: "set", name: "mine", value: "x" }, NOW);
  assert.ok(refused?.do === "refused" && refused.error.code === "fact.full");
  assert.ok(node.step({ type: "set", origin: "jimmy", name: "f1", value: "x" }, NOW).some((one) => one.do === "set"));
  hear(node, { fact: fact({ name: "f0", uuid: uuid(0) }), ttl: 3 });
  assert.deepEqual([node.counts().duplicate, node.counts().older], [0, 1], "the first uuid is forgotten");
});

Deno.test("set() goes on from the version that is known, and says in whose name it speaks", () => {
  const node = nodeAmong("jimmy", "ann");
  hear(node, { fact: fact({ version: 7 }), ttl: 3 });
  const effects = node.step({ type: "set", origin: "jimmy", name: "book", value: "emma" }, NOW);
  const set = effects.find((effect) => effect.do === "set");
  assert.ok(set?.do === "set");
  assert.deepEqual(
    { ...set.fact, uuid: "" },
    fact({ value: "emma", version: 8, by: "tod", address: "127.0.0.1", port: 82, uuid: "" }),
  );
  assert.equal(told(effects)[0]!.message.ttl, ttlFor(3));
});

Deno.test("set() refuses names and values that no message can carry", () => {
  const node = nodeAmong("jimmy");
  const rows: [wanted: { origin?: string; name: string; value: string }, code: string][] = [
    [{ name: "", value: "x" }, "input.invalid"],
    [{ name: "a/b", value: "x" }, "input.invalid"],
    [{ name: "x".repeat(LIMITS.factNameCharsMax + 1), value: "x" }, "input.invalid"],
    [{ name: "a", value: "x", origin: "-" }, "input.invalid"],
    [{ name: "a", value: "x", origin: "a b" }, "input.invalid"],
    [{ name: "a", value: "x".repeat(LIMITS.factPayloadBytesMax) }, "fact.too_large"],
    // Six bytes each, as JSON.
    [{ name: "a", value: "\u0001".repeat(90) }, "fact.too_large"],
  ];
  for (const [wanted, code] of rows) {
    const effects = node.step({ type: "set", ...wanted }, NOW);
    assert.deepEqual(effects.map((one) => one.do === "refused" && one.error.code), [code], JSON.stringify(wanted));
  }
  assert.deepEqual(node.list(), []);
});

Deno.test("what the catalog holds is learned when it is news, and told to nobody", () => {
  const node = nodeAmong("jimmy", "ann");
  hear(node, { fact: fact({ version: 2 }), ttl: 3 });
  const facts = [fact({ version: 1, value: "old" }), fact({ name: "song", version: 5 })];
  const effects = node.step({ type: "healed", facts }, NOW);
  assert.deepEqual(effects.map((one) => one.do === "learned" && [one.how, one.fact.name]), [["healed", "song"]]);
  assert.equal(node.get("jimmy", "book")?.value, "gatsby");
});

Deno.test("receivers() gives every member as many tellers as it has receivers, another lot for each message", () => {
  const names = Array.from({ length: 50 }, (_, n) => `node-${n}`);
  const lots = new Set<string>();
  for (let n = 0; n < 10; n++) {
    const uuid = `01KAFM${String(n).padStart(20, "0")}`;
    const tellers = new Map<string, number>();
    for (const self of names) {
      const some = receivers(uuid, [...names].reverse(), self);
      assert.deepEqual(some, receivers(uuid, names, self), "the order of the list does not matter");
      for (const name of some) tellers.set(name, (tellers.get(name) ?? 0) + 1);
    }
    assert.deepEqual([...tellers.keys()].sort(), [...names].sort());
    for (const count of tellers.values()) assert.ok(count >= LIMITS.factFanOut - 1 && count <= LIMITS.factFanOut);
    lots.add(receivers(uuid, names, "node-0").join());
  }
  assert.equal(lots.size, 10);
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { randomBelow, type Rng, seededRng } from "../../base/rng.ts";
import { type MemoryEngine, memoryEngine } from "../../base/store/memory.ts";
import { formatStamp } from "../../wire/hlc.ts";
import { CATALOG_TABLES, type Delta, type Entry } from "./contract.ts";
import { entryKey, logKey } from "./entry.ts";
import { beats } from "./kinds.ts";
import { type Copy, Fleet, NOW, proofOf } from "./testing.ts";

/** The same on every machine; other seeds are for looking. */
const RUNS = { seed: 4217 };
const STORES = ["01KADQ3ZJ8V4M9T5W2X7Y0ABCD", "01KADQ3ZJ8V4M9T5W2X7Y0ABCE"];
const WRITERS = ["node-a", "node-b", "node-c"];
const RULES: Readonly<Record<string, fc.Arbitrary<object>>> = {
  setting: fc.record({ n: fc.integer({ min: 0, max: 3 }) }),
  agent: fc.record({ epoch: fc.integer({ min: 0, max: 3 }), gone: fc.constantFrom(true, undefined) }),
  agentKey: fc.record({ state: fc.constantFrom("pending", "enrolled", "removed") }),
  server: fc.record({ state: fc.constant("READY") }),
};

/** Entries of one key as `beats` meets them: within the rules of their kind. */
function entriesOf(kind: string): fc.Arbitrary<Entry> {
  const removable = kind === "setting" || kind === "server";
  return fc.record({
    writer: kind === "server" ? fc.constant("node-a") : fc.constantFrom(...WRITERS),
    store: fc.constantFrom(...STORES),
    version: fc.integer({ min: 1, max: 4 }),
    ms: fc.integer({ min: NOW, max: NOW + 3 }),
    value: removable ? fc.option(RULES[kind]!) : RULES[kind]!,
  }).map(({ writer, store, version, ms, value }): Entry => ({
    kind,
    id: "x",
    writer,
    store,
    version,
    stamp: formatStamp(ms, 0, writer),
    value: JSON.parse(JSON.stringify(value)),
    signature: "",
  }));
}

const isSame = (a: Entry, b: Entry) => a.version === b.version && logKey(a) === logKey(b);

for (const kind of Object.keys(RULES)) {
  Deno.test(`of any entries of a ${kind} the same one wins, in whatever order and grouping they are compared`, () => {
    const entry = entriesOf(kind);
    fc.assert(
      fc.property(entry, entry, entry, (a, b, c) => {
        assert.equal(beats(a, a), false);
        if (!isSame(a, b)) assert.notEqual(beats(a, b), beats(b, a));
        if (beats(a, b) && beats(b, c)) assert.ok(beats(a, c));
      }),
      { ...RUNS, numRuns: 500 },
    );
  });
}

/** What was ever durable at its writer. */
type Log = Map<string, Entry>;

/** A fleet under a schedule that a seed decides; notes every entry that becomes durable at its writer. */
class Trial {
  readonly fleet: Fleet;
  readonly rng: Rng;
  readonly written: Log = new Map();
  count = 0;
  /** Entries that a later write replaced knowingly. */
  readonly replaced = new Set<string>();
  readonly snapshots = new Map<Copy, MemoryEngine>();
  readonly inFlight: { from: Copy; delta: Delta }[] = [];

  constructor(seed: number, size: number) {
    this.fleet = new Fleet(size, seed);
    this.rng = seededRng(seed + 1);
    for (const copy of this.fleet.copies) copy.skew = randomBelow(this.rng, 4 * 3600_000) - 2 * 3600_000;
  }

  act(restores: boolean): void {
    const copy = this.any();
    const other = this.any();
    this.fleet.now += randomBelow(this.rng, 1000);
    const dice = randomBelow(this.rng, 100);
    if (dice < 35) this.write(copy);
    else if (dice < 45) { for (const delta of copy.takeGossip()) this.inFlight.push({ from: copy, delta }); }
    else if (dice < 60) this.deliver(other);
    else if (dice < 75 && other !== copy) copy.pull(other, 1 + randomBelow(this.rng, 3));
    else if (dice < 80) copy.slow = true;
    else if (dice < 88) {
      copy.slow = false;
      while (copy.land().length > 0);
    } else if (dice < 93) {
      // A crash before the commit, or between the commit and its answer.
      if (randomBelow(this.rng, 2) === 0) copy.land(true);
      copy.slow = false;
      copy.boot();
    } else if (dice < 96) this.snapshots.set(copy, copy.snapshot());
    else if (restores) this.restore(copy);
    this.note(copy);
    this.note(other);
  }

  /** In any order, twice, or never. */
  deliver(to: Copy): void {
    const at = randomBelow(this.rng, this.inFlight.length + 1);
    const message = this.inFlight[at];
    if (message === undefined) return;
    if (randomBelow(this.rng, 3) > 0) to.hear(message.from, message.delta);
    if (randomBelow(this.rng, 2) === 0) this.inFlight.splice(at, 1);
  }

  restore(copy: Copy): void {
    const disk = this.snapshots.get(copy);
    if (disk === undefined) return;
    copy.disk = disk;
    this.snapshots.delete(copy);
    copy.slow = false;
    copy.boot();
  }

  write(copy: Copy): void {
    const n = randomBelow(this.rng, 3);
    const before = copy.core.get("setting", `s${n}`);
    switch (randomBelow(this.rng, 6)) {
      case 0:
        copy.write("server", copy.node, { state: "READY", health: randomBelow(this.rng, 9) });
        break;
      case 1: {
        const epoch = randomBelow(this.rng, 20);
        const proof = proofOf(`agent-${n}`, copy.node, epoch);
        copy.write("agent", `agent-${n}`, { holder: copy.node, epoch, proof });
        break;
      }
      case 2:
        copy.write("revocation", `key-${n}`, { why: randomBelow(this.rng, 5) });
        break;
      case 3:
        copy.write("setting", `s${n}`, null);
        break;
      default:
        copy.write("setting", `s${n}`, { n: ++this.count });
    }
    // With a commit under way there may be more before it than can be seen here.
    if (before !== undefined && !copy.slow) this.replaced.add(before.signature);
  }

  /** Notes what became durable. */
  note(copy: Copy): void {
    for (const effect of copy.effects) {
      if (effect.do === "written") this.written.set(effect.entry.signature, effect.entry);
    }
    const { record, loser } = CATALOG_TABLES;
    for (const { row } of [record, loser].flatMap((table) => copy.disk.rows(table, { limit: Infinity }))) {
      const [kind, id, writer, store, version, stamp, value, signature] = row["entry"] as [
        string,
        string,
        string,
        string,
        number,
        string,
        Entry["value"],
        string,
      ];
      if (writer === copy.node) {
        this.written.set(signature, { kind, id, writer, store, version, stamp, value, signature });
      }
    }
  }

  /** Whatever a copy's digest covers, it holds, or something that wins over it. */
  checkTruth(): void {
    for (const copy of this.fleet.copies) {
      const digest = copy.core.digest();
      for (const entry of this.written.values()) {
        if ((digest[logKey(entry)] ?? 0) < entry.version) continue;
        const held = copy.core.get(entry.kind, entry.id);
        assert.ok(
          held !== undefined && (isSame(held, entry) || beats(held, entry)),
          `${copy.node} claims ${entryKey(entry)} ${entry.version} and holds ${JSON.stringify(held)}`,
        );
      }
    }
  }

  heal(): void {
    for (const copy of this.fleet.copies) {
      copy.slow = false;
      while (copy.land().length > 0);
      this.note(copy);
    }
    this.fleet.settle();
  }

  checkEqual(): void {
    const [first] = this.fleet.copies;
    for (const copy of this.fleet.copies) assert.equal(copy.core.hash(), first!.core.hash());
  }

  any(): Copy {
    return this.fleet.copies[randomBelow(this.rng, this.fleet.copies.length)]!;
  }
}

const seeds = fc.integer({ min: 0, max: 0x7fff_ffff });

Deno.test("copies tell the truth at every moment and end equal, under loss, repeats, crashes and restored disks", () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 2, max: 4 }), (seed, size) => {
      const trial = new Trial(seed, size);
      for (let i = 0; i < 60; i++) {
        trial.act(true);
        if (i % 5 === 0) trial.checkTruth();
      }
      trial.heal();
      trial.checkTruth();
      trial.checkEqual();
    }),
    { ...RUNS, numRuns: 25 },
  );
});

Deno.test("no setting that was acknowledged is lost unless somebody who knew it replaced it, or it is shown", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const trial = new Trial(seed, 3);
      for (let i = 0; i < 50; i++) trial.act(false);
      trial.heal();
      const [copy] = trial.fleet.copies as [Copy];
      const all = [...trial.written.values()].filter(({ kind }) => kind === "setting");
      const isTold = (entry: Entry) => {
        if (trial.replaced.has(entry.signature)) return true;
        const told = [...copy.core.losers("setting", entry.id), copy.core.get("setting", entry.id)!];
        return told.some((other) => isSame(other, entry)) ||
          all.some((other) => other.writer === entry.writer && other.id === entry.id && beats(other, entry));
      };
      for (const entry of all) {
        // Who said the same stands for it.
        const alike = all.filter(({ id, value }) =>
          id === entry.id && JSON.stringify(value) === JSON.stringify(entry.value)
        );
        assert.ok(alike.some(isTold), `${entryKey(entry)} = ${JSON.stringify(entry.value)} is gone`);
      }
    }),
    { ...RUNS, numRuns: 25 },
  );
});

Deno.test("equal hashes mean equal records, and different ones different records", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const trial = new Trial(seed, 3);
      for (let i = 0; i < 40; i++) trial.act(false);
      const said = (copy: Copy) =>
        JSON.stringify(["setting", "server", "agent", "revocation"].map((kind) => copy.core.list(kind)));
      const [a, b] = trial.fleet.copies as [Copy, Copy];
      assert.equal(a.core.hash() === b.core.hash(), said(a) === said(b));
      trial.heal();
      assert.equal(said(a), said(b));
    }),
    { ...RUNS, numRuns: 15 },
  );
});

Deno.test("random pairs that meet over a network that loses a third converge", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const fleet = new Fleet(5, seed);
      fleet.copies.forEach((copy, i) => {
        for (let n = 0; n < 10; n++) copy.write("setting", `s${(i + n) % 12}`, { i, n });
      });
      fleet.gossip(150, 0.33);
      assert.equal(new Set(fleet.copies.map((copy) => copy.core.hash())).size, 1);
    }),
    { ...RUNS, numRuns: 5 },
  );
});

Deno.test("an empty disk is filled again from the others", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  for (let i = 0; i < 10; i++) a.write("setting", `s${i}`, { i });
  fleet.meet(a, b);
  a.disk = memoryEngine();
  fleet.now += 10;
  a.boot();
  a.write("setting", "s0", { again: true });
  fleet.meet(a, b);
  assert.equal(a.core.list("setting").length, 10);
  assert.equal(a.core.hash(), b.core.hash());
  assert.deepEqual(b.core.get("setting", "s0")?.value, { again: true });
});

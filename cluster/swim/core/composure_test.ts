/** A member that stood still or was deaf doubts itself before others. */
import assert from "node:assert/strict";
import { SwimWorld } from "../../../tests/support/swim_world.ts";
import type { MemberChange, SwimSettings } from "../contract.ts";
import { LAN, plainSwim } from "../presets.ts";

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i}`);

function settled(count: number, settings: SwimSettings = LAN, seed = 1): SwimWorld {
  const world = new SwimWorld({ seed, settings, socketPackets: 1000 });
  world.addAll(names(count));
  assert(world.runUntil(() => world.agrees(), 30_000) !== undefined);
  world.run(10_000);
  world.sightings.length = 0;
  return world;
}

function seenBy(world: SwimWorld, observer: string, change: MemberChange): string[] {
  return world.sightings.filter((seen) => seen.observer === observer && seen.change === change).map(({ name }) => name);
}

for (const how of ["process", "sockets"] as const) {
  Deno.test(`a member whose ${how} stood still accuses nobody, and raises its own score`, () => {
    const world = settled(8);
    for (let i = 0; i < 6; i++) {
      world.block("n3", how);
      world.run(6000);
      world.unblock("n3");
      world.run(100);
      assert(world.node("n3").core.health() > 0);
      assert.deepEqual(seenBy(world, "n3", "failed"), []);
    }
    world.run(60_000);
    assert.equal(world.node("n3").core.health(), 0);
    assert(world.agrees());
    assert.deepEqual(world.sightings.filter(({ change, name }) => change === "failed" && name !== "n3"), []);
  });
}

Deno.test("a suspicion begun before a standstill waits as long again for the refutation", () => {
  const world = settled(3);
  // n0 holds n1 suspect and hears no more.
  world.tell("n0", {
    type: "packet",
    from: world.node("n2").endpoint,
    messages: [{ type: "suspect", node: "n1", incarnation: 1, from: "n2" }],
  });
  world.block("n0");
  world.run(60_000);
  world.unblock("n0");
  world.run(2000);
  assert.deepEqual(seenBy(world, "n0", "failed"), []);
  assert.deepEqual(seenBy(world, "n0", "refuted"), ["n1"]);
});

Deno.test("a suspicion does not end while nobody is heard, and ends by the refutation that comes then", () => {
  const world = settled(8);
  world.tell("n0", {
    type: "packet",
    from: world.node("n2").endpoint,
    messages: [{ type: "suspect", node: "n1", incarnation: 1, from: "n2" }],
  });
  // Longer than a suspicion that nobody confirms.
  world.block("n0", "sockets");
  world.run(30_000);
  assert.equal(world.member("n0", "n1")?.state, "suspect");
  world.unblock("n0");
  world.run(2000);
  assert.deepEqual(seenBy(world, "n0", "failed"), []);
  assert(seenBy(world, "n0", "refuted").includes("n1"));
});

Deno.test("a driver that says it was late is believed, once", () => {
  const world = settled(5);
  const late = (ms: number): number => {
    world.tell("n0", { type: "lag", ms });
    return world.node("n0").core.health();
  };
  assert.equal(late(100), 0);
  assert.equal(late(2500), 3);
  assert.equal(late(2500), 3);
});

Deno.test("who is really alone comes to know it", () => {
  const world = settled(8);
  world.partition(["n3"]);
  for (const name of names(8)) if (name !== "n3") world.cut("n3", name);
  for (const name of names(8)) if (name !== "n3") world.cut(name, "n3");
  world.run(300_000);
  const view = world.node("n3").core.members().filter(({ state, name }) => name !== "n3" && state !== "dead");
  assert.deepEqual(view.map(({ name }) => name), []);
  world.heal();
  assert(world.runUntil(() => world.agrees(), 120_000) !== undefined);
});

/** Healthy members that were held dead by anybody while a quarter of the others was held up again and again. */
function falsePositives(settings: SwimSettings, seed: number): number {
  const world = settled(32, settings, seed);
  const held = names(32).slice(24);
  for (let i = 0; i < 5; i++) {
    for (const name of held) world.block(name, "sockets");
    world.run(16_000);
    for (const name of held) world.unblock(name);
    world.run(64);
  }
  return world.sightings.filter(({ change, name }) => change === "failed" && !held.includes(name)).length;
}

Deno.test("slow members do at most a fiftieth of the harm that they do in plain SWIM", () => {
  const plain = falsePositives(plainSwim(LAN), 1);
  assert(plain > 500, `${plain} false positives of plain SWIM`);
  const ours = falsePositives(LAN, 1);
  assert(ours <= plain / 50, `${ours} false positives, ${plain} of plain SWIM`);
});

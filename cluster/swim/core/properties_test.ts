/** What holds under any schedule; each seed is another one. */
import assert from "node:assert/strict";
import { randomBelow, type Rng, seededRng } from "../../../base/rng.ts";
import { SwimWorld } from "../../../tests/support/swim_world.ts";
import { LAN } from "../presets.ts";

const SEEDS = Array.from({ length: 24 }, (_, i) => i + 1);
/** After the network is whole again; failed members are tried every 30 seconds. */
const CONVERGE_MS_MAX = 180_000;

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i}`);
const oneOf = <T>(rng: Rng, from: readonly T[]): T => from[randomBelow(rng, from.length)]!;

/** Fails when a member that was dead or left is seen alive again without a higher incarnation of its own. */
function watchIncarnations(world: SwimWorld): { forget(observer: string): void } {
  const gone = new Map<string, number>();
  const highest = new Map<string, number>();
  world.watch = (observer, effect) => {
    if (effect.do !== "member") return;
    const { name, incarnation } = effect.member;
    const key = `${observer} ${name}`;
    if (effect.change === "joined") {
      assert(incarnation > (gone.get(key) ?? -1), `${observer} sees ${name} ${incarnation} rise from the dead`);
    }
    if (effect.change === "failed" || effect.change === "left") gone.set(key, incarnation);
    assert(incarnation >= (highest.get(key) ?? 0), `${observer} sees ${name} go back to ${incarnation}`);
    highest.set(key, incarnation);
  };
  return {
    forget(observer) {
      for (const known of [gone, highest]) {
        for (const key of known.keys()) if (key.startsWith(`${observer} `)) known.delete(key);
      }
    },
  };
}

/** One fault, or the end of one. */
function harm(world: SwimWorld, rng: Rng, forget: (observer: string) => void): void {
  const all = world.names();
  const name = oneOf(rng, all);
  const other = oneOf(rng, all);
  const isRunning = world.running().includes(name);
  switch (randomBelow(rng, 8)) {
    case 0:
      if (isRunning && world.running().length > 1) world.crash(name);
      return;
    case 1:
      if (isRunning) return;
      forget(name);
      world.restart(name);
      return world.join(name, ...world.running().filter((at) => at !== name).slice(0, 2));
    case 2:
      return world.block(name, oneOf(rng, ["process", "sockets"] as const));
    case 3:
      return world.unblock(name);
    case 4:
      return world.cut(name, other);
    case 5:
      return world.mend(name, other);
    case 6: {
      const middle = 1 + randomBelow(rng, all.length - 1);
      return world.partition(all.slice(0, middle), all.slice(middle));
    }
    case 7:
      return void (world.loss = rng.float() / 2);
  }
}

for (const seed of SEEDS) {
  Deno.test(`whatever happened, all find together once the network is whole: seed ${seed}`, () => {
    const rng = seededRng(seed);
    const world = new SwimWorld({ seed, socketPackets: 500, delayMs: [0.5, oneOf(rng, [1, 20, 200])] });
    const { forget } = watchIncarnations(world);
    world.addAll(names(3 + randomBelow(rng, 6)));
    world.run(2000);
    for (let i = 0; i < 40; i++) {
      harm(world, rng, forget);
      world.run(rng.float() * oneOf(rng, [500, 5000, 30_000]));
    }
    world.heal();
    for (const name of world.names()) world.unblock(name);
    for (const name of world.names().filter((at) => !world.running().includes(at))) {
      forget(name);
      world.restart(name);
      world.join(name, ...world.running().filter((at) => at !== name));
    }
    // Who started while it could reach nobody is known to nobody: a server goes on asking until it is in.
    for (const name of world.names()) {
      const isIn = world.node(name).core.members().length === world.names().length;
      if (!isIn) world.join(name, ...world.names().filter((at) => at !== name));
    }
    assert(world.runUntil(() => world.agrees(), CONVERGE_MS_MAX, 1000) !== undefined, "they do not agree");
    world.sightings.length = 0;
    world.run(60_000);
    assert.deepEqual(world.sightings.filter(({ change }) => change === "failed"), []);
  });
}

for (const delayMs of [[0.5, 1.5], [1, 100]] as const) {
  Deno.test(`without a fault nobody is even suspected: delays up to ${delayMs[1]} ms`, () => {
    const world = new SwimWorld({ seed: 3, delayMs });
    world.addAll(names(16));
    world.run(20 * 60_000);
    assert(world.agrees());
    assert.deepEqual(world.sightings.filter(({ change }) => change !== "joined"), []);
  });
}

Deno.test("a member that is gone is failed for all others in bounded time", () => {
  for (const seed of [1, 2, 3]) {
    const world = new SwimWorld({ seed });
    world.addAll(names(32));
    world.run(20_000);
    const gone = world.now;
    world.crash("n9");
    // The next probe of it, a suspicion that some confirm, and the way of the news.
    world.run(15_000);
    const failed = world.sightings.filter(({ at, change, name }) => at > gone && change === "failed" && name === "n9");
    assert.equal(failed.length, 31);
    assert(failed.every(({ at }) => at > gone + LAN.suspicionMult * LAN.probeIntervalMs));
    assert(world.agrees());
  }
});

Deno.test("halves that were apart for long find together without a person", () => {
  for (const seed of [1, 2, 3]) {
    const world = new SwimWorld({ seed });
    const all = names(7);
    world.addAll(all);
    world.run(5000);
    world.partition(all.slice(0, 3), all.slice(3));
    world.run(3600_000);
    world.heal();
    assert(world.runUntil(() => world.agrees(), CONVERGE_MS_MAX, 1000) !== undefined);
  }
});

Deno.test("all are killed at once, forget everything, and start in any order", () => {
  for (const seed of [1, 2, 3]) {
    const rng = seededRng(seed);
    const world = new SwimWorld({ seed });
    const all = names(7);
    world.addAll(all);
    world.run(5000);
    for (const name of all) world.crash(name);
    const order = [...all].sort(() => rng.float() - 0.5);
    for (const name of order) {
      world.restart(name);
      world.join(name, ...all.filter((other) => other !== name));
      world.run(rng.float() * 3000);
    }
    assert(world.runUntil(() => world.agrees(), 60_000) !== undefined);
  }
});

Deno.test("members with as much to say as they may fit their packets, however many join at once", () => {
  // The world fails for a packet that is too large.
  const world = new SwimWorld({ seed: 5 });
  world.addAll(names(64), { meta: new Uint8Array(512) });
  assert(world.runUntil(() => world.agrees(), 60_000, 500) !== undefined);
  world.run(30_000);
  assert.deepEqual(world.running().filter((name) => world.node(name).core.queued() > 0), []);
});

/**
 * Crashes at every effect boundary. One seed draws the orders, what runs say, which acknowledgements are lost, how long
 * persists take and where the agent dies. A server that stores by (stream, offset) watches: no order runs twice, no
 * acknowledged record is lost, offsets have no holes and never change; at the end everything has come to a finish.
 */
import assert from "node:assert/strict";
import { seededRng } from "../../base/rng.ts";
import type { AnyEnvelope } from "../../wire/envelope.ts";
import { parseOrder } from "../../wire/sign/mod.ts";
import type { AgentEffect } from "./contract.ts";
import { bootEvent, depsOf, Hand, newWorld, orderText, pick, ulid, type World } from "./hand_driver_test.ts";

interface Fleet {
  world: World;
  /** What servers hold: stream → offset → text. */
  held: Map<string, Map<number, string>>;
  starts: Map<string, number>;
  orders: string[];
}

const SEEDS = 60;

function store(fleet: Fleet, envelope: AnyEnvelope): void {
  const { stream, offset } = envelope;
  if (stream === undefined || offset === undefined) return;
  const lines = fleet.held.get(stream) ?? new Map<number, string>();
  fleet.held.set(stream, lines);
  const text = JSON.stringify(envelope);
  assert.equal(lines.get(offset) ?? text, text, `${stream} ${offset} changed`);
  lines.set(offset, text);
}

function marks({ held }: Fleet): { stream: string; next: number }[] {
  return [...held].map(([stream, lines]) => {
    let next = 0;
    while (lines.has(next)) next++;
    return { stream, next };
  });
}

/** One life of the agent: until it dies after `lifetime` effects, or until nothing is left to do. */
async function live(fleet: Fleet, rng: ReturnType<typeof seededRng>, lifetime: number): Promise<Hand> {
  const hand = new Hand(fleet.world, depsOf({ boot: ulid(), rng: seededRng(pick(rng, 1e9)) }));
  let left = lifetime;
  let seen = 0;
  const running: string[] = [];
  const next = async (): Promise<boolean> => {
    const effect: AgentEffect | undefined = hand.todo.shift();
    if (effect === undefined) return false;
    await hand.perform(effect);
    if (effect.do === "startCommand") {
      const { run } = effect.grant;
      running.push(run);
      fleet.starts.set(run, (fleet.starts.get(run) ?? 0) + 1);
    }
    if (effect.do === "send") { for (; seen < hand.sent.length; seen++) store(fleet, hand.sent[seen]!); }
    if (effect.do === "dial") seen = 0;
    return --left > 0;
  };
  const settle = async () => {
    while (await next());
    return left > 0;
  };
  hand.push(await bootEvent(fleet.world.store));
  if (!await settle()) return hand;
  hand.push({ type: "dialed", attempt: hand.attempt });
  if (!await settle()) return hand;
  hand.push(frameOf(hand, "welcome", {
    protocol: 1,
    node: "node-1",
    cluster: "lab-1",
    version: "0",
    proof: "p",
    settings: { aliveEveryMs: 30_000 },
    streams: marks(fleet),
  }));
  if (!await settle()) return hand;
  for (let turn = 0; turn < 40; turn++) {
    const dice = rng.float();
    fleet.world.now += pick(rng, 50);
    if (dice < 0.25) hand.push(frameOf(hand, "command", { order: fleet.orders[pick(rng, fleet.orders.length)] }));
    else if (dice < 0.6 && running.length > 0) {
      const run = running[pick(rng, running.length)]!;
      hand.push({ type: "emission", run, emission: { kind: "output", body: { turn } }, bytes: 9 });
    } else if (dice < 0.75 && running.length > 0) {
      const [run] = running.splice(pick(rng, running.length), 1);
      hand.push({ type: "ended", run: run!, outcome: { ok: true } });
    } else if (dice < 0.9) hand.push(frameOf(hand, "ack", { streams: marks(fleet) }));
    // Several events may come before the first persist is done.
    if (rng.float() < 0.7 && !await settle()) return hand;
  }
  await settle();
  return hand;
}

function frameOf(hand: Hand, kind: string, body: unknown) {
  const envelope = { v: 1, id: ulid(), kind, from: "node-1", time: "2026-11-20T12:00:00.000Z", body };
  return { type: "frame" as const, attempt: hand.attempt, text: JSON.stringify(envelope) };
}

Deno.test("step() runs an order at most once and loses no acknowledged record, wherever it crashes", async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const rng = seededRng(seed);
    const orders = Array.from({ length: 4 }, () => orderText({ notAfter: "2026-11-21T00:00:00Z" }));
    const fleet: Fleet = { world: newWorld(), held: new Map(), starts: new Map(), orders };
    for (let life = 0; life < 8; life++) await live(fleet, rng, 1 + pick(rng, 120));
    // The healthy end: everything is handed over.
    const last = await live(fleet, seededRng(seed + 1000), Infinity);
    for (const run of last.of("startCommand")) {
      await last.step({ type: "ended", run: run.grant.run, outcome: { ok: true } });
    }
    for (const envelope of last.sent) store(fleet, envelope);
    check(fleet, seed);
  }
});

function check({ held, starts, orders }: Fleet, seed: number): void {
  const runsOf = new Map<string, Set<string>>();
  const states = new Map<string, string[]>();
  for (const [stream, lines] of held) {
    const offsets = [...lines.keys()].sort((a, b) => a - b);
    assert.deepEqual(offsets, offsets.map((_, index) => index), `seed ${seed}: ${stream} has holes`);
    assert.ok(!stream.includes("~"), `seed ${seed}: ${stream} is a new incarnation though nothing conflicted`);
    for (const offset of offsets) {
      const envelope: AnyEnvelope = JSON.parse(lines.get(offset)!);
      if (envelope.kind !== "runState" || stream.endsWith("/log")) continue;
      runsOf.set(envelope.job!, (runsOf.get(envelope.job!) ?? new Set()).add(envelope.run!));
      states.set(envelope.run!, [...states.get(envelope.run!) ?? [], envelope.body.state]);
    }
  }
  for (const [run, count] of starts) assert.equal(count, 1, `seed ${seed}: ${run} was started ${count} times`);
  for (const [job, runs] of runsOf) assert.equal(runs.size, 1, `seed ${seed}: ${job} has ${runs.size} runs`);
  for (const run of starts.keys()) assert.ok(states.has(run), `seed ${seed}: nobody heard of ${run}`);
  for (const [run, list] of states) assert.deepEqual(list, ["started", "finished"], `seed ${seed}: ${run}`);
  const known = new Set(orders.map((text) => parseOrder(new TextEncoder().encode(text)).header.id));
  for (const job of runsOf.keys()) assert.ok(known.has(job));
}

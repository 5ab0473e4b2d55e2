/** One core, its events by hand. */
import assert from "node:assert/strict";
import { LIMITS } from "../../../base/limits.ts";
import { seededRng } from "../../../base/rng.ts";
import { decodeForWorld, encodeForWorld } from "../../../tests/support/swim_codec.ts";
import type { SwimCore, SwimEffect, SwimEvent, SwimSettings } from "../contract.ts";
import type { Endpoint, Message, PushNode, Versions } from "../messages.ts";
import { LAN } from "../presets.ts";
import { createSwimCore } from "./core.ts";

const VERSIONS: Versions = [1, 5, 2, 2, 5, 4];
const at = (index: number): Endpoint => ({ address: "10.0.0.1", port: 7000 + index });
const FROM = at(99);
const NOTHING = new Uint8Array();

/** A core called `me` that knows `m1` to `mN`, and what it did. */
class Bench {
  now = 0;
  readonly core: SwimCore;
  readonly due = new Map<string, number>();

  constructor(members: number, settings: SwimSettings = LAN) {
    this.core = createSwimCore({
      name: "me",
      endpoint: at(0),
      versions: VERSIONS,
      settings,
      rng: seededRng(1),
      encode: encodeForWorld,
      delegate: { localState: () => NOTHING, mergeState: () => {} },
    });
    this.step({ type: "start", meta: NOTHING, incarnation: 1 });
    for (let i = 1; i <= members; i++) this.hear(alive(i, 1));
  }

  step(event: SwimEvent): SwimEffect[] {
    const effects = this.core.step(event, this.now);
    for (const effect of effects) {
      if (effect.do !== "timer") continue;
      if (effect.at === null) this.due.delete(effect.name);
      else this.due.set(effect.name, effect.at);
    }
    return effects;
  }

  hear(...messages: Message[]): SwimEffect[] {
    return this.step({ type: "packet", from: FROM, messages });
  }

  /** Fires what is due until then, each in time. */
  runTo(until: number): SwimEffect[] {
    const effects: SwimEffect[] = [];
    for (;;) {
      const [name, due] = [...this.due].sort((a, b) => a[1] - b[1])[0] ?? ["", Infinity];
      if (due > until) break;
      this.now = Math.max(this.now, due);
      this.due.delete(name);
      effects.push(...this.step({ type: "timer", name }));
    }
    this.now = until;
    return effects;
  }
}

const alive = (index: number, incarnation: number, endpoint = at(index)): Message => ({
  type: "alive",
  incarnation,
  node: `m${index}`,
  endpoint,
  meta: NOTHING,
  versions: VERSIONS,
});
const accuse = (type: "suspect" | "dead", node: string, incarnation: number, from = "m2"): Message => ({
  type,
  incarnation,
  node,
  from,
});

function sent(effects: readonly SwimEffect[]): { to: number; messages: Message[]; crc: boolean }[] {
  return effects.flatMap((effect) =>
    effect.do === "packet"
      ? [{ to: effect.to.port - 7000, messages: effect.parts.map(decodeForWorld), crc: effect.crc }]
      : []
  );
}

const first = (effects: readonly SwimEffect[], type: Message["type"]) =>
  sent(effects).filter(({ messages }) => messages[0]?.type === type);
const changes = (effects: readonly SwimEffect[]): string[] =>
  effects.flatMap((effect) => effect.do === "member" ? [`${effect.member.name} ${effect.change}`] : []);
const counted = (effects: readonly SwimEffect[], name: string): boolean =>
  effects.some((effect) => effect.do === "count" && effect.name === name);

Deno.test("nothing comes before `start`, and it comes once", () => {
  const bench = new Bench(0);
  assert.throws(() => bench.step({ type: "start", meta: NOTHING, incarnation: 1 }));
  const settings = { name: "x", endpoint: at(1), versions: VERSIONS, settings: LAN, rng: seededRng(1) };
  const delegate = { localState: () => NOTHING, mergeState: () => {} };
  const unstarted = createSwimCore({ ...settings, encode: encodeForWorld, delegate });
  assert.throws(() => unstarted.step({ type: "lag", ms: 1 }, 0));
});

Deno.test("a ping is acknowledged to its source, and one for somebody else is not", () => {
  const bench = new Bench(1);
  const acked = first(bench.hear({ type: "ping", seq: 7, node: "me", source: at(5), sourceNode: "m1" }), "ack");
  assert.deepEqual(acked.map(({ to }) => to), [5]);
  const old = first(bench.hear({ type: "ping", seq: 7, node: "" }), "ack");
  assert.deepEqual(old.map(({ to }) => to), [99]);
  assert.deepEqual(first(bench.hear({ type: "ping", seq: 7, node: "m3" }), "ack"), []);
});

Deno.test("gossip has a checksum where it is understood; a ping and its answer have none", () => {
  const bench = new Bench(3);
  const acked = bench.hear({ type: "ping", seq: 7, node: "me", source: at(2), sourceNode: "m2" });
  const told = [...bench.hear(accuse("dead", "m1", 1)), ...bench.runTo(bench.now + LAN.gossipIntervalMs)];
  const gossip = sent(told).filter(({ messages }) => messages[0]?.type !== "ping");
  assert.deepEqual(sent(acked).map(({ crc }) => crc), [false]);
  assert.ok(gossip.length > 0 && gossip.every(({ crc }) => crc));
});

Deno.test("a probe goes from a ping to indirect ones and a stream, and then to a suspicion with who was asked silent", () => {
  const bench = new Bench(5, { ...LAN, pushPullIntervalMs: 0, reconnectIntervalMs: 0 });
  bench.runTo(bench.due.get("probe")! - 1);
  const begun = bench.now + 1;
  const [ping] = first(bench.runTo(begun), "ping");
  assert(ping !== undefined);
  const asked = bench.runTo(begun + 500);
  assert.equal(first(asked, "indirectPing").length, 3);
  assert(asked.some((effect) => effect.do === "streamPing" && effect.timeoutMs === 500));
  bench.hear({ type: "nack", seq: 0 });
  const judged = bench.runTo(begun + 1000);
  assert.deepEqual(changes(judged), [`m${ping.to} suspected`]);
  assert.equal(bench.core.health(), 3);
});

Deno.test("when all who were asked heard nothing either, the probe is judged at once and the score stays", () => {
  const bench = new Bench(5, { ...LAN, pushPullIntervalMs: 0, reconnectIntervalMs: 0 });
  const begun = bench.due.get("probe")!;
  bench.runTo(begun);
  const [indirect] = first(bench.runTo(begun + 500), "indirectPing");
  const message = indirect?.messages[0];
  assert(message?.type === "indirectPing" && message.nack);
  const nack: Message = { type: "nack", seq: message.seq };
  assert.deepEqual(changes(bench.hear(nack, nack)), []);
  assert.equal(changes(bench.hear(nack)).length, 1);
  assert.equal(bench.core.health(), 0);
});

Deno.test("a target that answers on a stream alone is not suspected", () => {
  const bench = new Bench(5, { ...LAN, pushPullIntervalMs: 0, reconnectIntervalMs: 0 });
  const begun = bench.due.get("probe")!;
  const asked = bench.runTo(begun + 500);
  for (const effect of asked) {
    if (effect.do === "streamPing") bench.step({ type: "streamPinged", token: effect.token, acked: true });
  }
  assert.deepEqual(changes(bench.runTo(begun + 1000)), []);
});

Deno.test("a probe for another is answered with its ack, or with a nack before the asker's time is over", () => {
  const bench = new Bench(3);
  const ask: Message = {
    type: "indirectPing",
    seq: 40,
    target: at(3),
    node: "m3",
    nack: true,
    source: at(1),
    sourceNode: "m1",
  };
  const [ping] = first(bench.hear(ask), "ping");
  const message = ping?.messages[0];
  assert(ping?.to === 3 && message?.type === "ping");
  const [nacked] = first(bench.runTo(400), "nack");
  assert.deepEqual([nacked?.to, nacked?.messages[0]], [1, { type: "nack", seq: 40 }]);
  const [acked] = first(bench.hear({ type: "ack", seq: message.seq, payload: NOTHING }), "ack");
  assert.deepEqual([acked?.to, acked?.messages[0]], [1, { type: "ack", seq: 40, payload: NOTHING }]);
  assert.deepEqual(first(bench.hear({ type: "ack", seq: message.seq, payload: NOTHING }), "ack"), []);
});

Deno.test("probes for others are bounded", () => {
  const bench = new Bench(1);
  const ask: Message = { type: "indirectPing", seq: 1, target: at(3), node: "m3", nack: false };
  const many = Array.from({ length: LIMITS.probeRelaysMax }, () => ask);
  assert(!counted(bench.hear(...many), "relaysRefused"));
  assert(counted(bench.hear(ask), "relaysRefused"));
});

Deno.test("members are bounded: a dead one makes room, a living one does not", () => {
  const bench = new Bench(LIMITS.membersMax - 1);
  const newcomer = alive(LIMITS.membersMax + 1, 1);
  assert(counted(bench.hear(newcomer), "membersRefused"));
  bench.hear(accuse("dead", "m7", 1));
  assert.deepEqual(changes(bench.hear(newcomer)), [`m${LIMITS.membersMax + 1} joined`]);
  assert.equal(bench.core.member("m7"), undefined);
  assert.equal(bench.core.members().length, LIMITS.membersMax);
});

Deno.test("a dead member is forgotten after its time, and its name is free then", () => {
  const bench = new Bench(2, { ...LAN, forgetDeadMs: 5000, reconnectIntervalMs: 0, pushPullIntervalMs: 0 });
  bench.hear(accuse("dead", "m1", 1));
  assert(!changes(bench.runTo(5000)).includes("m1 forgotten"));
  assert(changes(bench.runTo(60_000)).includes("m1 forgotten"));
  assert.deepEqual(changes(bench.hear(alive(1, 1))), ["m1 joined"]);
});

Deno.test("what a claim may not be: too large a name or meta, a version that is none, an incarnation past the end", () => {
  const bench = new Bench(1);
  const good = alive(9, 1);
  assert(good.type === "alive");
  const bad: Message[] = [
    { ...good, node: "" },
    { ...good, node: "x".repeat(LIMITS.memberNameCharsMax + 1) },
    { ...good, meta: new Uint8Array(LIMITS.memberMetaBytesMax + 1) },
    { ...good, versions: [0, 0, 0, 0, 0, 0] },
    { ...good, incarnation: LIMITS.incarnationMax + 2 },
    { ...good, incarnation: 1.5 },
    { ...good, incarnation: -1 },
  ];
  assert.deepEqual(changes(bench.hear(...bad)), []);
  assert.deepEqual(changes(bench.hear(accuse("dead", "m1", LIMITS.incarnationMax + 1))), []);
  assert.equal(bench.core.members().length, 2);
});

Deno.test("a suspect hears so first, in whatever is sent to it; a dead one too", () => {
  const bench = new Bench(4);
  bench.hear(accuse("suspect", "m1", 1));
  const [acked] = first(bench.hear({ type: "ping", seq: 1, node: "me", source: at(1), sourceNode: "m1" }), "ack");
  assert.deepEqual(acked?.messages[1], { type: "suspect", incarnation: 1, node: "m1", from: "me" });
  bench.hear(accuse("dead", "m1", 1));
  const [late] = first(bench.hear({ type: "ping", seq: 2, node: "me", source: at(1), sourceNode: "m1" }), "ack");
  assert.deepEqual(late?.messages[1], { type: "dead", incarnation: 1, node: "m1", from: "me" });
});

Deno.test("who says what was refuted already is told again", () => {
  const bench = new Bench(3);
  bench.hear(accuse("suspect", "me", 1));
  assert.equal(bench.core.member("me")?.incarnation, 2);
  const told = sent(bench.hear(accuse("suspect", "me", 1))).find(({ to }) => to === 99);
  assert(told?.messages[0]?.type === "alive" && told.messages[0].incarnation === 2);
});

Deno.test("a user message that fits no packet is refused, one of the same key replaces the other", () => {
  const bench = new Bench(0);
  assert(counted(bench.step({ type: "broadcast", bytes: new Uint8Array(1400) }), "userMessagesTooLarge"));
  const before = bench.core.queued();
  bench.step({ type: "broadcast", key: "k", bytes: new Uint8Array(1) });
  bench.step({ type: "broadcast", key: "k", bytes: new Uint8Array(2) });
  bench.step({ type: "broadcast", bytes: new Uint8Array(3) });
  bench.step({ type: "broadcast", bytes: new Uint8Array(3) });
  assert.equal(bench.core.queued() - before, 3);
});

Deno.test("a message to one member goes in a packet or on a stream, and to a stranger not at all", () => {
  const bench = new Bench(1);
  const bytes = new Uint8Array([1, 2]);
  assert.deepEqual(first(bench.step({ type: "tell", member: "m1", bytes, over: "packet" }), "user")[0]?.to, 1);
  const big = new Uint8Array(100_000);
  const streamed = bench.step({ type: "tell", member: "m1", bytes: big, over: "stream" });
  assert(streamed.some((effect) => effect.do === "streamUser" && effect.bytes === big));
  assert(counted(bench.step({ type: "tell", member: "stranger", bytes, over: "packet" }), "tellsRefused"));
});

Deno.test("an incompatible cluster is told why and leaves no member behind", () => {
  const bench = new Bench(1);
  const node: PushNode = {
    name: "other",
    endpoint: at(8),
    meta: NOTHING,
    incarnation: 1,
    state: "alive",
    versions: [6, 7, 6, 2, 5, 4],
  };
  const theirs = { join: true, nodes: [node], user: NOTHING };
  const [answer] = bench.step({ type: "exchangeAsked", token: 3, from: FROM, theirs })
    .filter((effect) => effect.do === "answerExchange");
  assert(answer?.do === "answerExchange" && "error" in answer.ours);
  assert.equal(bench.core.member("other"), undefined);
});

Deno.test("leaving alone is told at once; among others when it was gossiped, or after its time", () => {
  const told = (effects: readonly SwimEffect[]): boolean => effects.some((effect) => effect.do === "left");
  assert(told(new Bench(0).step({ type: "leave" })));
  const bench = new Bench(3);
  assert(!told(bench.step({ type: "leave" })));
  assert(told(bench.runTo(LIMITS.leaveMsMax)));
  assert.equal(bench.due.has("probe"), false);
});

import assert from "node:assert/strict";
import { LIMITS } from "../../../base/limits.ts";
import type { Member, MemberChange, MemberState, SwimEffect } from "../contract.ts";
import { decodeSerfMessage, encodeSerfMessage, type SaidSerfMessage, type SerfState } from "./messages.ts";
import { metaOf, Serf, SERF_VERSIONS, type SerfOutput } from "./serf.ts";

const FROM = { address: "10.0.0.9", port: 7946 };

function member(name: string, state: MemberState = "alive"): Member {
  const endpoint = { address: "10.0.0.2", port: 7946 };
  return { name, endpoint, incarnation: 1, state, since: 0, meta: new Uint8Array(0), versions: SERF_VERSIONS };
}

function change(serf: Serf, change: MemberChange, name: string, state: MemberState): void {
  serf.hear({ do: "member", change, member: member(name, state) });
}

const joined = (serf: Serf, name: string) => change(serf, "joined", name, "alive");
const failed = (serf: Serf, name: string) => change(serf, "failed", name, "dead");
const hear = (serf: Serf, bytes: Uint8Array) => serf.hear({ do: "user", from: FROM, bytes });
const say = (serf: Serf, message: SaidSerfMessage) => hear(serf, encodeSerfMessage(message));

/** What lies in the outbox, short enough to compare. */
function out(serf: Serf): string[] {
  return serf.take().map((output: SerfOutput) => {
    switch (output.do) {
      case "member":
        return `${output.member.name} ${output.change} ${output.status}`;
      case "broadcast": {
        const message = decodeSerfMessage(output.bytes);
        const said = message?.type === "join" || message?.type === "leave" ? ` ${message.node} ${message.ltime}` : "";
        return `broadcast ${message?.type}${said}`;
      }
      case "message":
        return `message ${output.bytes[0]}`;
      case "userEvent":
        return `event ${output.name}`;
      case "count":
        return `count ${output.name}`;
    }
  });
}

function stateOf(serf: Serf): SerfState {
  const message = decodeSerfMessage(serf.localState(false));
  assert.ok(message?.type === "pushPull");
  return message;
}

Deno.test("who says so before it goes has left, who only goes silent has failed", () => {
  const serf = new Serf({ name: "me" });
  joined(serf, "polite");
  joined(serf, "silent");
  say(serf, { type: "leave", ltime: 5, node: "polite" });
  assert.equal(serf.status("polite"), "leaving");
  failed(serf, "polite");
  failed(serf, "silent");
  assert.deepEqual(out(serf), [
    "polite joined alive",
    "silent joined alive",
    "broadcast leave polite 5",
    "polite left left",
    "silent failed failed",
  ]);
  assert.deepEqual(stateOf(serf).leftMembers, ["polite"]);
});

Deno.test("a member's own goodbye to SWIM is enough", () => {
  const serf = new Serf({ name: "me" });
  joined(serf, "plain");
  change(serf, "left", "plain", "left");
  assert.deepEqual(out(serf), ["plain joined alive", "plain left left"]);
});

Deno.test("an intent that comes after the end turns failed into left", () => {
  const serf = new Serf({ name: "me" });
  joined(serf, "a");
  failed(serf, "a");
  say(serf, { type: "leave", ltime: 3, node: "a" });
  assert.deepEqual(out(serf), ["a joined alive", "a failed failed", "a left left", "broadcast leave a 3"]);
});

Deno.test("a later join takes an earlier leave back, an old or repeated intent counts for nothing", () => {
  const serf = new Serf({ name: "me" });
  joined(serf, "a");
  say(serf, { type: "leave", ltime: 5, node: "a" });
  say(serf, { type: "join", ltime: 6, node: "a" });
  say(serf, { type: "leave", ltime: 5, node: "a" });
  say(serf, { type: "join", ltime: 6, node: "a" });
  assert.equal(serf.status("a"), "alive");
  failed(serf, "a");
  assert.deepEqual(out(serf), ["a joined alive", "broadcast leave a 5", "broadcast join a 6", "a failed failed"]);
});

Deno.test("who comes back is alive again", () => {
  const serf = new Serf({ name: "me" });
  for (const go of [() => failed(serf, "a"), () => change(serf, "left", "a", "left")]) {
    joined(serf, "a");
    go();
    joined(serf, "a");
    assert.equal(serf.status("a"), "alive");
  }
  assert.deepEqual(stateOf(serf).leftMembers, []);
});

Deno.test("an intent about somebody not yet known waits for it", () => {
  const serf = new Serf({ name: "me" });
  say(serf, { type: "join", ltime: 7, node: "a" });
  say(serf, { type: "leave", ltime: 8, node: "a" });
  say(serf, { type: "leave", ltime: 8, node: "a" });
  joined(serf, "a");
  assert.equal(serf.status("a"), "leaving");
  assert.equal(stateOf(serf).statusLTimes.get("a"), 8);
  assert.deepEqual(out(serf), ["broadcast join a 7", "broadcast leave a 8", "a joined leaving"]);
});

Deno.test("intents about nobody are bounded", () => {
  const serf = new Serf({ name: "me" });
  for (let i = 0; i <= LIMITS.serfIntentsMax; i++) say(serf, { type: "leave", ltime: i + 1, node: `ghost ${i}` });
  assert.equal(out(serf).filter((line) => line === "count serf.intents_full").length, 1);
  joined(serf, "ghost 0");
  joined(serf, "ghost 1");
  assert.equal(serf.status("ghost 0"), "alive");
  assert.equal(serf.status("ghost 1"), "leaving");
});

Deno.test("a leave in this member's own name is refuted with a later join", () => {
  const serf = new Serf({ name: "me" });
  say(serf, { type: "leave", ltime: 40, node: "me" });
  assert.deepEqual(out(serf), ["broadcast join me 41"]);
  assert.equal(serf.status("me"), "alive");
  assert.equal(stateOf(serf).statusLTimes.get("me"), 41);
});

Deno.test("this member says its joins, and its leave once, with times that grow", () => {
  const serf = new Serf({ name: "me" });
  serf.hear({ do: "joined", token: 1, reached: 0, errors: ["nobody"] });
  serf.hear({ do: "joined", token: 2, reached: 1, errors: [] });
  serf.leave();
  serf.leave();
  serf.hear({ do: "joined", token: 3, reached: 1, errors: [] });
  // Its own words come back from others, and a refutation would undo them.
  say(serf, { type: "leave", ltime: 9, node: "me" });
  assert.deepEqual(out(serf), ["broadcast join me 1", "broadcast leave me 2"]);
  assert.equal(serf.status("me"), "leaving");
});

Deno.test("exchanges carry who left and when, and an answer to them brings both sides to the same", () => {
  const one = new Serf({ name: "one" });
  for (const name of ["two", "gone"]) joined(one, name);
  say(one, { type: "leave", ltime: 11, node: "gone" });
  failed(one, "gone");
  const two = new Serf({ name: "two" });
  for (const name of ["one", "gone"]) joined(two, name);
  failed(two, "gone");
  out(two);
  two.mergeState(one.localState(true), true);
  assert.deepEqual(out(two), ["gone left left"]);
  assert.equal(two.status("gone"), "left");
  assert.ok(two.time >= 12);
});

Deno.test("the state of who stands above goes along, and a stock serf reads past it", () => {
  const seen: [string, boolean][] = [];
  const above = (text: string) => ({
    localState: () => new TextEncoder().encode(text),
    mergeState: (state: Uint8Array, join: boolean) => void seen.push([new TextDecoder().decode(state), join]),
  });
  const one = new Serf({ name: "one", above: above("from one") });
  const two = new Serf({ name: "two", above: above("from two") });
  two.mergeState(one.localState(true), true);
  assert.deepEqual(seen, [["from one", true]]);
  assert.equal(decodeSerfMessage(one.localState(true))?.type, "pushPull");
  // Of a stock serf there is none.
  two.mergeState(new Serf({ name: "stock" }).localState(false), false);
  two.mergeState(new Uint8Array(0), false);
  assert.equal(seen.length, 1);
  assert.deepEqual(out(two), []);
});

Deno.test("user events are handed up and passed on once, and old ones not at all", () => {
  const serf = new Serf({ name: "me" });
  const event = (ltime: number, name: string) =>
    say(serf, { type: "userEvent", ltime, name, payload: new Uint8Array([1]), coalesce: true });
  event(3, "deploy");
  event(3, "deploy");
  event(3, "rollback");
  event(2000, "later");
  event(4, "too old to tell");
  assert.deepEqual(out(serf), [
    "event deploy",
    "broadcast userEvent",
    "event rollback",
    "broadcast userEvent",
    "event later",
    "broadcast userEvent",
  ]);
});

Deno.test("exchanges bring the latest events to those whom gossip missed, within their bound", () => {
  const one = new Serf({ name: "one" });
  const event = (ltime: number, name: string, bytes: number) =>
    say(one, { type: "userEvent", ltime, name, payload: new Uint8Array(bytes), coalesce: false });
  event(1, "a", 3);
  event(1, "b", 0);
  event(2, "c", 1);
  const two = new Serf({ name: "two" });
  two.mergeState(one.localState(false), false);
  two.mergeState(one.localState(false), false);
  assert.deepEqual(out(two), ["event a", "event b", "event c"]);
  for (let i = 0; i < 300; i++) event(3 + i, "large", 1000);
  const kept = stateOf(one).events;
  assert.equal(kept.at(-1)?.ltime, 302);
  const bytes = kept.flatMap(({ events }) => events).reduce((sum, { payload }) => sum + payload.length, 0);
  assert.ok(bytes > LIMITS.serfEventsBytesMax / 2 && bytes <= LIMITS.serfEventsBytesMax, `${bytes} bytes`);
});

Deno.test("events from before a member came are no news to it", () => {
  const serf = new Serf({ name: "me" });
  const state: SerfState = {
    type: "pushPull",
    ltime: 4,
    statusLTimes: new Map(),
    leftMembers: [],
    eventLTime: 8,
    events: [{ ltime: 7, events: [{ name: "deploy", payload: new Uint8Array(0) }] }],
    queryLTime: 2,
  };
  serf.mergeState(encodeSerfMessage(state), true);
  assert.deepEqual(out(serf), []);
  serf.mergeState(encodeSerfMessage({ ...state, events: [{ ...state.events[0]!, ltime: 8 }] }), false);
  assert.deepEqual(out(serf), ["event deploy"]);
  // Who is joined by another goes on hearing what it missed.
  serf.mergeState(encodeSerfMessage({ ...state, eventLTime: 20, events: [{ ...state.events[0]!, ltime: 9 }] }), true);
  assert.deepEqual(out(serf), ["event deploy"]);
});

Deno.test("our own messages are handed up, queries passed on once, the rest is passed over", () => {
  const serf = new Serf({ name: "me" });
  hear(serf, new Uint8Array([64, 1, 2]));
  hear(serf, new Uint8Array([255]));
  // {LTime: 1, ID: 7, Flags: 0}, then the same with the flag of a query that is for us alone.
  const query = (id: number, flags: number) =>
    new Uint8Array([4, 0x83, ...raw("LTime"), 1, ...raw("ID"), id, ...raw("Flags"), flags]);
  hear(serf, query(7, 0));
  hear(serf, query(7, 0));
  hear(serf, query(8, 2));
  hear(serf, new Uint8Array([5, 0x80]));
  hear(serf, new Uint8Array([40]));
  hear(serf, new Uint8Array(0));
  hear(serf, new Uint8Array([0, 0xc1]));
  assert.deepEqual(out(serf), [
    "message 64",
    "message 255",
    "broadcast query",
    "count serf.ignored",
    "count serf.ignored",
    "count serf.malformed",
    "count serf.malformed",
  ]);
});

function raw(text: string): number[] {
  return [0xa0 | text.length, ...new TextEncoder().encode(text)];
}

Deno.test("a Lamport time far ahead is not heard, so that nobody can use the clock up", () => {
  const serf = new Serf({ name: "me" });
  joined(serf, "a");
  say(serf, { type: "leave", ltime: 2 ** 50, node: "a" });
  assert.deepEqual(out(serf), ["a joined alive", "count serf.time"]);
  assert.equal(serf.status("a"), "alive");
  assert.equal(serf.time, 1);
});

Deno.test("what SWIM tells otherwise is told on with the status, and the forgotten are forgotten", () => {
  const serf = new Serf({ name: "me" });
  joined(serf, "a");
  for (const told of ["updated", "suspected", "refuted"] as const) change(serf, told, "a", "alive");
  failed(serf, "a");
  change(serf, "forgotten", "a", "dead");
  assert.equal(serf.status("a"), undefined);
  const lines = [
    "joined alive",
    "updated alive",
    "suspected alive",
    "refuted alive",
    "failed failed",
    "forgotten failed",
  ];
  assert.deepEqual(out(serf), lines.map((line) => `a ${line}`));
  const other: SwimEffect = { do: "left" };
  serf.hear(other);
  assert.deepEqual(out(serf), []);
});

Deno.test("tags that are too long for a meta are refused", () => {
  assert.ok(metaOf({ role: "server" }).length > 0);
  assert.throws(() => metaOf({ role: "x".repeat(600) }), { code: "input.too_large" });
});

import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import type { Delegate, Member, SwimCore, SwimEffect, SwimEvent } from "./contract.ts";
import { Membership } from "./membership.ts";
import { decodeSerfMessage, encodeSerfMessage } from "./serf/messages.ts";
import { Serf, SERF_VERSIONS } from "./serf/serf.ts";

/** A core that does as it is told, and remembers what it was asked. */
class TestCore implements SwimCore {
  readonly asked: string[] = [];
  readonly known: Member[] = [member("me")];
  waiting = 0;
  /** What the next event leads to. */
  next: SwimEffect[] = [];

  step(event: SwimEvent): SwimEffect[] {
    if (event.type === "broadcast") {
      const message = decodeSerfMessage(event.bytes);
      this.asked.push(`broadcast ${message?.type} ${event.key}`);
      this.waiting++;
      return [];
    }
    this.asked.push(event.type);
    if (event.type === "leave") return [{ do: "left" }];
    const effects = this.next;
    this.next = [];
    return effects;
  }

  members(): readonly Member[] {
    return this.known;
  }

  member(name: string): Member | undefined {
    return this.known.find((one) => one.name === name);
  }

  health(): number {
    return 0;
  }

  queued(): number {
    return this.waiting;
  }
}

function member(name: string): Member {
  return {
    name,
    endpoint: { address: "10.0.0.1", port: 7946 },
    incarnation: 1,
    state: "alive",
    since: 0,
    meta: new Uint8Array(0),
    versions: SERF_VERSIONS,
  };
}

function make(others: readonly string[]): { core: TestCore; membership: Membership } {
  const core = new TestCore();
  core.known.push(...others.map(member));
  return { core, membership: new Membership(new Serf({ name: "me" }), (_delegate: Delegate) => core) };
}

const GOSSIP: SwimEvent = { type: "timer", name: "gossip" };

Deno.test("leaving says the intent, waits until it is gossiped, and only then leaves", () => {
  const { core, membership } = make(["other"]);
  const effects = membership.step({ type: "leave" }, 1000);
  assert.deepEqual(core.asked, ["broadcast leave intent/me"]);
  assert.deepEqual(effects, [{ do: "timer", name: "membership/intent", at: 1000 + LIMITS.gossipIntentMsMax }]);
  assert.deepEqual(membership.step(GOSSIP, 1100), []);
  core.waiting = 0;
  assert.deepEqual(membership.step(GOSSIP, 1200), [{ do: "timer", name: "membership/intent", at: null }, {
    do: "left",
  }]);
  assert.deepEqual(core.asked, ["broadcast leave intent/me", "timer", "timer", "leave"]);
  // Once is enough.
  assert.deepEqual(membership.step({ type: "leave" }, 1300), []);
});

Deno.test("leaving goes on when the intent is not gossiped in time", () => {
  const { core, membership } = make(["other"]);
  membership.step({ type: "leave" }, 1000);
  const effects = membership.step({ type: "timer", name: "membership/intent" }, 1000 + LIMITS.gossipIntentMsMax);
  assert.ok(effects.some((effect) => effect.do === "left"));
  assert.equal(core.asked.at(-1), "leave");
});

Deno.test("who is alone leaves at once", () => {
  const { core, membership } = make([]);
  const effects = membership.step({ type: "leave" }, 1000);
  assert.ok(effects.some((effect) => effect.do === "left"));
  assert.deepEqual(core.asked, ["broadcast leave intent/me", "leave"]);
});

Deno.test("what serf wants gossiped goes to the core, what it tells comes out, and the rest passes through", () => {
  const { core, membership } = make(["other"]);
  const from = { address: "10.0.0.2", port: 7946 };
  core.next = [
    { do: "member", change: "joined", member: member("other") },
    { do: "user", from, bytes: encodeSerfMessage({ type: "leave", ltime: 4, node: "other" }) },
    { do: "user", from, bytes: new Uint8Array([64]) },
    { do: "joined", token: 9, reached: 1, errors: [] },
  ];
  const effects = membership.step({ type: "packet", from, messages: [] }, 1);
  assert.deepEqual(effects, [
    { do: "member", change: "joined", status: "alive", member: member("other") },
    { do: "message", from, bytes: new Uint8Array([64]) },
    { do: "joined", token: 9, reached: 1, errors: [] },
  ]);
  assert.deepEqual(core.asked, ["packet", "broadcast leave intent/other", "broadcast join intent/me"]);
  assert.equal(membership.status("other"), "leaving");
});

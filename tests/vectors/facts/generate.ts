/**
 * Writes one file for each case: `./denow run --allow-read --allow-write tests/vectors/facts/generate.ts`. A file says
 * after each event what the member told whom, and its whole state. The files are frozen: a change in one is a change of
 * the protocol.
 */
import type { Json, JsonObject } from "../../../base/json.ts";
import { seededRng } from "../../../base/rng.ts";
import type { Fact, FactEffect, FactEvent, FactsCore } from "../../../cluster/facts/contract.ts";
import { createFacts } from "../../../cluster/facts/core.ts";
import { USER_KINDS } from "../../../cluster/user_kinds.ts";
import { type Case, CASES, type Happening } from "./cases.ts";

/** 2025-11-20T00:00:00Z */
const START = Date.UTC(2025, 10, 20);

/** A case with what follows from each of its events. */
export function played({ title, self, members, events }: Case): JsonObject {
  const { name, ...endpoint } = self;
  const node = createFacts({ self: name, endpoint, rng: seededRng(1) });
  node.step({ type: "members", names: members }, START);
  let now = START;
  const steps = events.map((event): JsonObject => {
    if ("wait" in event) now += event.wait;
    const effects = "wait" in event ? [] : node.step(eventOf(event), now);
    return { event: event as unknown as Json, ...outcome(effects), state: stateOf(node) };
  });
  return { title, self, members, steps };
}

function eventOf(happening: Exclude<Happening, { wait: number }>): FactEvent {
  if ("set" in happening) {
    const { as, ...set } = happening.set;
    return { type: "set", ...set, ...(as !== undefined && { origin: as }) };
  }
  if ("members" in happening) return { type: "members", names: happening.members };
  if ("healed" in happening) return { type: "healed", facts: happening.healed as unknown as Fact[] };
  const text = "text" in happening ? happening.text : JSON.stringify(happening.message);
  const bytes = new Uint8Array([USER_KINDS.fact, ...new TextEncoder().encode(text)]);
  return { type: "message", from: happening.from, bytes };
}

/** What the member did: whom it told what, what it learned and how, why it dropped a message. */
function outcome(effects: readonly FactEffect[]): JsonObject {
  const tells = effects.flatMap((effect) => effect.do === "tell" ? [effect] : []);
  const learned = effects.flatMap((one) => one.do === "learned" ? [{ how: one.how, uuid: one.fact.uuid }] : []);
  const dropped = effects.flatMap((one) => one.do === "heard" && one.dropped !== undefined ? [one.dropped] : []);
  const texts = new Set(tells.map(({ bytes }) => new TextDecoder().decode(bytes.subarray(1))));
  return {
    ...(tells.length > 0 && { tells: tells.map(({ member }) => member), messages: [...texts] }),
    ...(learned.length > 0 && { learned }),
    ...(dropped.length > 0 && { dropped: dropped[0]! }),
  };
}

function stateOf(node: FactsCore): JsonObject {
  return { facts: node.list() as unknown as Json, counts: { ...node.counts() } };
}

if (import.meta.main) {
  for (const [name, one] of Object.entries(CASES)) {
    const text = JSON.stringify(played(one), null, 2) + "\n";
    await Deno.writeTextFile(new URL(`./${name}.json`, import.meta.url), text);
  }
}

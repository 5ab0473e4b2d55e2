/** Facts as a pure step function; the rules stand in contract.ts. */
import { JabberError } from "../../base/errors.ts";
import { UlidMaker } from "../../base/ids.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Rng } from "../../base/rng.ts";
import type { Endpoint } from "../swim/messages.ts";
import type { Fact, FactCounts, FactDrop, FactEffect, FactEvent, FactMessage, FactsCore } from "./contract.ts";
import { checkFact, decodeFact, encodeFact } from "./message.ts";
import { receivers, ttlFor } from "./spread.ts";

export interface FactsDeps {
  /** This member's name. */
  readonly self: string;
  readonly endpoint: Endpoint;
  readonly rng: Rng;
}

interface Core extends FactsDeps {
  readonly ids: UlidMaker;
  /** By origin and name. */
  readonly facts: Map<string, Fact>;
  /** Uuid → when it is forgotten; the oldest come first. */
  readonly seen: Map<string, number>;
  readonly counts: FactCounts;
  /** This one among them. */
  members: readonly string[];
}

export function createFacts(deps: FactsDeps): FactsCore {
  const core: Core = {
    ...deps,
    ids: new UlidMaker(deps.rng),
    facts: new Map(),
    seen: new Map(),
    counts: { sent: 0, received: 0, malformed: 0, duplicate: 0, older: 0, full: 0 },
    members: [deps.self],
  };
  return {
    step: (event, now) => step(core, event, now),
    get: (origin, name) => core.facts.get(keyOf({ origin, name })),
    list: () => [...core.facts.values()].sort(byOriginAndName),
    counts: () => core.counts,
  };
}

function step(core: Core, event: FactEvent, now: number): FactEffect[] {
  switch (event.type) {
    case "set":
      return set(core, event, now);
    case "message":
      return hear(core, event, now);
    case "members":
      core.members = [...new Set([core.self, ...event.names])];
      return [];
    case "healed":
      return event.facts.flatMap((fact) => {
        const why = judge(core, fact);
        return why === undefined ? [learn(core, "healed", fact)] : [];
      });
  }
}

function set(core: Core, event: FactEvent & { type: "set" }, now: number): FactEffect[] {
  const { name, value, origin = core.self } = event;
  const before = core.facts.get(keyOf({ origin, name }));
  try {
    checkFact({ origin, name, value });
    if (before === undefined && core.facts.size >= LIMITS.factsMax) {
      throw new JabberError("fact.full", `${core.facts.size}`);
    }
  } catch (cause) {
    if (!(cause instanceof JabberError)) throw cause;
    return [{ do: "refused", error: cause.toBody() }];
  }
  const fact: Fact = {
    ...{ origin, name, value },
    // At the last number there is, the later uuid wins.
    version: Math.min((before?.version ?? 0) + 1, Number.MAX_SAFE_INTEGER),
    uuid: core.ids.next(now),
    by: core.self,
    ...core.endpoint,
  };
  remember(core, fact.uuid, now);
  const learned = learn(core, "set", fact);
  return [learned, ...spread(core, { fact, ttl: ttlFor(core.members.length) }, []), { do: "set", fact }];
}

function hear(core: Core, { from, bytes }: FactEvent & { type: "message" }, now: number): FactEffect[] {
  core.counts.received++;
  const message = decodeFact(bytes);
  const dropped = message === undefined ? "malformed" : whyDropped(core, message.fact, now);
  if (dropped !== undefined) core.counts[dropped]++;
  const heard: FactEffect = { do: "heard", from, bytes: bytes.length, message, dropped };
  if (message === undefined || dropped !== undefined) return [heard];
  const { fact, ttl } = message;
  const learned = learn(core, "heard", fact);
  // Who told it, and who wrote it, know it.
  return [heard, learned, ...(ttl > 0 ? spread(core, { fact, ttl: ttl - 1 }, [from, fact.by]) : [])];
}

function whyDropped(core: Core, fact: Fact, now: number): FactDrop | undefined {
  if (!remember(core, fact.uuid, now)) return "duplicate";
  return judge(core, fact);
}

/** Notes the uuid; false when it was known already. */
function remember({ seen }: Core, uuid: string, now: number): boolean {
  for (const [known, until] of seen) {
    if (until > now) break;
    seen.delete(known);
  }
  if (seen.has(uuid)) return false;
  if (seen.size >= LIMITS.factSeenMax) { for (const oldest of seen.keys().take(1)) seen.delete(oldest); }
  seen.set(uuid, now + LIMITS.factSeenMs);
  return true;
}

/** Why the fact is no news; undefined when it is. */
function judge(core: Core, fact: Fact): "older" | "full" | undefined {
  const known = core.facts.get(keyOf(fact));
  if (known === undefined) return core.facts.size >= LIMITS.factsMax ? "full" : undefined;
  const wins = fact.version > known.version || (fact.version === known.version && fact.uuid > known.uuid);
  return wins ? undefined : "older";
}

function learn(core: Core, how: "set" | "heard" | "healed", fact: Fact): FactEffect {
  const key = keyOf(fact);
  const before = core.facts.get(key);
  core.facts.set(key, fact);
  return { do: "learned", how, fact, before };
}

function spread(core: Core, message: FactMessage, but: readonly string[]): FactEffect[] {
  const bytes = encodeFact(message);
  const told = receivers(message.fact.uuid, core.members, core.self).filter((name) => !but.includes(name));
  core.counts.sent += told.length;
  return told.map((member) => ({ do: "tell", member, message, bytes }));
}

/** A name has no slash in it. */
function keyOf({ origin, name }: { origin: string; name: string }): string {
  return `${origin}/${name}`;
}

function byOriginAndName(a: Fact, b: Fact): number {
  if (a.origin !== b.origin) return a.origin < b.origin ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

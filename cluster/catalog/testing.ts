/**
 * Copies of the catalog in memory that exchange over a network one can break: for the tests here and the simulator.
 * Every message goes through its JSON text, every commit through a store. An agent's proof is plain JSON here.
 */
import { JabberError } from "../../base/errors.ts";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { randomBelow, type Rng, seededRng } from "../../base/rng.ts";
import type { Row } from "../../base/store.ts";
import { type MemoryEngine, memoryEngine } from "../../base/store/memory.ts";
import { nodeIdOf } from "../../wire/identity/ids.ts";
import { type PrivateKey, privateKeyFromSeed } from "../../wire/keys.ts";
import {
  type AgentProof,
  CATALOG_TABLES,
  type CatalogCore,
  type CatalogDeps,
  type CatalogEffect,
  type CatalogEvent,
  type Delta,
  type Question,
} from "./contract.ts";
import { createCatalogCore } from "./core.ts";
import { deltaJson, parseDelta, parseQuestion } from "./delta.ts";

export const CLUSTER = "lab";
export const NOW = Date.UTC(2026, 10, 20, 12);

/** A claim as `verifyProof` of the copies here reads it. */
export function proofOf(agent: string, node: string, epoch: number): string {
  return JSON.stringify({ agent, node, epoch });
}

export function readProof(text: string): AgentProof | undefined {
  try {
    const claim: unknown = JSON.parse(text);
    if (!isJsonObject(claim)) return undefined;
    const { agent, node, epoch } = claim;
    if (typeof agent !== "string" || typeof node !== "string" || typeof epoch !== "number") return undefined;
    return { agent, node, epoch };
  } catch {
    return undefined;
  }
}

/** One server's copy: its core, its disk, and what it was heard to say. */
export class Copy {
  readonly node: string;
  readonly key: PrivateKey;
  core!: CatalogCore;
  disk: MemoryEngine = memoryEngine();
  /** Its wall clock minus the fleet's. */
  skew = 0;
  /** Commits wait for `land` instead of being done at once. */
  slow = false;
  readonly effects: CatalogEffect[] = [];
  readonly #fleet: Fleet;
  readonly #deps: CatalogDeps;
  #pending: (CatalogEffect & { do: "persist" })[] = [];
  #token = 0;

  constructor(fleet: Fleet, key: PrivateKey, deps: Partial<CatalogDeps>) {
    this.#fleet = fleet;
    this.key = key;
    this.node = nodeIdOf(key.public.jwk);
    this.#deps = {
      cluster: CLUSTER,
      node: this.node,
      key,
      rng: fleet.rng,
      keyOf: (node) => fleet.copies.find((copy) => copy.node === node)?.key.public,
      readStatement: () => undefined,
      verifyProof: readProof,
      gossipBytesMax: 1300,
      ...deps,
    };
    this.boot();
  }

  get now(): number {
    return this.#fleet.now + this.skew;
  }

  /** Starts, or starts again, from what the disk holds. What was not on it is lost. */
  boot(): void {
    this.#pending = [];
    this.core = createCatalogCore(this.#deps);
    const rows = Object.fromEntries(
      Object.entries(CATALOG_TABLES).map(([name, table]): [string, Row[]] => [
        name,
        this.disk.rows(table, { limit: Infinity }),
      ]),
    ) as Record<keyof typeof CATALOG_TABLES, Row[]>;
    this.step({ type: "booted", rows });
  }

  /** A copy of the disk as it is now: `disk` may be set to it later. */
  snapshot(): MemoryEngine {
    const other = memoryEngine();
    for (const table of Object.values(CATALOG_TABLES)) {
      for (const { key, row } of this.disk.rows(table, { limit: Infinity })) {
        other.commit([{ op: "put", table, key, row }]);
      }
    }
    return other;
  }

  step(event: CatalogEvent): CatalogEffect[] {
    const effects = this.core.step(event, this.now);
    this.effects.push(...effects);
    const all = [...effects];
    for (const effect of effects) {
      if (effect.do !== "persist") continue;
      this.#pending.push(effect);
      if (!this.slow) all.push(...this.land());
    }
    return all;
  }

  /** Does the commit that waits; with `lost` the answer never comes, as in a crash right after it. */
  land(lost = false): CatalogEffect[] {
    const commit = this.#pending.shift();
    if (commit === undefined) return [];
    this.disk.commit(commit.ops);
    return lost ? [] : this.step({ type: "persisted", token: commit.token });
  }

  /** The commit that waits fails: the disk is full. */
  fail(): CatalogEffect[] {
    const commit = this.#pending.shift();
    if (commit === undefined) return [];
    return this.step({ type: "persistFailed", token: commit.token, error: new JabberError("store.full").toBody() });
  }

  /** Writes; the effects up to the answer, unless commits wait. */
  write(kind: string, id: string, value: JsonObject | null): CatalogEffect[] {
    return this.step({ type: "write", token: ++this.#token, kind, id, value });
  }

  hear(from: Copy, delta: Delta): CatalogEffect[] {
    return this.step({ type: "delta", from: from.node, delta: throughText(delta), token: ++this.#token });
  }

  /** Answers a question; undefined when it could not. */
  answer(from: Copy, question: Question): Delta | undefined {
    const asked = parseQuestion(JSON.stringify(question));
    const effects = this.step({ type: "digest", token: ++this.#token, from: from.node, ...asked });
    return effects.find((effect) => effect.do === "missing")?.delta;
  }

  /** Asks until the other one has no more; at most `parts` times. True when all of it came. */
  pull(from: Copy, parts = 1000): boolean {
    for (let part = 0; part < parts; part++) {
      const delta = from.answer(this, this.core.ask(from.node, this.now));
      const merged = delta && this.hear(from, delta).find((effect) => effect.do === "merged");
      if (merged === undefined) return false;
      if (!merged.again) return true;
    }
    return false;
  }

  /** What it wanted to be gossiped since the last time. */
  takeGossip(): Delta[] {
    const deltas = this.effects.flatMap((effect) => effect.do === "gossip" ? [effect.delta] : []);
    this.effects.length = 0;
    return deltas;
  }

  counted(name: string): number {
    return this.effects.reduce(
      (sum, effect) => sum + (effect.do === "count" && effect.name === name ? effect.by : 0),
      0,
    );
  }
}

/** Some copies that know each other's keys, and their common time. */
export class Fleet {
  readonly rng: Rng;
  readonly copies: Copy[] = [];
  now = NOW;

  constructor(size: number, seed = 1, deps: Partial<CatalogDeps> = {}) {
    this.rng = seededRng(seed);
    for (let i = 0; i < size; i++) this.add(deps);
  }

  add(deps: Partial<CatalogDeps> = {}): Copy {
    const copy = new Copy(this, privateKeyFromSeed(this.rng.bytes(32)), deps);
    this.copies.push(copy);
    return copy;
  }

  /** Both ask the other, until neither lacks anything. */
  meet(a: Copy, b: Copy): void {
    a.pull(b);
    b.pull(a);
  }

  /** Random pairs meet, each message lost with the probability `loss`. */
  gossip(rounds: number, loss: number): void {
    for (let i = 0; i < rounds; i++) {
      const a = this.#any();
      const b = this.#any();
      if (a === b) continue;
      for (const delta of a.takeGossip()) if (this.rng.float() >= loss) b.hear(a, delta);
      if (this.rng.float() >= loss) a.pull(b, 1 + randomBelow(this.rng, 4));
    }
  }

  /** Every copy meets every other one, twice: then all are equal that ever will be. */
  settle(): void {
    for (let round = 0; round < 2; round++) {
      for (const a of this.copies) for (const b of this.copies) if (a !== b) this.meet(a, b);
    }
  }

  #any(): Copy {
    return this.copies[randomBelow(this.rng, this.copies.length)]!;
  }
}

function throughText(delta: Delta): Delta {
  return parseDelta(JSON.stringify(deltaJson(delta)));
}

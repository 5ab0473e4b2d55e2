/** Servers' node cores on one table: what one tells or gossips, the others hear at once, unless somebody is cut off. */
import { memoryEngine } from "../../base/store/memory.ts";
import { randomBelow, type Rng, seededRng } from "../../base/rng.ts";
import { nodeIdOf } from "../../wire/identity/ids.ts";
import { privateKeyFromSeed, publicKeyFromJwk } from "../../wire/keys.ts";
import { CATALOG_TABLES } from "../catalog/contract.ts";
import { createCatalogCore } from "../catalog/core.ts";
import { CLUSTER, NOW, readProof } from "../catalog/testing.ts";
import { createFacts } from "../facts/core.ts";
import type { NodeCore, NodeEffect, NodeEvent } from "./contract.ts";
import { createNodeCore } from "./core.ts";

export const MESSAGE_BYTES_MAX = 1300;

/** A statement as the servers here read it: the key it vouches for. */
export function statementOf(x: string): string {
  return `statement of ${x}`;
}

export function readStatement(jws: string): ReturnType<Parameters<typeof createCatalogCore>[0]["readStatement"]> {
  const x = /^statement of (.+)$/.exec(jws)?.[1];
  if (x === undefined) return undefined;
  const key = publicKeyFromJwk({ kty: "OKP", crv: "Ed25519", x });
  return { node: nodeIdOf(key.jwk), key };
}

export class LabServer {
  readonly name: string;
  readonly disk = memoryEngine();
  readonly heard: NodeEffect[] = [];
  core: NodeCore;
  cutOff = false;
  diskFails = false;
  readonly #lab: Lab;
  readonly #make: () => NodeCore;

  constructor(lab: Lab, index: number) {
    const key = privateKeyFromSeed(new Uint8Array(32).fill(index + 1));
    this.#lab = lab;
    this.name = nodeIdOf(key.public.jwk);
    this.#make = () => {
      const catalog = createCatalogCore({
        cluster: CLUSTER,
        node: this.name,
        key,
        rng: lab.rng,
        keyOf: (node) => readStatement(String(catalog.get("node", node)?.value?.["statement"]))?.key,
        readStatement,
        verifyProof: readProof,
        gossipBytesMax: MESSAGE_BYTES_MAX - 128,
      });
      const endpoint = { address: `10.0.0.${index + 1}`, port: 7946 };
      return createNodeCore({
        node: this.name,
        statement: statementOf(key.public.jwk.x),
        catalog,
        facts: createFacts({ self: this.name, endpoint, rng: lab.rng }),
        messageBytesMax: MESSAGE_BYTES_MAX,
        describe: (state) => ({ state, gossip: `${endpoint.address}:${endpoint.port}` }),
      });
    };
    this.core = this.#make();
  }

  boot(): void {
    this.core = this.#make();
    const rows = (table: string) => this.disk.rows(table, { limit: Infinity });
    const { record, loser, log, self } = CATALOG_TABLES;
    this.feed({ type: "booted", rows: { record: rows(record), loser: rows(loser), log: rows(log), self: rows(self) } });
    this.feed({ type: "start", join: [] });
  }

  feed(event: NodeEvent): void {
    this.#lab.queue.push({ to: this, event });
  }

  step(event: NodeEvent): void {
    for (const effect of this.core.step(event, { wall: this.#lab.now, steady: this.#lab.now - NOW })) {
      this.heard.push(effect);
      if (effect.do === "persist" && this.diskFails) {
        const error = { code: "store.full", message: "no room" };
        this.feed({ type: "persistFailed", token: effect.token, error });
      } else if (effect.do === "persist") {
        this.disk.commit(effect.ops);
        this.feed({ type: "persisted", token: effect.token });
      } else if (effect.do === "broadcast") this.#lab.tell(this, this.#lab.servers, effect.bytes);
      else if (effect.do === "tell") {
        this.#lab.tell(this, this.#lab.servers.filter(({ name }) => name === effect.member), effect.bytes);
      } else if (effect.do === "leave") this.feed({ type: "left" });
    }
  }
}

export class Lab {
  now = NOW;
  readonly rng: Rng;
  readonly queue: { to: LabServer; event: NodeEvent }[] = [];
  readonly servers: LabServer[];
  /** Probability that a message is lost. */
  loss = 0;
  #token = 0;

  constructor(count: number, seed: number) {
    this.rng = seededRng(seed);
    this.servers = Array.from({ length: count }, (_, index) => new LabServer(this, index));
    for (const server of this.servers) server.boot();
    const names = this.servers.map(({ name }) => name);
    for (const server of this.servers) {
      server.feed({
        type: "servers",
        names: names.filter((name) => name !== server.name),
        known: new Set(names),
      });
    }
    this.settle();
  }

  get token(): number {
    return ++this.#token;
  }

  tell(from: LabServer, to: readonly LabServer[], bytes: Uint8Array): void {
    for (const server of to) {
      const lost = server === from || from.cutOff || server.cutOff || (this.loss > 0 && this.rng.float() < this.loss);
      if (!lost) server.feed({ type: "message", from: from.name, bytes });
    }
  }

  /** Until nobody has anything to say. */
  settle(): void {
    for (let steps = 0; this.queue.length > 0; steps++) {
      if (steps > 100_000) throw new Error("the servers never come to rest");
      const { to, event } = this.queue.shift()!;
      to.step(event);
    }
  }

  /** Pairs of servers compare, as they do with each push/pull, until all have had the chance. */
  compare(rounds = 4): void {
    for (let round = 0; round < rounds; round++) {
      for (const server of this.servers) {
        const other = this.servers[randomBelow(this.rng, this.servers.length)]!;
        if (other === server || server.cutOff || other.cutOff) continue;
        const [mine, theirs] = [server.core.localState(), other.core.localState()];
        server.feed({ type: "merged", bytes: theirs });
        other.feed({ type: "merged", bytes: mine });
      }
      this.settle();
      this.now += 30_000;
    }
  }

  hashes(): number {
    return new Set(this.servers.map(({ core }) => core.catalog.hash())).size;
  }
}

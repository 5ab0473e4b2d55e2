/** One server within its cluster; the rules stand in contract.ts. */
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { CatalogCore, CatalogEffect, CatalogEvent, Delta, Digest, Entry } from "../catalog/contract.ts";
import type { FactEffect, FactEvent, FactsCore } from "../facts/contract.ts";
import { readFact } from "../facts/message.ts";
import type { Endpoint } from "../swim/messages.ts";
import { USER_KINDS } from "../user_kinds.ts";
import { readAddress } from "./address.ts";
import type { NodeCore, NodeEffect, NodeEvent, NodeState, Times } from "./contract.ts";
import { decodeNodeMessage, encodeNodeMessage, markOf, type NodeMessage } from "./messages.ts";

export interface NodeDeps {
  /** This server's node id; also its name in gossip. */
  readonly node: string;
  /** The CA's statement about this server: by it others know its key. */
  readonly statement: string;
  readonly catalog: CatalogCore;
  readonly facts: FactsCore;
  /** Room for one user message in a datagram. */
  readonly messageBytesMax: number;
  /** This server's own record in the catalog. */
  readonly describe: (state: NodeState) => JsonObject;
}

const JOIN_TIMER = "node/join";
const TELL_TIMER = "node/tell";
const CATALOG_TIMERS = "catalog/";

/** Who waits for a write. */
type Waiting = { for: "caller" | "fact"; token: number } | { for: "nobody"; told: Told };

/** What this server itself has to tell the others. */
interface Told {
  readonly kind: string;
  readonly id: string;
  readonly value: JsonObject | null;
}

export function createNodeCore(deps: NodeDeps): NodeCore {
  return new Node(deps);
}

class Node implements NodeCore {
  state: NodeState = "INITIALIZED";
  readonly catalog: CatalogCore;
  readonly facts: FactsCore;
  readonly #deps: NodeDeps;
  readonly #writes = new Map<number, Waiting>();
  /** Key → what was told last and could not be stored: tried again. */
  readonly #untold = new Map<string, Told>();
  /** Questions that the catalog is answering, and answers that it is merging: token → the other server. */
  readonly #asking = new Map<number, string>();
  readonly #merging = new Map<number, string>();
  /** Who was asked, and until when the answer may come. */
  #asked: { server: string; until: number } | undefined;
  #join: readonly Endpoint[] = [];
  /** Names that membership knows. */
  #known: ReadonlySet<string> = new Set();
  #lastToken = 0;
  #out: NodeEffect[] = [];
  #now: Times = { wall: 0, steady: 0 };

  constructor(deps: NodeDeps) {
    this.#deps = deps;
    this.catalog = deps.catalog;
    this.facts = deps.facts;
  }

  localState(): Uint8Array {
    return encodeNodeMessage({ kind: "mark", from: this.#deps.node, mark: markOf(this.catalog.digest()) });
  }

  step(event: NodeEvent, now: Times): NodeEffect[] {
    this.#now = now;
    this.#out = [];
    this.#dispatch(event);
    return this.#out;
  }

  #dispatch(event: NodeEvent): void {
    switch (event.type) {
      case "booted":
        return this.#boot(event);
      case "start":
        return this.#start(event.join);
      case "message":
        return this.#hear(event.from, event.bytes);
      case "merged":
        return this.#hear("", event.bytes);
      case "servers":
        this.#known = event.known;
        return this.#factStep({ type: "members", names: event.names });
      case "joined":
        return this.#joined(event.reached);
      case "timer":
        return this.#timer(event.name);
      case "persisted":
      case "persistFailed":
        return this.#catalogStep(event);
      case "write":
        return this.#write(event, { for: "caller", token: event.token });
      case "tell":
        return this.#tellAll({ kind: event.kind, id: event.id, value: event.value });
      case "setFact":
        return this.#setFact(event);
      case "leave":
        this.#enter("DRAINING");
        this.#out.push({ do: "timer", name: JOIN_TIMER, at: null }, { do: "leave" });
        return;
      case "left":
        return this.#enter("STOPPED");
      default:
        event satisfies never;
    }
  }

  #boot({ rows }: NodeEvent & { type: "booted" }): void {
    this.#catalogStep({ type: "booted", rows });
    this.#heal(this.catalog.list("fact"));
    const { node, statement } = this.#deps;
    if (this.catalog.get("node", node)?.value?.["statement"] === statement) return;
    this.#tellAll({ kind: "node", id: node, value: { statement } });
  }

  #start(join: readonly Endpoint[]): void {
    this.#join = join;
    this.#enter(join.length > 0 ? "JOINING" : "READY");
    if (join.length > 0) this.#out.push({ do: "join", endpoints: join });
    else this.#lookAgain(LIMITS.lookForServersMs);
  }

  #joined(reached: number): void {
    if (this.state !== "JOINING") return;
    if (reached > 0) this.#enter("READY");
    this.#lookAgain(reached > 0 ? LIMITS.lookForServersMs : LIMITS.rejoinEveryMs);
  }

  #enter(state: NodeState): void {
    if (this.state === state) return;
    this.state = state;
    this.#out.push({ do: "state", state });
    // Nobody hears any more what a stopped server says of itself.
    if (state !== "STOPPED") this.#tellAll({ kind: "server", id: this.#deps.node, value: this.#deps.describe(state) });
  }

  #timer(name: string): void {
    if (name === TELL_TIMER) return this.#tellAgain();
    if (name !== JOIN_TIMER) return this.#catalogStep({ type: "timer", name: name.slice(CATALOG_TIMERS.length) });
    if (this.state === "JOINING") this.#out.push({ do: "join", endpoints: this.#join });
    if (this.state !== "READY") return;
    const endpoints = this.#strangers();
    if (endpoints.length > 0) this.#out.push({ do: "join", endpoints });
    this.#lookAgain(LIMITS.lookForServersMs);
  }

  #lookAgain(ms: number): void {
    this.#out.push({ do: "timer", name: JOIN_TIMER, at: this.#now.steady + ms });
  }

  /** Where servers of the catalog hear that membership has forgotten, or never met, and that have not left. */
  #strangers(): Endpoint[] {
    const away = this.catalog.list("server").filter(({ id, value }) =>
      id !== this.#deps.node && !this.#known.has(id) && value?.["state"] !== "DRAINING"
    );
    return away.flatMap(({ value }) => readAddress(value?.["gossip"]) ?? []).slice(0, LIMITS.joinEndpointsMax);
  }

  #hear(from: string, bytes: Uint8Array): void {
    if (bytes[0] === USER_KINDS.fact) return this.#factStep({ type: "message", from, bytes });
    const message = decodeNodeMessage(bytes);
    if ("fault" in message) return this.#count(`node.${message.fault}`);
    switch (message.kind) {
      case "delta":
        return this.#catalogStep({ type: "delta", from: message.from, delta: message.delta });
      case "have":
        return this.#merge(message.from, message.delta);
      case "news":
        if (this.#lacks(message.digest)) this.#ask(message.from);
        return;
      case "mark":
        if (message.mark !== markOf(this.catalog.digest())) this.#ask(message.from);
        return;
      case "ask": {
        const token = ++this.#lastToken;
        this.#asking.set(token, message.from);
        return this.#catalogStep({ type: "digest", token, from: message.from, ...message.question });
      }
      default:
        message satisfies never;
    }
  }

  #lacks(digest: Digest): boolean {
    const mine = this.catalog.digest();
    return Object.entries(digest).some(([log, version]) => version > (mine[log] ?? 0));
  }

  #ask(server: string): void {
    const { steady, wall } = this.#now;
    if (server === this.#deps.node || (this.#asked !== undefined && this.#asked.until > steady)) return;
    this.#asked = { server, until: steady + LIMITS.catalogAnswerMsMax };
    this.#tell(server, { kind: "ask", from: this.#deps.node, question: this.catalog.ask(server, wall) });
  }

  #merge(server: string, delta: Delta): void {
    if (this.#asked?.server === server) this.#asked = undefined;
    const token = ++this.#lastToken;
    this.#merging.set(token, server);
    this.#catalogStep({ type: "delta", from: server, delta, token });
  }

  #tell(server: string, message: NodeMessage): void {
    this.#out.push({ do: "tell", member: server, bytes: encodeNodeMessage(message), over: "stream" });
  }

  #write({ kind, id, value }: Told, waiting: Waiting): void {
    const token = ++this.#lastToken;
    this.#writes.set(token, waiting);
    this.#catalogStep({ type: "write", token, kind, id, value });
  }

  /** A record that nobody waits for, and that must come to be: tried again until it is stored, or not allowed. */
  #tellAll(told: Told): void {
    this.#untold.set(keyOf(told), told);
    this.#write(told, { for: "nobody", told });
  }

  #tellAgain(): void {
    for (const told of [...this.#untold.values()]) this.#write(told, { for: "nobody", told });
  }

  #catalogStep(event: CatalogEvent): void {
    for (const effect of this.catalog.step(event, this.#now.wall)) this.#heardOfCatalog(effect);
  }

  #heardOfCatalog(effect: CatalogEffect): void {
    switch (effect.do) {
      case "written":
        return this.#written(effect.token, effect.entry);
      case "merged": {
        const server = taken(this.#merging, effect.token);
        return effect.again && server !== undefined ? this.#ask(server) : undefined;
      }
      case "refused":
        return this.#refused(effect);
      case "gossip":
        return this.#gossip(effect.delta);
      case "news":
        return this.#broadcast({ kind: "news", from: this.#deps.node, digest: effect.digest });
      case "missing": {
        const server = taken(this.#asking, effect.token);
        if (server !== undefined) this.#tell(server, { kind: "have", from: this.#deps.node, delta: effect.delta });
        return;
      }
      case "changed":
        this.#out.push(effect);
        return effect.entry?.kind === "fact" ? this.#heal([effect.entry]) : undefined;
      case "timer": {
        // The catalog's time is the wall clock's; a jump of it must not hold a timer up for as long.
        const at = effect.at === null ? null : this.#now.steady + Math.max(0, effect.at - this.#now.wall);
        this.#out.push({ do: "timer", name: CATALOG_TIMERS + effect.name, at });
        return;
      }
      case "persist":
      case "rejoined":
      case "count":
      case "log":
        this.#out.push(effect);
        return;
      default:
        effect satisfies never;
    }
  }

  #written(token: number, entry: Entry): void {
    const waiting = taken(this.#writes, token);
    if (waiting === undefined) return;
    if (waiting.for === "nobody") return this.#forget(waiting.told);
    const fact = waiting.for === "fact" ? readFact(entry.value) : undefined;
    if (fact !== undefined) this.#out.push({ do: "factSet", token: waiting.token, fact });
    else this.#out.push({ do: "written", token: waiting.token, entry });
  }

  #refused({ token, error }: CatalogEffect & { do: "refused" }): void {
    const server = taken(this.#merging, token);
    if (server !== undefined) return this.#log("what another server sent could not be merged", { server, ...error });
    const waiting = taken(this.#writes, token);
    if (waiting === undefined) return;
    if (waiting.for !== "nobody") {
      this.#out.push({ do: "refused", token: waiting.token, error });
      return;
    }
    const { kind, id } = waiting.told;
    this.#log("a record could not be written", { kind, id, ...error });
    if (!error.code.startsWith("store.")) return this.#forget(waiting.told);
    this.#out.push({ do: "timer", name: TELL_TIMER, at: this.#now.steady + LIMITS.tellAgainMs });
  }

  /** Unless something else was told of it since. */
  #forget(told: Told): void {
    if (this.#untold.get(keyOf(told)) === told) this.#untold.delete(keyOf(told));
  }

  #gossip(delta: Delta): void {
    const [only, ...others] = delta.entries;
    // A newer entry of the same record says all that the older one said.
    const key = only !== undefined && others.length === 0 ? `catalog/${only.kind}/${only.id}` : undefined;
    this.#broadcast({ kind: "delta", from: this.#deps.node, delta }, key);
  }

  #broadcast(message: NodeMessage, key?: string): void {
    const bytes = encodeNodeMessage(message);
    if (bytes.length > this.#deps.messageBytesMax) return this.#count("node.too_large_to_gossip");
    this.#out.push({ do: "broadcast", ...(key !== undefined && { key }), bytes });
  }

  #heal(entries: readonly Entry[]): void {
    const facts = entries.flatMap(({ value }) => readFact(value) ?? []);
    if (facts.length > 0) this.#factStep({ type: "healed", facts });
  }

  #setFact({ token, origin, name, value }: NodeEvent & { type: "setFact" }): void {
    const event: FactEvent = { type: "set", ...(origin !== undefined && { origin }), name, value };
    for (const effect of this.facts.step(event, this.#now.wall)) this.#heardOfFacts(effect, token);
  }

  #factStep(event: FactEvent): void {
    for (const effect of this.facts.step(event, this.#now.wall)) this.#heardOfFacts(effect);
  }

  /** @param token of whoever set the fact */
  #heardOfFacts(effect: FactEffect, token?: number): void {
    switch (effect.do) {
      case "tell":
        this.#out.push({ do: "tell", member: effect.member, bytes: effect.bytes, over: "packet" });
        this.#out.push({ do: "fact", effect });
        return;
      case "heard":
      case "learned":
        this.#out.push({ do: "fact", effect });
        return;
      case "set": {
        const { by, origin, name } = effect.fact;
        const told = { kind: "fact", id: `${by}/${origin}/${name}`, value: { ...effect.fact } };
        return token === undefined ? this.#tellAll(told) : this.#write(told, { for: "fact", token });
      }
      case "refused":
        if (token !== undefined) this.#out.push({ do: "refused", token, error: effect.error });
        return;
      default:
        effect satisfies never;
    }
  }

  #count(name: string): void {
    this.#out.push({ do: "count", name, by: 1 });
  }

  #log(message: string, fields: JsonObject): void {
    this.#out.push({ do: "log", level: "warn", message, fields });
  }
}

function keyOf({ kind, id }: Told): string {
  return `${kind}/${id}`;
}

function taken<V>(map: Map<number, V>, key: number): V | undefined {
  const value = map.get(key);
  map.delete(key);
  return value;
}

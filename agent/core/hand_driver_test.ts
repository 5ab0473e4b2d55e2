/** A tiny driver for tests: performs effects by hand on the store's memory twin, and plays the server's part. */
import type { JsonObject } from "../../base/json.ts";
import { type Rng, seededRng } from "../../base/rng.ts";
import type { Row, Store } from "../../base/store.ts";
import { memoryStore } from "../../base/store/memory.ts";
import { toErrorBody } from "../../base/errors.ts";
import { UlidMaker } from "../../base/ids.ts";
import { rfc3339 } from "../../base/clock.ts";
import { type AnyEnvelope, encodeEnvelope, parseEnvelope } from "../../wire/envelope.ts";
import { privateKeyFromSeed } from "../../wire/keys.ts";
import { composeOrder, composeScript, sign, type TrustList } from "../../wire/sign/mod.ts";
import { AGENT_TABLES, type AgentCoreDeps, type AgentEffect, type AgentEvent, PAGED_TABLES } from "./contract.ts";
import { type AgentCore, createAgentCore } from "./core.ts";
import { DOCUMENTS } from "./documents.ts";
import { failedRead } from "./pages.ts";

export const AGENT = "agent-abcdefghijklmnopqrstuvwxyz";
export const CLUSTER = "lab-1";
export const T0 = Date.parse("2026-11-20T12:00:00.000Z");

export const signer = privateKeyFromSeed(new Uint8Array(32).fill(1));
export const stranger = privateKeyFromSeed(new Uint8Array(32).fill(2));
export const TRUST: TrustList = {
  signers: [{ key: signer.public.kid, x: signer.public.jwk.x, name: "ada" }],
  revoked: [],
  rules: [],
};

const ids = new UlidMaker(seededRng(99));
/** A fresh ULID. */
export const ulid = (at = T0): string => ids.next(at);

export function depsOf(change: Partial<AgentCoreDeps> = {}): AgentCoreDeps {
  return {
    agent: AGENT,
    name: "web-1",
    boot: ulid(),
    version: "0.1.0",
    cluster: CLUSTER,
    policy: { trust: TRUST, tags: { env: "prod" }, unsigned: ["sys.facts"], openScripts: true },
    builtinTags: { os: "linux" },
    documents: DOCUMENTS,
    jobs: [],
    seeds: ["https://a.example:7470", "https://b.example:7470"],
    commands: [{ key: "sys.facts", access: 1 }, { key: "fs.read", access: 2 }, { key: "output.emit", access: 0 }],
    rng: seededRng(7),
    parse: (line) => parseEnvelope(line, "server"),
    ...change,
  };
}

/** What stays when the agent crashes: its disk, and the time. */
export interface World {
  store: Store;
  now: number;
}

export const newWorld = (): World => ({ store: memoryStore(), now: T0 });

export class Hand {
  readonly core: AgentCore;
  /** Every effect, in order. */
  readonly effects: AgentEffect[] = [];
  readonly timers = new Map<string, number>();
  /** Performed one by one by `settle`. */
  readonly todo: AgentEffect[] = [];
  /** What the agent sent on the current connection. */
  sent: AnyEnvelope[] = [];
  attempt = 0;

  constructor(readonly world: World, deps: AgentCoreDeps = depsOf()) {
    this.core = createAgentCore(deps);
  }

  /** Feeds an event; its effects wait for `settle`. */
  push(event: AgentEvent): void {
    const effects = this.core.step(event, this.world.now);
    this.effects.push(...effects);
    this.todo.push(...effects);
  }

  async step(event: AgentEvent): Promise<void> {
    this.push(event);
    await this.settle();
  }

  /** Performs what waits, and what comes of it. */
  async settle(): Promise<void> {
    while (this.todo.length > 0) await this.perform(this.todo.shift()!);
  }

  async perform(effect: AgentEffect): Promise<void> {
    const { store } = this.world;
    if (effect.do === "persist") {
      const { token } = effect;
      try {
        const { conflicts } = await store.commit(effect.ops);
        this.push({ type: "persisted", token, conflicts });
      } catch (cause) {
        this.push({ type: "persistFailed", token, error: toErrorBody(cause) });
      }
    } else if (effect.do === "read") {
      const { token, stream, from, lines, bytes } = effect;
      try {
        const slice = await store.read(stream, from, { lines, bytes });
        this.push({ type: "slice", token, stream, ...slice });
      } catch (cause) {
        this.push(failedRead(effect, toErrorBody(cause)));
      }
    } else if (effect.do === "timer") {
      if (effect.at === null) this.timers.delete(effect.name);
      else this.timers.set(effect.name, effect.at);
    } else if (effect.do === "load") {
      this.push({ type: "loaded" });
    } else if (effect.do === "dial") {
      this.attempt = effect.attempt;
      this.sent = [];
    } else if (effect.do === "send") {
      for (const line of effect.text.split("\n")) this.sent.push(parseEnvelope(line, "agent"));
    }
  }

  async boot(): Promise<void> {
    for (const event of await storedEvents(this.world.store)) this.push(event);
    await this.step(await bootEvent(this.world.store));
  }

  /** Boots and brings the connection to READY. */
  async ready(marks: { stream: string; next: number }[] = []): Promise<void> {
    await this.boot();
    await this.connect(marks);
  }

  async connect(marks: { stream: string; next: number }[] = []): Promise<void> {
    if (this.timers.has("step")) await this.fire("step");
    await this.step({ type: "dialed", attempt: this.attempt });
    await this.say("welcome", {
      protocol: 1,
      node: "node-1",
      cluster: CLUSTER,
      version: "0.1.0",
      proof: "checked by the driver",
      settings: { aliveEveryMs: 30_000 },
      streams: marks,
    });
  }

  /** The timer fires now, and time is where it was set to. */
  async fire(name: string): Promise<void> {
    const at = this.timers.get(name);
    if (at === undefined) throw new Error(`no timer "${name}" is set`);
    this.timers.delete(name);
    this.world.now = Math.max(this.world.now, at);
    await this.step({ type: "timer", name });
  }

  /** The server says something. */
  async say(kind: string, body: unknown, more: JsonObject = {}): Promise<void> {
    await this.step({ type: "frame", attempt: this.attempt, text: serverLine(this.world.now, kind, body, more) });
  }

  /** Acknowledges everything that was sent so far on this connection. */
  async ackAll(): Promise<void> {
    const marks = new Map<string, number>();
    for (const { stream, offset } of this.sent) {
      if (stream !== undefined && offset !== undefined) marks.set(stream, Math.max(marks.get(stream) ?? 0, offset + 1));
    }
    await this.say("ack", { streams: [...marks].map(([stream, next]) => ({ stream, next })) });
  }

  of<T extends AgentEffect["do"]>(kind: T): Extract<AgentEffect, { do: T }>[] {
    return this.effects.filter((effect): effect is Extract<AgentEffect, { do: T }> => effect.do === kind);
  }

  get state(): string | undefined {
    return this.of("state").at(-1)?.state;
  }

  /** The `runState` records that were sent. */
  runStates(state?: string): Extract<AnyEnvelope, { kind: "runState" }>[] {
    return this.sent.filter((envelope) => envelope.kind === "runState")
      .filter(({ body }) => state === undefined || body.state === state);
  }

  /** The code of the only refusal that was sent. */
  refusal(): string | undefined {
    const refused = this.runStates("refused");
    if (refused.length > 1) throw new Error("more than one refusal");
    return refused[0]?.error?.code;
  }
}

export function serverLine(now: number, kind: string, body: unknown, more: JsonObject = {}): string {
  const envelope = { v: 1, id: ulid(now), kind, from: "node-1", time: rfc3339(now), ...more, body };
  // The core's own parser judges it.
  return encodeEnvelope(envelope as AnyEnvelope);
}

/** What a driver reads at the start, before the rest. */
export async function storedEvents(store: Store): Promise<AgentEvent[]> {
  return await Promise.all(PAGED_TABLES.map(async (table) => {
    const rows = await store.rows(AGENT_TABLES[table], { limit: 1_000_000 });
    return { type: "stored" as const, table, rows };
  }));
}

/** What a driver reads at the start. */
export async function bootEvent(store: Store): Promise<AgentEvent> {
  const rows: Partial<Record<keyof typeof AGENT_TABLES, Row[]>> = {};
  for (const [name, table] of Object.entries(AGENT_TABLES)) {
    rows[name as keyof typeof AGENT_TABLES] = await store.rows(table, { limit: 1_000_000 });
  }
  return {
    type: "booted",
    rows: rows as Record<keyof typeof AGENT_TABLES, Row[]>,
    extents: await store.extents(""),
  };
}

/** The text of an order signed by `key`. */
export function orderText(fields: JsonObject = {}, key = signer, now = T0): string {
  const bytes = composeOrder({
    id: ulid(now),
    cluster: CLUSTER,
    does: "command:fs.read",
    args: { path: "/etc/hostname" },
    selector: "os=linux",
    notBefore: rfc3339(now - 1000).replace(/\.\d+/, ""),
    notAfter: rfc3339(now + 3600_000).replace(/\.\d+/, ""),
    ...fields,
  });
  return new TextDecoder().decode(sign(bytes, "order", key, { at: now }));
}

/** A script signed by `key`, as bytes. */
export function scriptBytes(fields: JsonObject = {}, key = signer, now = T0): Uint8Array {
  const bytes = composeScript(
    { name: "hello", access: 2, uses: ["output.emit"], ...fields },
    'output.emit({hi: "you"});\n',
  );
  return sign(bytes, "script", key, { at: now });
}

/** A whole number in [0, below) from a seeded generator. */
export function pick(rng: Rng, below: number): number {
  return Math.floor(rng.float() * below);
}

/**
 * Drives the server's core by hand: one event at a time, on a clock and a disk that the test moves.
 * The disk takes writes and reads in order, when `settle` is called (or at once, while `auto` is on), and can be told to
 * refuse writes. `crash` loses whatever it has not taken yet.
 */
import { rfc3339 } from "../../base/clock.ts";
import type { ErrorBody } from "../../base/errors.ts";
import { UlidMaker } from "../../base/ids.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { seededRng } from "../../base/rng.ts";
import type { CommitResult, Row, RowQuery, StoreOp, StreamExtent } from "../../base/store.ts";
import type {
  AgentProof,
  Operator,
  ServerEffect,
  ServerEvent,
  ServerRequest,
  SharedRecord,
} from "../../server/core/contract.ts";
import { bootEvent, type RowReader } from "../../server/core/boot.ts";
import { createServerCore, type ServerCore, type ServerCoreDeps } from "../../server/core/core.ts";
import type { AnyEnvelope } from "../../wire/envelope.ts";
import type { BodyOf, Kind } from "../../wire/kinds.ts";
import type { TrustList } from "../../wire/sign/mod.ts";

export const NOON = Date.UTC(2030, 0, 1, 12);
export const ALIVE_MS = 1000;
export const ADMIN: Operator = { user: "ada", role: "admin", address: "10.0.0.1" };

type DiskWork = ServerEffect & { do: "persist" | "readRows" | "readExtents" };

/** Tables and streams as they are on disk. */
export class HandDisk {
  readonly tables = new Map<string, Map<string, JsonObject>>();
  readonly streams = new Map<string, Map<number, string>>();

  commit(ops: readonly StoreOp[]): CommitResult["conflicts"] {
    const conflicts: CommitResult["conflicts"] = [];
    for (const op of ops) {
      if (op.op === "put") this.#table(op.table).set(op.key, structuredClone(op.row));
      else if (op.op === "delete") this.#table(op.table).delete(op.key);
      else if (op.op === "append") this.#append(op, conflicts);
      else throw new Error(`${op.op} is not the core's business`);
    }
    return conflicts;
  }

  rows(table: string, { prefix = "", after, before, reverse = false, limit }: RowQuery): Row[] {
    const keys = [...this.#table(table).keys()].sort().filter((key) =>
      key.startsWith(prefix) && (after === undefined || key > after) && (before === undefined || key < before)
    );
    if (reverse) keys.reverse();
    return keys.slice(0, limit).map((key) => ({ key, row: structuredClone(this.#table(table).get(key)!) }));
  }

  lines(stream: string): string[] {
    return [...this.streams.get(stream) ?? []].sort(([a], [b]) => a - b).map(([, line]) => line);
  }

  extents(streams: readonly string[]): StreamExtent[] {
    return streams.flatMap((stream) => {
      const offsets = [...this.streams.get(stream)?.keys() ?? []].sort((a, b) => a - b);
      if (offsets.length === 0) return [];
      const ranges: { from: number; to: number }[] = [];
      for (const offset of offsets) {
        const last = ranges.at(-1);
        if (last?.to === offset) last.to++;
        else ranges.push({ from: offset, to: offset + 1 });
      }
      return [{ stream, ranges, bytes: 0, end: offsets.at(-1)! + 1 }];
    });
  }

  #table(name: string): Map<string, JsonObject> {
    const table = this.tables.get(name) ?? new Map<string, JsonObject>();
    this.tables.set(name, table);
    return table;
  }

  #owned(stream: string): number {
    const owner = stream.slice(0, stream.indexOf("/") + 1);
    return [...this.streams.keys()].filter((name) => name.startsWith(owner)).length;
  }

  #append(op: StoreOp & { op: "append" }, conflicts: CommitResult["conflicts"]): void {
    if (!this.streams.has(op.stream) && this.#owned(op.stream) >= (op.streamsMax ?? Infinity)) {
      conflicts.push({ stream: op.stream, offset: op.first, tooMany: true });
      return;
    }
    const held = this.streams.get(op.stream) ?? new Map<number, string>();
    const bad = op.lines.findIndex((line, i) => held.has(op.first + i) && held.get(op.first + i) !== line);
    if (bad >= 0) {
      conflicts.push({ stream: op.stream, offset: op.first + bad });
      return;
    }
    op.lines.forEach((line, i) => held.set(op.first + i, line));
    this.streams.set(op.stream, held);
  }
}

export interface Announced extends JsonObject {
  event: string;
}

export class HandDriver {
  readonly disk = new HandDisk();
  readonly ids = new UlidMaker(seededRng(7));
  core: ServerCore;
  now = NOON;
  /** Whether the disk takes its work at once. */
  auto = true;
  /** How many of the next writes the disk refuses. */
  refuse = 0;
  readonly work: DiskWork[] = [];
  /** What each session was sent and has not taken yet. */
  readonly sent = new Map<number, AnyEnvelope[]>();
  readonly hungUp = new Map<number, { code: number; reason: string }>();
  readonly answers = new Map<number, { answer: Json } | { error: ErrorBody }>();
  readonly published: { stream: string; first: number; lines: string[] }[] = [];
  readonly announced: Announced[] = [];
  /** What other servers are told. */
  readonly shared: Pick<SharedRecord, "kind" | "id" | "value">[] = [];
  readonly counts = new Map<string, number>();
  readonly timers = new Map<string, number>();
  /** Effects of the last event, in order. */
  last: ServerEffect[] = [];
  readonly #deps: ServerCoreDeps;
  #lastId = 0;

  private constructor(trust: TrustList) {
    this.#deps = {
      node: "server-1",
      cluster: "home",
      version: "9.9.9",
      rng: seededRng(1),
      trust,
      settings: { aliveEveryMs: ALIVE_MS },
    };
    this.core = createServerCore(this.#deps);
  }

  static async boot(trust: TrustList = { signers: [], revoked: [], rules: [] }): Promise<HandDriver> {
    const driver = new HandDriver(trust);
    await driver.#boot();
    return driver;
  }

  /** The process dies and starts again from what the disk had taken. */
  async crash(): Promise<void> {
    this.work.length = 0;
    this.sent.clear();
    this.timers.clear();
    this.core = createServerCore(this.#deps);
    await this.#boot();
  }

  async #boot(): Promise<void> {
    const reader: RowReader = {
      row: (table, key) => Promise.resolve(this.disk.rows(table, { prefix: key, limit: 1 })[0]?.row),
      rows: (table, query) => Promise.resolve(this.disk.rows(table, query)),
    };
    this.feed(await bootEvent(reader));
  }

  feed(event: ServerEvent): ServerEffect[] {
    const effects = this.core.step(event, this.now);
    this.last = effects;
    for (const effect of effects) this.#perform(effect);
    if (this.auto) this.settle();
    return effects;
  }

  /** Lets the disk take work, oldest first. */
  settle(most = Infinity): void {
    for (let done = 0; done < most; done++) {
      const next = this.work.shift();
      if (next === undefined) return;
      this.feed(this.#take(next));
    }
  }

  #take(work: DiskWork): ServerEvent {
    const { token } = work;
    if (work.do === "readRows") return { type: "rows", token, rows: this.disk.rows(work.table, work.query) };
    if (work.do === "readExtents") return { type: "extents", token, extents: this.disk.extents(work.streams) };
    if (this.refuse > 0) {
      this.refuse--;
      return { type: "persistFailed", token, error: { code: "store.full", message: "the disk is full" } };
    }
    return { type: "persisted", token, conflicts: this.disk.commit(work.ops) };
  }

  #perform(effect: ServerEffect): void {
    switch (effect.do) {
      case "persist":
      case "readRows":
      case "readExtents":
        this.work.push(effect);
        return;
      case "send":
        this.sent.set(effect.session, [...this.sent.get(effect.session) ?? [], JSON.parse(effect.text)]);
        return;
      case "hangUp":
        this.hungUp.set(effect.session, { code: effect.code, reason: effect.reason });
        return;
      case "reply":
        this.#answer(effect.id, { answer: effect.answer });
        return;
      case "fail":
        this.#answer(effect.id, { error: effect.error });
        return;
      case "publish":
        this.published.push({ stream: effect.stream, first: effect.first, lines: effect.lines });
        return;
      case "announce":
        this.announced.push({ event: effect.event, ...effect.fields });
        return;
      case "share":
        this.shared.push({ kind: effect.kind, id: effect.id, value: effect.value });
        return;
      case "timer":
        if (effect.at === null) this.timers.delete(effect.name);
        else this.timers.set(effect.name, effect.at);
        return;
      case "count":
        this.counts.set(effect.name, (this.counts.get(effect.name) ?? 0) + effect.by);
        return;
      case "log":
        return;
      default:
        effect satisfies never;
    }
  }

  #answer(id: number, answer: { answer: Json } | { error: ErrorBody }): void {
    if (this.answers.has(id)) throw new Error(`request ${id} was answered twice`);
    this.answers.set(id, answer);
  }

  /** Moves the clock and fires the timers that are due, in order. */
  advance(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const [due] = [...this.timers].filter(([, at]) => at <= until).sort(([, a], [, b]) => a - b);
      if (due === undefined) break;
      this.timers.delete(due[0]);
      this.now = Math.max(this.now, due[1]);
      this.feed({ type: "timer", name: due[0] });
    }
    this.now = until;
  }

  /** Asks and gives back the request's number; the answer may come later. */
  ask(request: ServerRequest, who: Operator = ADMIN): number {
    const id = ++this.#lastId;
    this.feed({ type: "request", id, who, request });
    return id;
  }

  /** What a request was answered; throws when it was refused or not answered. */
  answered<T = JsonObject>(id: number): T {
    const found = this.answers.get(id);
    if (found === undefined) throw new Error(`request ${id} was not answered`);
    if ("error" in found) throw new Error(`request ${id} was refused: ${found.error.code} ${found.error.message}`);
    return found.answer as T;
  }

  get<T = JsonObject>(request: ServerRequest): T {
    return this.answered<T>(this.ask(request));
  }

  /** The code a request is refused with. */
  refused(request: ServerRequest): string {
    const found = this.answers.get(this.ask(request));
    if (found === undefined || "answer" in found) throw new Error(`not refused: ${JSON.stringify(found)}`);
    return found.error.code;
  }

  open(agent: string, more: Partial<AgentProof> = {}): number {
    const session = ++this.#lastId;
    const proof: AgentProof = {
      agent,
      key: `key-of-${agent}`,
      claim: `claim-of-${agent}`,
      boot: this.ids.next(this.now),
      epoch: session,
      address: "10.1.1.1",
      token: "token-1",
      ...more,
    };
    this.feed({ type: "agentOpened", session, agent: proof, proof: `proof-${session}` });
    return session;
  }

  frame(session: number, ...lines: (string | JsonObject)[]): void {
    const text = lines.map((line) => typeof line === "string" ? line : JSON.stringify(line)).join("\n");
    this.feed({ type: "agentFrames", frames: [{ session, text }] });
  }

  close(session: number): void {
    this.feed({ type: "agentClosed", session, reason: "gone" });
  }

  /** Opens a session and says hello. */
  connect(agent: string, hello: Partial<BodyOf<"hello">> = {}, proof: Partial<AgentProof> = {}): number {
    const session = this.open(agent, proof);
    this.frame(session, this.hello(agent, hello));
    return session;
  }

  hello(agent: string, more: Partial<BodyOf<"hello">> = {}): JsonObject {
    return this.message(agent, "hello", {
      protocol: { min: 1, max: 1 },
      version: "1.0.0",
      boot: this.ids.next(this.now),
      epoch: 1,
      name: `${agent}-name`,
      tags: { os: "linux" },
      streams: [],
      ...more,
    });
  }

  message(from: string, kind: string, body: Json, more: JsonObject = {}): JsonObject {
    return { v: 1, id: this.ids.next(this.now), kind, from, time: rfc3339(this.now), ...more, body };
  }

  output(agent: string, stream: string, offset: number, body: JsonObject = { n: offset }): JsonObject {
    return this.message(agent, "output", body, { stream, offset });
  }

  runState(agent: string, stream: string, offset: number, order: string, body: JsonObject, more: JsonObject = {}) {
    return this.message(agent, "runState", body, { job: order, run: stream.split("/")[1]!, stream, offset, ...more });
  }

  /** Takes what a session was sent of one kind. */
  took<K extends Kind>(session: number, kind: K): BodyOf<K>[] {
    const all = this.sent.get(session) ?? [];
    this.sent.set(session, all.filter((one) => one.kind !== kind));
    return all.filter((one) => one.kind === kind).map((one) => one.body as BodyOf<K>);
  }

  events(name: string): Announced[] {
    return this.announced.filter(({ event }) => event === name);
  }
}

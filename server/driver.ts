/**
 * The shell around the core: feeds it events one at a time and performs its effects in order. It knows sockets, the
 * store and timers; it decides nothing.
 */
import type { Clock } from "../base/clock.ts";
import { JabberError, toErrorBody } from "../base/errors.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import type { Store } from "../base/store.ts";
import type { AgentProof, Operator, ServerEffect, ServerEvent, ServerRequest, SharedKind } from "./core/contract.ts";
import type { Hub } from "./http/hub.ts";

/** What the driver needs of the core. */
export interface Core {
  step(event: ServerEvent, now: number): ServerEffect[];
}

/** The server's end of an agent's websocket. */
export interface AgentSocket {
  send(text: string): void;
  close(code: number, reason: string): void;
}

export interface DriverDeps {
  core: Core;
  store: Store;
  hub: Hub;
  clock: Clock;
  log: Log;
  count(name: string, by: number): void;
  /** Tells the other servers; absent where there are none. */
  share?: (kind: SharedKind, id: string, value: JsonObject | null) => void;
}

export class ServerDriver {
  readonly #deps: DriverDeps;
  readonly #sockets = new Map<number, AgentSocket>();
  readonly #requests = new Map<number, { resolve(answer: Json): void; reject(cause: unknown): void }>();
  readonly #timers = new Map<string, () => void>();
  readonly #queue: ServerEvent[] = [];
  /** Came since the last look; whatever else happens comes after them. */
  #frames: { session: number; text: string }[] = [];
  #stepping = false;
  #lastId = 0;
  #refused: { code: string; at: number } | undefined;
  #stopped = false;

  constructor(deps: DriverDeps) {
    this.#deps = deps;
  }

  /** Sockets that are open now. */
  get sessions(): number {
    return this.#sockets.size;
  }

  /** The store's last refusal to write, and when (monotonic); gone as soon as it takes a write again. */
  get refused(): Readonly<{ code: string; at: number }> | undefined {
    return this.#refused;
  }

  feed(event: ServerEvent): void {
    if (this.#frames.length > 0) this.#takeFrames();
    this.#queue.push(event);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        for (const effect of this.#deps.core.step(next, this.#deps.clock.now())) this.#perform(effect);
      }
    } finally {
      this.#stepping = false;
    }
  }

  /** Asks the core on behalf of a proved operator. Rejects with the core's `JabberError`-shaped answer. */
  ask(who: Operator, request: ServerRequest): Promise<Json> {
    if (this.#stopped) return Promise.reject(new JabberError("server.stopping"));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#requests.set(id, { resolve, reject });
      this.feed({ type: "request", id, who, request });
    });
  }

  /** A websocket whose agent is proved. Returns the session's number. */
  open(socket: AgentSocket, agent: AgentProof, proof: string): number {
    const session = ++this.#lastId;
    this.#sockets.set(session, socket);
    this.feed({ type: "agentOpened", session, agent, proof });
    return session;
  }

  frame(session: number, text: string): void {
    if (!this.#sockets.has(session)) return;
    this.#frames.push({ session, text });
    if (this.#frames.length === 1) Promise.resolve().then(() => this.#takeFrames());
  }

  closed(session: number, reason: string): void {
    if (this.#sockets.delete(session)) this.feed({ type: "agentClosed", session, reason });
  }

  /**
   * Says goodbye to every agent, stops all timers and takes no new requests. The store stays open, so that what was
   * asked before is still answered with what became of it: who is told "stopping" would ask for it once more.
   */
  stop(): void {
    this.feed({ type: "drain" });
    this.#stopped = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    for (const socket of this.#sockets.values()) socket.close(1001, "the server is stopping");
  }

  #takeFrames(): void {
    if (this.#frames.length === 0) return;
    const frames = this.#frames;
    this.#frames = [];
    this.feed({ type: "agentFrames", frames });
  }

  #perform(effect: ServerEffect): void {
    const { hub, log } = this.#deps;
    switch (effect.do) {
      case "send":
        this.#sockets.get(effect.session)?.send(effect.text);
        return;
      case "hangUp":
        this.#sockets.get(effect.session)?.close(effect.code, effect.reason);
        // Nothing that still comes from it is of interest, and its own end may never come.
        this.#sockets.delete(effect.session);
        return;
      case "persist":
        this.#persist(effect.token, effect.ops);
        return;
      case "readRows":
        this.#answer(effect.token, async () => ({
          type: "rows",
          token: effect.token,
          rows: await this.#deps.store.rows(effect.table, effect.query),
        }));
        return;
      case "readExtents":
        this.#answer(effect.token, async () => {
          const found = await Promise.all(effect.streams.map((stream) => this.#deps.store.extent(stream)));
          return { type: "extents", token: effect.token, extents: found.filter((extent) => extent !== undefined) };
        });
        return;
      case "reply":
        this.#settle(effect.id)?.resolve(effect.answer);
        return;
      case "fail":
        this.#settle(effect.id)?.reject(new AnsweredError(effect.error));
        return;
      case "publish":
        hub.publish(effect.agent, effect.stream, effect.lines);
        return;
      case "announce":
        hub.announce(effect.event, effect.fields);
        return;
      case "share":
        this.#deps.share?.(effect.kind, effect.id, effect.value);
        return;
      case "timer":
        this.#timer(effect.name, effect.at);
        return;
      case "count":
        this.#deps.count(effect.name, effect.by);
        return;
      case "log":
        log(effect.level, effect.message, effect.fields);
        return;
      default:
        effect satisfies never;
    }
  }

  #persist(token: number, ops: Parameters<Store["commit"]>[0]): void {
    this.#deps.store.commit(ops).then(
      (result) => {
        this.#refused = undefined;
        this.feed({ type: "persisted", token, conflicts: result.conflicts });
      },
      (cause) => {
        const error = toErrorBody(cause);
        this.#refused = { code: error.code, at: this.#deps.clock.monotonic() };
        this.feed({ type: "persistFailed", token, error });
      },
    );
  }

  #answer(token: number, read: () => Promise<ServerEvent>): void {
    read().then(
      (event) => this.feed(event),
      (cause) => this.feed({ type: "readFailed", token, error: toErrorBody(cause) }),
    );
  }

  #settle(id: number): { resolve(answer: Json): void; reject(cause: unknown): void } | undefined {
    const request = this.#requests.get(id);
    this.#requests.delete(id);
    return request;
  }

  #timer(name: string, at: number | null): void {
    this.#timers.get(name)?.();
    this.#timers.delete(name);
    if (at === null || this.#stopped) return;
    const wait = Math.min(Math.max(0, at - this.#deps.clock.now()), TIMER_MS_MAX);
    this.#timers.set(
      name,
      this.#deps.clock.after(wait, () => {
        this.#timers.delete(name);
        this.feed({ type: "timer", name });
      }),
    );
  }
}

/** Timers for longer fire early, and the core sets them anew: so none waits for a clock that was set meanwhile. */
const TIMER_MS_MAX = 60_000;

/** An error body that the core chose; travels to the operator as it is. */
export class AnsweredError extends Error {
  override readonly name = "AnsweredError";
  readonly body: ReturnType<typeof toErrorBody>;

  constructor(body: ReturnType<typeof toErrorBody>) {
    super(body.message);
    this.body = body;
  }
}

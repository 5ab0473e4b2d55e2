/**
 * Keeps what the console wants to hear from the server going: opens websockets, follows streams, polls, and tries again
 * by itself with growing pauses. One `Feed` for all; it is told what is wanted after every step and starts and ends what
 * has changed. Whether the server answers at all is one fact, told as a `link`.
 */
import { type ErrorBody, JabberError, toErrorBody } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { type Clock, pause } from "../../base/clock.ts";
import type { Rng } from "../../base/rng.ts";
import type { AppEvent, AppWant, Link } from "../app/state.ts";
import type { Want } from "../view.ts";

/** The server, as far as the feed needs it. */
export interface FeedServer {
  ask(path: string, signal: AbortSignal): Promise<Json>;
  lines(path: string, signal: AbortSignal): AsyncIterable<string>;
  /** @param opened is called when the websocket stands */
  frames(path: string, signal: AbortSignal, opened: () => void): AsyncIterable<string>;
  /** The server's own answer, when the cause is one: it is reached, and says no. */
  refusalOf(cause: unknown): ErrorBody | undefined;
}

const PAUSE_MS_MIN = 500;
const PAUSE_MS_MAX = 15_000;
/** An answer that takes longer is none. */
const ANSWER_MS_MAX = 10_000;
/** How long another address must stay before it is dialled. */
const STAY_MS = 300;
/** Lines gather this long before they are told together. */
const GATHER_MS = 50;

interface Running {
  want: Want;
  stop: AbortController;
}

export class Feed {
  readonly #server: FeedServer;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #tell: (...events: AppEvent[]) => void;
  readonly #running = new Map<string, Running>();
  #link: Link;
  #closed = false;

  constructor(
    server: FeedServer,
    clock: Clock,
    rng: Rng,
    tell: (...events: AppEvent[]) => void,
  ) {
    this.#server = server;
    this.#clock = clock;
    this.#rng = rng;
    this.#tell = tell;
    this.#link = { state: "connecting", since: clock.now(), heard: 0, why: "" };
  }

  /** What is to be heard from now on. */
  want(wants: readonly AppWant[]): void {
    if (this.#closed) return;
    const wanted = new Map(wants.map(({ to, want }) => [`${to}/${want.key}`, { to, want }]));
    for (const [name, running] of this.#running) {
      const next = wanted.get(name)?.want;
      const isSame = next?.kind === running.want.kind && (next.kind !== "frames" || next.path === running.want.path);
      if (isSame) {
        running.want = next!;
        wanted.delete(name);
      } else {
        running.stop.abort();
        this.#running.delete(name);
        // A filter changes with each key that is typed: wait until it stays.
        if (next !== undefined) {
          this.#start(name, wanted.get(name)!.to, next, STAY_MS);
          wanted.delete(name);
        }
      }
    }
    for (const [name, { to, want }] of wanted) this.#start(name, to, want, 0);
  }

  /** Says that the server answered, whoever asked. */
  heard(): void {
    const now = this.#clock.now();
    if (this.#link.state === "live") this.#link.heard = now;
    else this.#setLink({ state: "live", since: now, heard: now, why: "" });
  }

  close(): void {
    this.#closed = true;
    for (const { stop } of this.#running.values()) stop.abort();
    this.#running.clear();
  }

  #setLink(link: Link): void {
    this.#link = link;
    this.#tell({ type: "link", link });
  }

  #lost(cause: unknown): void {
    const why = toErrorBody(cause).message;
    const { state, heard } = this.#link;
    if (state === "lost") return;
    this.#setLink({ state: "lost", since: this.#clock.now(), heard, why });
  }

  #start(name: string, to: string, want: Want, afterMs: number): void {
    const running: Running = { want, stop: new AbortController() };
    this.#running.set(name, running);
    void this.#wait(afterMs, running.stop.signal).then(() => this.#keep(running, to));
  }

  async #keep(running: Running, to: string): Promise<void> {
    const { signal } = running.stop;
    for (let tries = 0; !signal.aborted; tries++) {
      try {
        const began = this.#clock.monotonic();
        const isOver = await this.#once(running, to);
        if (signal.aborted || isOver) return;
        if (this.#clock.monotonic() - began > PAUSE_MS_MAX) tries = 0;
        if (running.want.kind === "poll") tries = -1;
      } catch (cause) {
        if (signal.aborted) return;
        const refused = this.#server.refusalOf(cause);
        if (refused !== undefined && refused.code !== "server.stopping") {
          this.heard();
          this.#tell({ type: "failed", to, want: running.want.key, error: refused });
          // A no stays a no for a while; a poll asks again at its own pace.
          if (running.want.kind !== "poll") tries = Math.max(tries, 3);
        } else this.#lost(cause);
      }
      await this.#pause(running, tries);
    }
  }

  /** One connection or one round; true when there is nothing more to come. */
  async #once({ want, stop }: Running, to: string): Promise<boolean> {
    const { signal } = stop;
    if (want.kind === "poll") {
      const { path } = want;
      const answer = await this.#inTime((own) => this.#server.ask(path, own), signal);
      if (signal.aborted) return true;
      this.heard();
      this.#tell({ type: "answer", to, want: want.key, path, answer });
      return false;
    }
    const opened = () => {
      this.heard();
      this.#tell({ type: "opened", to, want: want.key });
    };
    if (want.kind === "frames") {
      await this.#gather(this.#server.frames(want.path, signal, opened), to, want.key, signal);
      if (!signal.aborted) this.#lost(new JabberError("net.unreachable", "the connection was closed"));
      return false;
    }
    opened();
    await this.#gather(this.#server.lines(want.path, signal), to, want.key, signal);
    if (!signal.aborted) this.#tell({ type: "ended", to, want: want.key });
    return true;
  }

  /** Tells lines in groups: thousands a second are a few events. */
  async #gather(lines: AsyncIterable<string>, to: string, want: string, signal: AbortSignal): Promise<void> {
    let gathered: string[] = [];
    let cancel: (() => void) | undefined;
    const flush = () => {
      cancel = undefined;
      const some = gathered;
      gathered = [];
      if (!signal.aborted && some.length > 0) this.#tell({ type: "lines", to, want, lines: some });
    };
    try {
      for await (const line of lines) {
        if (signal.aborted) return;
        gathered.push(line);
        this.heard();
        cancel ??= this.#clock.after(GATHER_MS, flush);
      }
    } finally {
      cancel?.();
      flush();
    }
  }

  async #inTime<T>(ask: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    const own = new AbortController();
    const abort = () => own.abort();
    signal.addEventListener("abort", abort);
    const cancel = this.#clock.after(
      ANSWER_MS_MAX,
      () => own.abort(new JabberError("net.unreachable", "no answer in time")),
    );
    try {
      return await ask(own.signal);
    } finally {
      cancel();
      signal.removeEventListener("abort", abort);
    }
  }

  #pause({ want, stop: { signal } }: Running, tries: number): Promise<void> {
    const backoff = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(tries, 10)) * (0.5 + this.#rng.float() / 2);
    return this.#wait(tries < 0 && want.kind === "poll" ? want.everyMs : backoff, signal);
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return ms === 0 ? Promise.resolve() : pause(this.#clock, ms, signal);
  }
}

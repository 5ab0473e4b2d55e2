/**
 * The console as a whole: terminal, store, feed and Ink put together. Everything it touches is an argument.
 *
 * ```
 * drawing ──ctrl-z──▶ lent ──enter, continued──▶ drawing
 *    └──quit, end of input, signal, error──▶ over: the terminal is as it was
 * ```
 * A program without the right to send signals cannot stop itself: ctrl-z gives the terminal back, and from there the
 * terminal's own ctrl-z stops it like any other program (docs/decisions/0025-console-output.md).
 */
import { render } from "ink";
import type { Clock } from "../base/clock.ts";
import { toErrorBody } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import type { Act, ActAnswer } from "./act.ts";
import type { Rng } from "../base/rng.ts";
import { wantsOf } from "./app/context.ts";
import { filledIn, Screen } from "./app/screen.tsx";
import type { AppEffect, AppEvent, AppState } from "./app/state.ts";
import { newLines, type Utterance, utteranceOf } from "./app/speech.ts";
import { AppStore } from "./app/store.ts";
import { Feed, type FeedServer } from "./data/feed.ts";
import { type Input, InputParser } from "./input/parser.ts";
import { inkOutput, noInput } from "./terminal/ink_output.ts";
import { Painter } from "./terminal/painter.ts";
import type { Terminal, TerminalUse } from "./terminal/terminal.ts";
import type { Effect } from "./view.ts";

export interface ConsoleServer extends FeedServer {
  send(method: "GET" | "POST" | "DELETE", path: string, body: JsonObject | Uint8Array | undefined): Promise<unknown>;
}

export interface ConsoleDeps {
  terminal: Terminal;
  server: ConsoleServer;
  clock: Clock;
  rng: Rng;
  /** A new file; fails when it is there. */
  writeFile(path: string, text: string): Promise<void>;
  /** What needs the operator's files and key. */
  act(act: Act): Promise<ActAnswer>;
}

const ESC_MS = 30;
const TICK_MS = 1000;
const RESIZE_MS = 50;
const SPEAK_MS = 2000;
const LENT = "jabber-tui gave the terminal back: enter draws again, ctrl-z stops it, ctrl-c ends it.\r\n";

export class Console {
  readonly store: AppStore;
  readonly #deps: ConsoleDeps;
  readonly #feed: Feed;
  readonly #painter = new Painter();
  readonly #parser = new InputParser();
  #isLent = false;
  #end: (error?: unknown) => void = () => {};
  #timers: (() => void)[] = [];
  #cancelResize = () => {};
  readonly #use: TerminalUse;
  #isKey = false;

  constructor(deps: ConsoleDeps, state: AppState, use: TerminalUse) {
    this.#deps = deps;
    this.#use = use;
    this.store = new AppStore(state, deps.clock, (effect) => this.#perform(effect));
    this.#feed = new Feed(deps.server, deps.clock, deps.rng, (...events) => this.dispatch(...events));
  }

  /** Draws until it is over. @throws what broke, with the terminal as it was */
  async run(): Promise<void> {
    const { terminal } = this.#deps;
    const ended = new Promise<void>((resolve, reject) => {
      this.#end = (error) => error === undefined ? resolve() : reject(error);
    });
    terminal.enter(this.#use);
    const stopShowing = this.#use === "lines" ? this.#speak() : this.#draw();
    terminal.on("resize", () => this.#resized());
    terminal.on("resumed", () => this.#takeBack());
    terminal.on("end", () => this.#end());
    this.#feed.want(wantsOf(this.store.state));
    this.#tick();
    void this.#read().catch((cause) => this.fail(cause));
    try {
      await ended;
    } finally {
      this.#feed.close();
      this.store.close();
      for (const cancel of this.#timers) cancel();
      this.#cancelResize();
      this.#isLent = true;
      terminal.leave();
      stopShowing();
      terminal.close();
    }
  }

  /** Ink draws; answers how to stop it. */
  #draw(): () => void {
    const output = inkOutput(() => this.store.state.size, (frame) => this.#paint(frame));
    const ink = render(<Screen store={this.store} />, {
      stdout: output,
      stdin: noInput(),
      stderr: output,
      debug: true,
      exitOnCtrlC: false,
      patchConsole: false,
      interactive: true,
      isScreenReaderEnabled: false,
    });
    ink.waitUntilExit().catch((cause) => this.fail(cause));
    return () => ink.unmount();
  }

  /** Prints what has changed: after a key at once, else not more often than it can be listened to. */
  #speak(): () => void {
    const { clock, terminal } = this.#deps;
    let said: Utterance | undefined;
    let spokeAt = -Infinity;
    let cancel: (() => void) | undefined;
    const speak = () => {
      cancel?.();
      cancel = undefined;
      spokeAt = clock.monotonic();
      const now = utteranceOf(this.store.state);
      for (const line of newLines(said, now)) terminal.write(`${line}\r\n`);
      said = now;
    };
    speak();
    const stop = this.store.subscribe(() => {
      if (this.#isLent) return;
      const wait = this.#isKey ? 0 : SPEAK_MS - (clock.monotonic() - spokeAt);
      if (wait <= 0) speak();
      else cancel ??= clock.after(wait, speak);
    });
    return () => {
      stop();
      cancel?.();
    };
  }

  /** Many changes of the size in a row, as when a window is dragged, are one. */
  #resized(): void {
    this.#cancelResize();
    this.#cancelResize = this.#deps.clock.after(RESIZE_MS, () => {
      this.dispatch({ type: "resize", size: this.#deps.terminal.size() });
    });
  }

  /** Ends it because of an error. */
  fail(cause: unknown): void {
    this.#end(cause ?? new Error("the console ended"));
  }

  dispatch(...events: AppEvent[]): void {
    try {
      this.store.dispatch(...events);
      if (this.store.state.quit) this.#end();
      else this.#feed.want(wantsOf(this.store.state));
    } catch (cause) {
      this.fail(cause);
    }
  }

  #paint(frame: string): void {
    if (this.#isLent) return;
    const text = this.#painter.paint(filledIn(frame, this.store.picture().rows));
    if (text !== "") this.#deps.terminal.write(text);
  }

  async #read(): Promise<void> {
    let cancel = () => {};
    for await (const bytes of this.#deps.terminal.input()) {
      cancel();
      if (this.#isLent) {
        this.#takeBack();
        continue;
      }
      this.#inputs(this.#parser.feed(bytes));
      if (this.#parser.waits) cancel = this.#deps.clock.after(ESC_MS, () => this.#inputs(this.#parser.flush()));
    }
    // The terminal is gone.
    this.#end();
  }

  #inputs(inputs: readonly Input[]): void {
    if (inputs.length === 0) return;
    this.#isKey = true;
    this.dispatch(...inputs.map((input) => ({ type: "input" as const, input })));
    this.#isKey = false;
  }

  #tick(): void {
    this.#timers = [this.#deps.clock.after(TICK_MS, () => {
      this.dispatch({ type: "tick" });
      this.#tick();
    })];
  }

  #perform(effect: AppEffect): void {
    switch (effect.do) {
      case "redraw":
        return this.#painter.forget();
      case "suspend":
        return this.#lend();
      case "ask":
        void this.#ask(effect.to, effect.effect);
        return;
      case "write":
        void this.#write(effect.to, effect.effect);
        return;
      case "act":
        void this.#act(effect.to, effect.effect);
    }
  }

  #lend(): void {
    this.#isLent = true;
    this.#deps.terminal.leave();
    this.#deps.terminal.write(LENT);
  }

  #takeBack(): void {
    this.#isLent = false;
    this.#deps.terminal.enter(this.#use);
    this.dispatch({ type: "resize", size: this.#deps.terminal.size() });
  }

  async #ask(to: string, { name, method, path, body }: Extract<Effect, { do: "ask" }>): Promise<void> {
    try {
      const answer = await this.#deps.server.send(method, path, body);
      this.#feed.heard();
      this.dispatch({ type: "answer", to, want: name, path, answer: answer as JsonObject });
    } catch (cause) {
      const error = this.#deps.server.refusalOf(cause) ?? toErrorBody(cause);
      this.dispatch({ type: "failed", to, want: name, error });
    }
  }

  async #act(to: string, { name, act }: Extract<Effect, { do: "act" }>): Promise<void> {
    try {
      this.dispatch({ type: "acted", to, name, answer: await this.#deps.act(act) });
    } catch (cause) {
      const error = this.#deps.server.refusalOf(cause) ?? toErrorBody(cause);
      this.dispatch({ type: "failed", to, want: name, error });
    }
  }

  async #write(to: string, { name, path, text }: Extract<Effect, { do: "write" }>): Promise<void> {
    try {
      await this.#deps.writeFile(path, text);
      this.dispatch({ type: "written", to, name, path });
    } catch (cause) {
      this.dispatch({ type: "failed", to, want: name, error: toErrorBody(cause) });
    }
  }
}

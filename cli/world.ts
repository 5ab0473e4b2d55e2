/** Everything a verb touches besides the API: arguments, so that verbs are tested without a process. */
import type { Clock } from "../base/clock.ts";
import type { Rng } from "../base/rng.ts";

export interface World {
  /** Data. One call is one piece, newline included by the caller. */
  out(text: string): void;
  /** Talk: progress, hints, warnings. */
  err(text: string): void;
  env(name: string): string | undefined;
  /** Whether standard output is a terminal. */
  outIsTerminal: boolean;
  /** Whether standard error is one. */
  errIsTerminal: boolean;
  /** How wide the terminal is. */
  columns(): number;
  /** All of standard input, until it ends. */
  readInput(): Promise<Uint8Array>;
  /** Whether somebody can be asked: standard input and error are terminals. */
  canAsk: boolean;
  /** Asks for a line; `secret` is not echoed. Only when `canAsk`. */
  ask(question: string, options: { secret: boolean }): Promise<string>;
  files: WorldFiles;
  clock: Clock;
  rng: Rng;
  /** HTTPS with the given CA (PEM), or the public roots when absent. */
  fetch(url: string, init: RequestInit, ca: string | undefined): Promise<Response>;
  /** A websocket that delivers text frames until it ends; throws when it cannot be opened or breaks. */
  frames(
    url: string,
    options: { headers: Record<string, string>; ca: string | undefined; signal: AbortSignal },
  ): AsyncGenerator<string, void, void>;
  /** Calls back on Ctrl-C; returns how to stop listening. */
  onInterrupt(call: () => void): () => void;
  hostname(): string;
}

export interface WorldFiles {
  /** @throws `input.not_found`, `file.unreadable` */
  read(path: string): Promise<Uint8Array>;
  /** Undefined when there is no such file. */
  readIfThere(path: string): Promise<string | undefined>;
  /** Writes through a temporary file, so that a reader never sees half of it. */
  write(path: string, content: string | Uint8Array, options: { mode: number; overwrite: boolean }): Promise<void>;
  makeFolder(path: string, mode: number): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** File mode bits; undefined where the platform has none. */
  mode(path: string): Promise<number | undefined>;
}

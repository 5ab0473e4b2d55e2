/** A started program whose lines can be waited for: tests wait for what a program says, never for time. */
import { JabberError } from "../../base/errors.ts";

export interface ProgramOptions {
  args: readonly string[];
  env?: Record<string, string>;
  cwd?: string;
}

/** How long a line may take to come before the wait fails: long, because it only matters when something is broken. */
const LINE_TIMEOUT_MS = 120_000;

interface Waiter {
  pattern: RegExp;
  found(match: RegExpExecArray): void;
  ended(why: string): void;
}

export class Program {
  readonly name: string;
  readonly child: Deno.ChildProcess;
  /** Everything it said, both outputs, in the order it came. */
  readonly lines: string[] = [];
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #waiters = new Set<Waiter>();
  readonly #reading: Promise<unknown>;
  #isOver = false;

  constructor(name: string, path: string, options: ProgramOptions) {
    this.name = name;
    this.child = new Deno.Command(path, {
      args: [...options.args],
      env: { NO_COLOR: "1", ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    }).spawn();
    this.#reading = Promise.all([this.#read(this.child.stdout), this.#read(this.child.stderr)]);
    this.ended = this.#whenEnded();
  }

  /** True once the process has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get pid(): number {
    return this.child.pid;
  }

  /** The first line, of those said since `after`, that fits. Fails when the program ends first. */
  line(pattern: RegExp, after = 0): Promise<RegExpExecArray> {
    for (const line of this.lines.slice(after)) {
      const match = pattern.exec(line);
      if (match !== null) return Promise.resolve(match);
    }
    return new Promise((resolve, reject) => {
      const fail = (why: string) =>
        reject(
          new Error(`${this.name}: no line like ${pattern} (${why}); it said:\n${this.lines.slice(-30).join("\n")}`),
        );
      const timer = setTimeout(() => waiter.ended("timeout"), LINE_TIMEOUT_MS);
      const waiter: Waiter = {
        pattern,
        found: (match) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve(match);
        },
        ended: (why) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          fail(why);
        },
      };
      if (this.#isOver) waiter.ended("it has ended");
      else this.#waiters.add(waiter);
    });
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<Deno.CommandStatus> {
    this.signal(signal);
    return await this.ended;
  }

  signal(signal: Deno.Signal): void {
    try {
      this.child.kill(signal);
    } catch (cause) {
      // It ended by itself in between.
      if (!(cause instanceof TypeError || cause instanceof Deno.errors.NotFound)) throw cause;
    }
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + chunk).split("\n");
      rest = parts.pop()!;
      for (const line of parts) this.#say(line);
    }
    if (rest !== "") this.#say(rest);
  }

  #say(line: string): void {
    this.lines.push(line);
    for (const waiter of [...this.#waiters]) {
      const match = waiter.pattern.exec(line);
      if (match !== null) waiter.found(match);
    }
  }

  async #whenEnded(): Promise<Deno.CommandStatus> {
    const status = await this.child.status;
    await this.#reading;
    this.#isOver = true;
    for (const waiter of [...this.#waiters]) waiter.ended(`it ended with ${status.code}`);
    return status;
  }
}

/** The folder of the compiled programs. */
export function binary(name: string): string {
  const path = new URL(`../../dist/${name}`, import.meta.url).pathname;
  try {
    Deno.statSync(path);
  } catch (cause) {
    throw new JabberError("input.not_found", `dist/${name}: run \`./denow task build\` first`, undefined, { cause });
  }
  return path;
}

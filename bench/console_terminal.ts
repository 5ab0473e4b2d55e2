/** A program on a pseudo-terminal of a chosen size, by script(1): what it writes, when, and how much. */

/** A text that takes longer never comes. */
const TEXT_MS_MAX = 60_000;
const PID = /pid=(\d+)\r?\n/;

export interface TerminalOptions {
  columns: number;
  rows: number;
  env: Readonly<Record<string, string>>;
}

export class BenchTerminal {
  /** Everything the program has written. */
  bytes = 0;
  readonly ended: Promise<unknown>;
  isOver = false;
  /** The program's process. */
  readonly pid: Promise<number>;
  readonly #child: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";
  readonly #waiting = new Set<() => void>();

  constructor(command: readonly string[], { columns, rows, env }: TerminalOptions) {
    const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    const line = `stty cols ${columns} rows ${rows}; echo pid=$$; exec ${quoted}`;
    this.#child = new Deno.Command("script", {
      args: ["--quiet", "--flush", "--return", "--command", line, "/dev/null"],
      env: { SHELL: "/bin/sh", TERM: "xterm-256color", LANG: "C.UTF-8", ...env },
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#keys = this.#child.stdin.getWriter();
    this.ended = Promise.all([this.#child.status, this.#read()]).then(() => this.isOver = true);
    this.pid = this.until(PID).then(() => Number(PID.exec(this.#text)![1]));
  }

  /** The end of what was written: why a program has ended stands there. */
  get tail(): string {
    return JSON.stringify(this.#text.slice(-2000));
  }

  /** What is written from now on is what `until` looks at. */
  forget(): void {
    this.#text = "";
  }

  /** Waits until it was written since `forget`; answers when the bytes that completed it came. */
  async until(pattern: RegExp): Promise<number> {
    const found = Promise.withResolvers<number>();
    const late = setTimeout(() => {
      found.reject(new Error(`nothing like ${pattern} was written: ${this.tail}`));
    }, TEXT_MS_MAX);
    const look = () => {
      if (pattern.test(this.#text)) found.resolve(performance.now());
    };
    this.#waiting.add(look);
    look();
    try {
      return await found.promise;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(look);
    }
  }

  async type(keys: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(keys));
  }

  /** Ends the program. */
  async close(): Promise<void> {
    try {
      Deno.kill(await this.pid, "SIGKILL");
    } catch (cause) {
      // It has ended by itself.
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    }
    await this.#keys.close().catch(() => {});
    await this.ended;
  }

  async #read(): Promise<void> {
    for await (const chunk of this.#child.stdout) {
      this.bytes += chunk.length;
      this.#text += this.#decoder.decode(chunk, { stream: true });
      for (const look of this.#waiting) look();
    }
  }
}

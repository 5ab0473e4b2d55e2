/** A program on a terminal of its own, through script(1): what a person sees, and what they type. */

/** How long a text may take to come before the wait fails. */
const TEXT_TIMEOUT_MS = 120_000;

/** Why there can be no terminal here; undefined when there can. */
export async function terminalLacks(): Promise<string | undefined> {
  try {
    const { stdout } = await new Deno.Command("script", { args: ["--version"] }).output();
    return new TextDecoder().decode(stdout).includes("util-linux") ? undefined : "script(1) is not that of util-linux";
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return "script(1) of util-linux is not installed";
    throw cause;
  }
}

export class Terminal {
  /** Everything on the screen so far. */
  seen = "";
  readonly ended: Promise<number>;
  readonly #child: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  #wake = () => {};

  constructor(command: readonly string[], env: Readonly<Record<string, string>>) {
    const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    this.#child = new Deno.Command("script", {
      args: ["--quiet", "--flush", "--return", "--command", `exec ${quoted}`, "/dev/null"],
      env: { SHELL: "/bin/sh", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#keys = this.#child.stdin.getWriter();
    this.ended = Promise.all([this.#child.status, this.#read()]).then(([{ code }]) => code);
  }

  /** Waits until the screen shows it, from the beginning. */
  async until(pattern: RegExp): Promise<void> {
    let over = false;
    void this.ended.then(() => {
      over = true;
      this.#wake();
    });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, TEXT_TIMEOUT_MS);
    while (!pattern.test(this.seen)) {
      if (over || late) throw new Error(`nothing like ${pattern} (${late ? "timeout" : "it ended"}): ${this.seen}`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    clearTimeout(timer);
  }

  async type(keys: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(keys));
  }

  async close(): Promise<void> {
    await this.#keys.close().catch(() => {});
    await this.ended;
  }

  async #read(): Promise<void> {
    for await (const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.seen += chunk;
      this.#wake();
    }
  }
}

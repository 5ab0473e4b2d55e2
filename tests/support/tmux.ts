/** A program in a real terminal of a chosen size, through tmux: keys go in, the screen is read as a person sees it. */

/** How long something may take to appear before the wait fails: only matters when something is broken. */
const SCREEN_TIMEOUT_MS = 120_000;
const LOOK_EVERY_MS = 50;

/** Why there can be no such terminal here; undefined when there can. */
export async function tmuxLacks(): Promise<string | undefined> {
  try {
    const { success } = await new Deno.Command("tmux", { args: ["-V"], stdout: "null" }).output();
    return success ? undefined : "tmux does not start";
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return "tmux is not installed";
    throw cause;
  }
}

export interface TmuxOptions {
  columns: number;
  rows: number;
  env?: Readonly<Record<string, string>>;
}

export class Tmux {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /** A shell in a window of that size. */
  static async start({ columns, rows, env = {} }: TmuxOptions): Promise<Tmux> {
    const terminal = new Tmux(`jabber-test-${crypto.randomUUID()}`);
    const settings = Object.entries({ LANG: "C.UTF-8", ...env }).flatMap(([key, value]) => [
      "-e",
      `${key}=${value}`,
    ]);
    const size = ["-x", String(columns), "-y", String(rows)];
    await terminal.#tmux("-f", "/dev/null", "new-session", "-d", ...size, ...settings, "/bin/sh");
    try {
      // In two parts, so that what is typed is not taken for the prompt.
      await terminal.run(`PS1='prom''pt> '`);
      await terminal.until(/prompt>/);
      return terminal;
    } catch (cause) {
      await terminal.close();
      throw cause;
    }
  }

  /** Keys by tmux's names: `Enter`, `Escape`, `C-c`; everything else is typed as it is. */
  async keys(...keys: readonly string[]): Promise<void> {
    await this.#tmux("send-keys", "--", ...keys);
  }

  /** A line for the shell. */
  async run(command: string): Promise<void> {
    await this.#tmux("send-keys", "-l", "--", command);
    await this.keys("Enter");
  }

  async paste(text: string): Promise<void> {
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(file, text);
      await this.#tmux("load-buffer", file);
      await this.#tmux("paste-buffer", "-p");
    } finally {
      await Deno.remove(file);
    }
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** @param styles with colours, as escape sequences */
  async screen(styles = false): Promise<string> {
    return await this.#tmux("capture-pane", "-p", ...(styles ? ["-e"] : []));
  }

  /** What tmux knows of the terminal: `alternate_on`, `cursor_flag`, `pane_title`, … */
  async fact(name: string): Promise<string> {
    return (await this.#tmux("display-message", "-p", `#{${name}}`)).trim();
  }

  /** Looks until the screen is as wanted; answers it. */
  async until(wanted: RegExp | ((screen: string) => boolean)): Promise<string> {
    const fits = wanted instanceof RegExp ? (screen: string) => wanted.test(screen) : wanted;
    const end = performance.now() + SCREEN_TIMEOUT_MS;
    for (;;) {
      const screen = await this.screen();
      if (fits(screen)) return screen;
      if (performance.now() > end) throw new Error(`the screen never showed ${wanted}:\n${screen}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  /** Looks until a fact is as wanted. */
  async untilFact(name: string, wanted: string): Promise<void> {
    const end = performance.now() + SCREEN_TIMEOUT_MS;
    while (await this.fact(name) !== wanted) {
      if (performance.now() > end) throw new Error(`${name} never was ${wanted}:\n${await this.screen()}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  async close(): Promise<void> {
    await this.#tmux("kill-server");
  }

  async #tmux(...args: string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("tmux", {
      args: ["-u", "-L", this.#socket, ...args],
      stdin: "null",
    }).output();
    if (!success) throw new Error(`tmux ${args[0]}: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout);
  }
}

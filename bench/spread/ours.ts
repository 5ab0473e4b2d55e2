/** Members of ours on loopback, a process and an address each; told and heard over their pipes. */
import { freePort } from "../../tests/support/fleet.ts";
import { TextLineStream } from "../../tests/support/lines.ts";
import type { MemberSettings } from "./member.ts";
import type { Spread } from "./spread.ts";

const JOINED_MS_MAX = 60_000;

/** Starts `count` members with the settings for a LAN, and waits until each knows all. */
export async function startOurs(count: number): Promise<Spread> {
  const port = freePort();
  const members: Member[] = [];
  const stop = async () => void await Promise.all(members.map((member) => member.stop()));
  try {
    for (let index = 1; index <= count; index++) {
      members.push(
        new Member({
          name: `m${index}`,
          listen: { address: `127.0.0.${index}`, port },
          ...(index > 1 && { join: { address: "127.0.0.1", port } }),
        }),
      );
      // The first listens before others ask it.
      await members.at(-1)!.heard(/^members 1$/);
    }
    await Promise.all(members.map((member) => member.heard(new RegExp(`^members ${count}$`))));
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { once: (name) => once(members, name), stop };
}

async function once(members: readonly Member[], name: string): Promise<number> {
  const seen = members.map((member) => member.heard(new RegExp(`^seen ${name}$`)));
  const begin = performance.now();
  members[Math.floor(Math.random() * members.length)]!.say(name);
  await Promise.all(seen);
  return performance.now() - begin;
}

class Member {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: string[] = [];
  readonly #waiters = new Set<{ pattern: RegExp; found: () => void }>();

  constructor(settings: MemberSettings) {
    const program = new URL("./member.ts", import.meta.url).pathname;
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", "-A", program, JSON.stringify(settings)],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    void this.#read();
  }

  say(name: string): void {
    void this.#writer.write(new TextEncoder().encode(`say ${name}\n`));
  }

  /** Also when it was said before. */
  heard(pattern: RegExp): Promise<void> {
    if (this.#lines.some((line) => pattern.test(line))) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no line like ${pattern} in time`)), JOINED_MS_MAX);
      const waiter = {
        pattern,
        found: () => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve();
        },
      };
      this.#waiters.add(waiter);
    });
  }

  async stop(): Promise<void> {
    // It ends with its input; one that has ended already has no input to close.
    await this.#writer.close().catch(() => {});
    await this.#child.status;
  }

  async #read(): Promise<void> {
    for await (
      const line of this.#child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
    ) {
      this.#lines.push(line);
      for (const waiter of [...this.#waiters]) if (waiter.pattern.test(line)) waiter.found();
    }
  }
}

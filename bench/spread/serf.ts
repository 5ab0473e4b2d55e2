/** Stock serf agents on loopback, each with an address of its own, and a line to each that hears its user events. */
import { Writer } from "../../cluster/swim/packet/msgpack.ts";
import { freePort } from "../../tests/support/fleet.ts";
import { Program } from "../../tests/support/program.ts";
import type { Spread } from "./spread.ts";

const JOINED_MS_MAX = 60_000;
const ASK_MS = 500;
/** serf's RPC is MessagePack, a header and a body for each command. */
const RPC_VERSION = 1;

/** Says why serf cannot be measured here; undefined when it can. */
export async function serfLacks(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "only Linux has all of 127.0.0.0/8";
  try {
    await new Deno.Command("serf", { args: ["version"], stdout: "null", stderr: "null" }).output();
    return undefined;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return "no serf";
    throw cause;
  }
}

/** Starts `count` agents with serf's own settings for a LAN, and waits until each knows all. */
export async function startSerf(count: number): Promise<Spread> {
  const gossip = freePort();
  const rpc = freePort();
  const agents: Program[] = [];
  const lines: Line[] = [];
  const stop = async () => {
    for (const line of lines) line.close();
    await Promise.all(agents.map((agent) => agent.stop("SIGKILL")));
  };
  try {
    for (let index = 1; index <= count; index++) {
      const address = `127.0.0.${index}`;
      const join = index === 1 ? [] : [`-join=127.0.0.1:${gossip}`];
      agents.push(
        new Program(`serf ${index}`, "serf", {
          args: [
            ...["agent", `-node=m${index}`, `-bind=${address}:${gossip}`, `-rpc-addr=${address}:${rpc}`],
            ...["-profile=lan", "-log-level=warn", ...join],
          ],
        }),
      );
      lines.push(await Line.open(address, rpc, agents.at(-1)!));
    }
    for (const line of lines) await line.knows(count);
  } catch (cause) {
    await stop();
    throw cause;
  }
  return { once: (name) => once(lines, name), stop };
}

/** The sender changes from time to time, as luck has its nearest and farthest. */
async function once(lines: readonly Line[], name: string): Promise<number> {
  const seen = lines.map((line) => line.event(name));
  const begin = performance.now();
  lines[Math.floor(Math.random() * lines.length)]!.send("event", (body) => {
    body.map(3);
    body.text("Name");
    body.text(name);
    body.text("Payload");
    body.text(name);
    body.text("Coalesce");
    body.bool(false);
  });
  await Promise.all(seen);
  return performance.now() - begin;
}

/** One agent's RPC: what comes is searched for words, as every one we look for is unmistakable. */
class Line {
  #seq = 0;
  #tail = "";
  readonly #waiters = new Map<string, () => void>();

  private constructor(private readonly conn: Deno.TcpConn) {}

  /** The agent listens soon after its start. */
  static async open(hostname: string, port: number, agent: Program): Promise<Line> {
    for (const late = performance.now() + JOINED_MS_MAX;;) {
      try {
        const line = new Line(await Deno.connect({ hostname, port }));
        line.#begin();
        return line;
      } catch (cause) {
        if (!(cause instanceof Deno.errors.ConnectionRefused)) throw cause;
        if (agent.isOver || performance.now() > late) throw new Error(`${agent.name}: ${agent.lines.join("\n")}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  #begin(): void {
    this.send("handshake", (body) => {
      body.map(1);
      body.text("Version");
      body.uint(RPC_VERSION);
    });
    this.send("stream", (body) => {
      body.map(1);
      body.text("Type");
      body.text("user");
    });
    void this.#read();
  }

  send(command: string, fill?: (body: Writer) => void): void {
    const writer = new Writer();
    writer.map(2);
    writer.text("Command");
    writer.text(command);
    writer.text("Seq");
    writer.uint(this.#seq++);
    fill?.(writer);
    void this.conn.write(writer.finish()).catch(() => {});
  }

  event(name: string): Promise<void> {
    return new Promise((resolve) => this.#waiters.set(name, resolve));
  }

  /** Until its statistics say `members` and the number as text. */
  async knows(count: number): Promise<void> {
    const text = String(count);
    const word = `members${String.fromCharCode(0xa0 | text.length)}${text}`;
    let known = false;
    const found = this.event(word).then(() => void (known = true));
    for (const late = performance.now() + JOINED_MS_MAX; !known;) {
      if (performance.now() > late) throw new Error(`serf: not ${count} members in time`);
      this.send("stats");
      await Promise.race([found, new Promise((resolve) => setTimeout(resolve, ASK_MS))]);
    }
  }

  close(): void {
    try {
      this.conn.close();
    } catch (cause) {
      if (!(cause instanceof Deno.errors.BadResource)) throw cause;
    }
  }

  async #read(): Promise<void> {
    const latin1 = new TextDecoder("latin1");
    const buffer = new Uint8Array(65536);
    for (;;) {
      const count = await this.conn.read(buffer).catch(() => null);
      if (count === null) return;
      this.#tail += latin1.decode(buffer.subarray(0, count));
      for (const [word, found] of this.#waiters) {
        if (!this.#tail.includes(word)) continue;
        this.#waiters.delete(word);
        found();
      }
      this.#tail = this.#tail.slice(-64);
    }
  }
}

/** A stock serf agent on an address of its own on loopback, and what it knows of the others. */
import type { Endpoint } from "../../cluster/swim/messages.ts";
import { Program } from "./program.ts";

/** serf's own ports; the addresses differ. */
const GOSSIP_PORT = 7946;
const RPC_PORT = 7373;
/** Addresses tried until one is free. */
const STARTS_MAX = 5;

export interface SerfSettings {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Base64; with it packets are sealed by AES-GCM. */
  readonly key?: string;
  readonly compress: boolean;
  readonly join?: Endpoint;
  /** Where an earlier one stood; otherwise somewhere free. */
  readonly address?: string;
}

/** One line of `serf members`. */
export interface SerfMember {
  readonly name: string;
  readonly addr: string;
  readonly status: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Why there can be no agent here; undefined when there can. */
export async function serfLacks(): Promise<string | undefined> {
  // The tests take addresses all over 127/8, which other systems do not have.
  if (Deno.build.os !== "linux") return "serf is tried on Linux only";
  try {
    const { success } = await new Deno.Command("serf", { args: ["version"], stdout: "null", stderr: "null" }).output();
    return success ? undefined : "serf does not start";
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return "serf is not installed";
    throw cause;
  }
}

/** An address on loopback that nobody else is likely to use: the ports on it are free. */
export function loopbackAddress(): string {
  const [a, b, c] = crypto.getRandomValues(new Uint8Array(3));
  return `127.${1 + a! % 254}.${b}.${1 + c! % 254}`;
}

export class SerfAgent {
  readonly program: Program;
  readonly endpoint: Endpoint;

  private constructor(program: Program, address: string) {
    this.program = program;
    this.endpoint = { address, port: GOSSIP_PORT };
  }

  static async start(settings: SerfSettings): Promise<SerfAgent> {
    for (let tried = 1;; tried++) {
      const address = settings.address ?? loopbackAddress();
      const program = new Program(`serf ${settings.name}`, "serf", { args: agentArgs(address, settings) });
      try {
        await program.line(/^==> Log data will now stream/);
        return new SerfAgent(program, address);
      } catch (cause) {
        await program.stop("SIGKILL");
        const isTaken = program.lines.some((line) => line.includes("address already in use"));
        if (!isTaken || settings.address !== undefined || tried === STARTS_MAX) throw cause;
      }
    }
  }

  async members(): Promise<SerfMember[]> {
    return (JSON.parse(await this.#serf("members", "-format", "json")) as { members: SerfMember[] }).members;
  }

  /** Waits until the agent says so of that member; looks again with each event and intent that it logs. */
  async until(name: string, isRight: (member: SerfMember) => boolean): Promise<SerfMember> {
    for (;;) {
      const seen = this.program.lines.length;
      const member = (await this.members()).find((member) => member.name === name);
      if (member !== undefined && isRight(member)) return member;
      await this.program.line(/serf: (?:EventMember|message(?:Join|Leave)Type)/, seen);
    }
  }

  async join({ address, port }: Endpoint): Promise<void> {
    await this.#serf("join", `${address}:${port}`);
  }

  async event(name: string, payload: string): Promise<void> {
    await this.#serf("event", name, payload);
  }

  /** Says goodbye first. */
  async leave(): Promise<void> {
    await this.program.stop("SIGINT");
  }

  /** Says nothing. */
  async kill(): Promise<void> {
    await this.program.stop("SIGKILL");
  }

  async #serf(verb: string, ...args: string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("serf", {
      args: [verb, `-rpc-addr=${this.endpoint.address}:${RPC_PORT}`, ...args],
      stdin: "null",
    }).output();
    const said = new TextDecoder().decode(stdout);
    if (!success) throw new Error(`serf ${verb}: ${said}${new TextDecoder().decode(stderr)}`);
    return said;
  }
}

function agentArgs(address: string, { name, tags, key, compress, join }: SerfSettings): string[] {
  return [
    "agent",
    `-node=${name}`,
    `-bind=${address}:${GOSSIP_PORT}`,
    `-rpc-addr=${address}:${RPC_PORT}`,
    "-profile=local",
    "-log-level=debug",
    ...Object.entries(tags).map(([tag, value]) => `-tag=${tag}=${value}`),
    ...(key === undefined ? [] : [`-encrypt=${key}`]),
    ...(compress ? [] : ["-disable-compression"]),
    ...(join === undefined ? [] : [`-join=${join.address}:${join.port}`]),
  ];
}

/** A whole fleet of compiled programs in a temporary folder: what the demo shows and end-to-end tests drive. */
import { binary, Program } from "./program.ts";

export interface CliResult {
  code: number;
  out: string;
  err: string;
}

export interface AgentOptions {
  name: string;
  tags?: Record<string, string>;
  /** The `policy:` section of its configuration, YAML-able JSON. */
  policy?: unknown;
  /** Join with the token (default), or with the cluster's pin wait for approval. */
  token?: boolean;
  /** Reuse this folder. */
  folder?: string;
  /** The agent's executable; default: the one in dist/. */
  program?: string;
  /** More of its command line. */
  args?: string[];
  env?: Record<string, string>;
}

export class Fleet {
  readonly folder: string;
  readonly agents = new Map<string, Program>();
  server: Program | undefined;
  url = "";
  readonly #env: Record<string, string>;
  /** Command lines under way. */
  readonly #clis = new Set<{ kill(): void; ended: Promise<unknown> }>();
  #stopped = false;

  private constructor(folder: string) {
    this.folder = folder;
    this.#env = { JABBER_HOME: `${folder}/operator`, HOME: folder };
  }

  /** A cluster's files, its server, and an operator who is signed in. `init`: more of the command that makes the files. */
  static async start(options: { listen?: string; init?: readonly string[] } = {}): Promise<Fleet> {
    const fleet = new Fleet(await Deno.makeTempDir({ prefix: "jabber-" }));
    try {
      await Deno.writeTextFile(`${fleet.folder}/password`, "correct horse battery");
      const listen = options.listen ?? `127.0.0.1:${freePort()}`;
      const password = ["--password-file", `${fleet.folder}/password`];
      await fleet.must("init", fleet.clusterFolder, "--listen", listen, ...password, ...options.init ?? []);
      await fleet.startServer();
      await fleet.login();
      return fleet;
    } catch (cause) {
      await fleet.stop();
      throw cause;
    }
  }

  /** What makes `jabber` this fleet's operator. */
  get env(): Readonly<Record<string, string>> {
    return this.#env;
  }

  get clusterFolder(): string {
    return `${this.folder}/cluster`;
  }

  async startServer(...args: string[]): Promise<Program> {
    this.#demandRunning();
    const server = new Program("server", binary("jabber-server"), {
      args: ["--config", `${this.clusterFolder}/jabber-server.yaml`, ...args],
    });
    this.server = server;
    this.url = (await server.line(/listening.* url=(\S+)/))[1]!;
    return server;
  }

  async login(): Promise<void> {
    const ca = `${this.clusterFolder}/cluster-ca.pem`;
    await this.must("login", this.url, "--ca", ca, "--password-file", `${this.folder}/password`);
  }

  /** Starts an agent and waits until it is READY (or, without a token, waits for approval). */
  async startAgent(options: AgentOptions): Promise<Program> {
    this.#demandRunning();
    const folder = options.folder ?? `${this.folder}/agents/${options.name}`;
    // Without a pause up to the start of the process: a fleet that is stopped meanwhile knows all it has to end.
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const config = `${folder}/jabber-agent.yaml`;
    // JSON is YAML.
    Deno.writeTextFileSync(config, JSON.stringify({ name: options.name, policy: options.policy ?? {} }), {
      mode: 0o600,
    });
    const tags = Object.entries(options.tags ?? {}).flatMap(([key, value]) => ["--tag", `${key}=${value}`]);
    const agent = new Program(options.name, options.program ?? binary("jabber-agent"), {
      args: [
        "--config",
        config,
        "--data",
        `${folder}/data`,
        "--token-file",
        `${this.clusterFolder}/${options.token === false ? "cluster-pin.txt" : "join-token.txt"}`,
        ...tags,
        ...(options.args ?? []),
      ],
      ...(options.env && { env: options.env }),
    });
    this.agents.set(options.name, agent);
    await agent.line(options.token === false ? /agent\.pending/ : /READY/);
    return agent;
  }

  /** Runs `jabber` to its end. */
  async cli(...args: string[]): Promise<CliResult> {
    this.#demandRunning();
    const child = new Deno.Command(binary("jabber"), {
      args,
      env: { NO_COLOR: "1", ...this.#env },
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const ended = child.output();
    this.#track({ kill: () => child.kill("SIGKILL"), ended });
    const output = await ended;
    const decoder = new TextDecoder();
    return { code: output.code, out: decoder.decode(output.stdout), err: decoder.decode(output.stderr) };
  }

  /** Runs `jabber` and fails unless it exits with 0. */
  async must(...args: string[]): Promise<CliResult> {
    const result = await this.cli(...args);
    if (result.code !== 0) {
      throw new Error(`jabber ${args.join(" ")} ended with ${result.code}:\n${result.out}${result.err}`);
    }
    return result;
  }

  /** Starts `jabber` without waiting for its end. */
  cliProgram(...args: string[]): Program {
    this.#demandRunning();
    const program = new Program("jabber", binary("jabber"), { args, env: this.#env });
    this.#track({ kill: () => program.signal("SIGKILL"), ended: program.ended });
    return program;
  }

  /** Ends every process and removes every file. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const clis = [...this.#clis];
    for (const { kill } of clis) kill();
    for (const agent of this.agents.values()) agent.signal("SIGKILL");
    this.server?.signal("SIGKILL");
    await Promise.all([...this.agents.values(), this.server, ...clis].map((program) => program?.ended));
    await Deno.remove(this.folder, { recursive: true });
  }

  #track(cli: { kill(): void; ended: Promise<unknown> }): void {
    this.#clis.add(cli);
    const forget = () => this.#clis.delete(cli);
    cli.ended.then(forget, forget);
  }

  #demandRunning(): void {
    if (this.#stopped) throw new Error("this fleet was stopped");
  }
}

/** Below it the system takes no port for a connection of its own choice. */
const PORTS_BEGIN = 10_000;

/**
 * A port nobody listens on now, and that nobody is given by chance until it is used: it lies outside the range from
 * which the system serves connections and listeners that ask for any port.
 */
export function freePort(): number {
  const end = chosenPortsBegin();
  for (;;) {
    const [chance = 0] = crypto.getRandomValues(new Uint32Array(1));
    const port = PORTS_BEGIN + chance % (end - PORTS_BEGIN);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (cause) {
      if (!(cause instanceof Deno.errors.AddrInUse)) throw cause;
    }
  }
}

/** Where the ports begin that the system chooses by itself. */
function chosenPortsBegin(): number {
  const usual = 32_768;
  if (Deno.build.os !== "linux") return usual;
  const begin = Number.parseInt(Deno.readTextFileSync("/proc/sys/net/ipv4/ip_local_port_range"));
  // On a system that chooses among nearly all ports there is no better place.
  return begin > PORTS_BEGIN + 1000 ? begin : usual;
}

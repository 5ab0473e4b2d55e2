/** A cluster of compiled servers, each on a loopback address of its own, and an operator who is signed in at each. */
import { eventually } from "./proc.ts";
import { binary, Program } from "./program.ts";
import { loopbackAddress } from "./serf_agent.ts";

/** Of anything that is waited for: a machine may be busy. */
export const WAIT_MS = 120_000;
const PASSWORD = "correct horse battery";
const HTTP_PORT = 7431;
const GOSSIP_PORT = 7946;

/** One line of `jabber server ls`. */
export interface SeenServer {
  readonly name: string;
  readonly state: string;
  readonly self: boolean;
}

export interface CliEnd {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A server's files, and the process on them while it runs. */
export class ServerProgram {
  /** Its context, too. */
  readonly name: string;
  readonly folder: string;
  readonly address: string;
  /** Its node id. */
  readonly node: string;
  program: Program | undefined;

  constructor(name: string, folder: string, address: string) {
    this.name = name;
    this.folder = folder;
    this.address = address;
    this.node = /^node:\n {2}id: "([^"]+)"/m.exec(Deno.readTextFileSync(this.config))![1]!;
  }

  get config(): string {
    return `${this.folder}/jabber-server.yaml`;
  }

  get url(): string {
    return `https://${this.address}:${HTTP_PORT}`;
  }

  /** Where its gossip listens. */
  get gossip(): string {
    return `${this.address}:${GOSSIP_PORT}`;
  }

  /** Starts it, and waits until its doors are open. */
  async start(): Promise<Program> {
    this.program = new Program(this.name, binary("jabber-server"), { args: ["--config", this.config] });
    await this.program.line(/listening/);
    return this.program;
  }

  /** Ends it. */
  async end(signal: Deno.Signal): Promise<void> {
    await this.program?.stop(signal);
    this.program = undefined;
  }

  /** Runs one of the program's verbs to its end. */
  async run(...args: string[]): Promise<void> {
    const verb = new Program(`${this.name} ${args[0]}`, binary("jabber-server"), { args });
    const { code } = await verb.ended;
    if (code !== 0) throw new Error(`${verb.name} ended with ${code}:\n${verb.lines.join("\n")}`);
  }

  /** The value of one of its metrics; 0 before the first. */
  async metric(name: string): Promise<number> {
    const client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(`${this.folder}/cluster-ca.pem`)] });
    try {
      const text = await (await fetch(`${this.url}/metrics`, { client })).text();
      return Number(new RegExp(`^jabber_${name} (\\d+)`, "m").exec(text)?.[1] ?? 0);
    } finally {
      client.close();
    }
  }
}

export class ServerPrograms {
  readonly folder: string;
  readonly servers: ServerProgram[] = [];
  readonly #others: Program[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** The files of so many servers of one cluster, s1, s2, …; all but the first are to join the first. None runs yet. */
  static async made(count: number): Promise<ServerPrograms> {
    const cluster = new ServerPrograms(await Deno.makeTempDir({ prefix: "jabber-servers-" }));
    try {
      await Deno.writeTextFile(`${cluster.folder}/password`, PASSWORD);
      await cluster.first("s1");
      for (let place = 2; place <= count; place++) await cluster.another(`s${place}`);
      return cluster;
    } catch (cause) {
      await cluster.stop();
      throw cause;
    }
  }

  /** What makes `jabber` this operator. */
  get env(): Record<string, string> {
    return { HOME: this.folder, JABBER_HOME: `${this.folder}/operator`, NO_COLOR: "1" };
  }

  /** The first server of a cluster. */
  async first(name: string): Promise<ServerProgram> {
    return await this.#init(name, ["--password-file", `${this.folder}/password`], async (config) => {
      // Further servers take the profile over.
      const text = await Deno.readTextFile(config);
      await Deno.writeTextFile(config, text.replace(/^gossip:\n/m, "$&  profile: local\n"));
    });
  }

  /** One more server, which is to join the first. */
  async another(name: string): Promise<ServerProgram> {
    return await this.#init(name, ["--like", this.servers[0]!.folder]);
  }

  /** A copy of a stopped server's folder, at an address of its own. */
  async copied(server: ServerProgram, name: string): Promise<ServerProgram> {
    const [folder, address] = [`${this.folder}/${name}`, loopbackAddress()];
    await copyFolder(server.folder, folder);
    const config = `${folder}/jabber-server.yaml`;
    const text = await Deno.readTextFile(config);
    const listens = new RegExp(`^( *listen: )"${server.address}:`, "gm");
    await Deno.writeTextFile(config, text.replaceAll(listens, `$1"${address}:`));
    return this.#added(new ServerProgram(name, folder, address));
  }

  /** Starts a server and signs in at it. */
  async start(server: ServerProgram): Promise<void> {
    await server.start();
    const ca = `${server.folder}/cluster-ca.pem`;
    await this.must(
      "login",
      server.url,
      "--ca",
      ca,
      "--name",
      server.name,
      "--password-file",
      `${this.folder}/password`,
    );
  }

  /** Runs `jabber` to its end. */
  async cli(...args: string[]): Promise<CliEnd> {
    const options = { args, env: this.env, clearEnv: true, stdin: "null" } as const;
    const { code, stdout, stderr } = await new Deno.Command(binary("jabber"), options).output();
    const decoder = new TextDecoder();
    return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
  }

  /** Runs `jabber`, which must succeed; answers what it printed. */
  async must(...args: string[]): Promise<string> {
    const { code, out, err } = await this.cli(...args);
    if (code !== 0) throw new Error(`jabber ${args.join(" ")} ended with ${code}:\n${out}${err}`);
    return out;
  }

  /** Runs `jabber` at this server. */
  async at(server: ServerProgram, ...args: string[]): Promise<string> {
    return await this.must("--context", server.name, ...args);
  }

  /** Runs `jabber` at this server until what it prints fits. */
  async until(server: ServerProgram, pattern: RegExp, ...args: string[]): Promise<string> {
    let last = "";
    return await eventually(`jabber ${args.join(" ")} at ${server.name} to say ${pattern}`, WAIT_MS, async () => {
      const { out, err } = await this.cli("--context", server.name, ...args);
      last = out + err;
      return pattern.test(last) ? last : undefined;
    }).catch((cause) => {
      throw new Error(`${cause.message}; at last:\n${last}`);
    });
  }

  /** What a server says of all the others and itself. */
  async seen(server: ServerProgram): Promise<SeenServer[]> {
    return JSON.parse(await this.at(server, "server", "ls", "-o", "json"));
  }

  /** Waits until each of these sees all of them so. */
  async untilSeen(by: readonly ServerProgram[], states: ReadonlyMap<ServerProgram, string>): Promise<void> {
    for (const server of by) {
      const pattern = [...states].map(([{ node }, state]) => `(?=[^]*\\b${node} +${state}\\b)`).join("");
      await this.until(server, new RegExp(`^${pattern}`), "server", "ls");
    }
  }

  /** Waits until all of these see all of these alive. */
  async untilAlive(servers: readonly ServerProgram[]): Promise<void> {
    await this.untilSeen(servers, new Map(servers.map((server) => [server, "alive"])));
  }

  /** Starts an agent, with the join token of the first server unless it needs none. */
  agent(name: string, server: ServerProgram, options: { token: boolean }): Program {
    const token = ["--token-file", `${this.servers[0]!.folder}/join-token.txt`];
    const agent = new Program(name, binary("jabber-agent"), {
      args: [
        ...["--data", `${this.folder}/agent-${name}`, "--name", name, "--server", server.url],
        ...(options.token ? token : []),
      ],
    });
    this.#others.push(agent);
    return agent;
  }

  /** Ends every process and removes every file. */
  async stop(): Promise<void> {
    const programs = [...this.#others, ...this.servers.flatMap(({ program }) => program ?? [])];
    for (const program of programs) program.signal("SIGKILL");
    await Promise.all(programs.map(({ ended }) => ended));
    await Deno.remove(this.folder, { recursive: true });
  }

  async #init(
    name: string,
    options: readonly string[],
    change: (config: string) => Promise<void> = () => Promise.resolve(),
  ): Promise<ServerProgram> {
    const [folder, address] = [`${this.folder}/${name}`, loopbackAddress()];
    const where = ["--listen", `${address}:${HTTP_PORT}`, "--gossip", `${address}:${GOSSIP_PORT}`];
    await this.must("init", folder, ...where, ...options);
    await change(`${folder}/jabber-server.yaml`);
    return this.#added(new ServerProgram(name, folder, address));
  }

  #added(server: ServerProgram): ServerProgram {
    this.servers.push(server);
    return server;
  }
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { mode: 0o700 });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    const [source, target] = [`${from}/${name}`, `${to}/${name}`];
    if (isDirectory) await copyFolder(source, target);
    else await Deno.copyFile(source, target);
  }
}

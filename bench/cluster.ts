/** A cluster's files in a temporary folder, and its server as a process of its own. Plain HTTP on loopback, like the peers. */
import { parse } from "yaml";
import { systemRng } from "../base/rng_system.ts";
import { PROGRAMS, V8_FLAGS, v8FlagsOf } from "../build/programs.ts";
import { inRepository } from "../build/shell.ts";
import { initMaterial } from "../cluster/ca/mod.ts";
import { joinCredential, parseJoinToken } from "../wire/identity/mod.ts";
import { freePort } from "../tests/support/fleet.ts";
import { Program } from "../tests/support/program.ts";

export interface BenchCluster {
  folder: string;
  config: string;
  /** Of the server, without a final slash. */
  url: string;
  hostname: string;
  port: number;
  cluster: string;
  node: string;
  user: string;
  password: string;
  joinToken: string;
  /** What a joining agent shows. */
  join: string;
}

/** What the compiled server runs with. */
export const SERVER_V8_FLAGS: readonly string[] = v8FlagsOf(PROGRAMS.find(({ name }) => name === "jabber-server")!);

const HOST = "127.0.0.1";
/** Joins of one token: more than any bench opens. */
const USES = 100_000;

/** Makes a cluster's files. The caller removes `folder`. */
export async function makeCluster(): Promise<BenchCluster> {
  const folder = await Deno.makeTempDir({ prefix: "jabber-bench-" });
  const port = freePort();
  const url = `http://${HOST}:${port}`;
  const password = "correct horse battery";
  const { files, summary } = await initMaterial({
    now: Date.now(),
    rng: systemRng,
    listen: `${HOST}:${port}`,
    advertise: [url],
    operator: { password },
    join: { uses: USES },
  });
  const config = `${folder}/jabber-server.yaml`;
  for (const { path, mode, text } of files) {
    const { tls: _, ...plain } = path === "jabber-server.yaml" ? parse(text) : {};
    // JSON is YAML.
    await Deno.writeTextFile(`${folder}/${path}`, path === "jabber-server.yaml" ? JSON.stringify(plain) : text, {
      mode,
    });
  }
  const { cluster, node, operator: user, joinToken } = summary;
  const join = joinCredential(parseJoinToken(joinToken));
  return { folder, config, url, hostname: HOST, port, cluster, node, user, password, joinToken, join };
}

/** Starts the server from source, with the flags of the compiled program, and waits until it listens. */
export async function startServerOf(cluster: BenchCluster): Promise<Program> {
  const args = ["server/main.ts", "--config", cluster.config];
  return await startDeno("server", args, /listening.* url=(\S+)/, SERVER_V8_FLAGS);
}

/** Runs a file of the repository in a Deno of its own and waits for its line. */
export async function startDeno(
  name: string,
  args: readonly string[],
  line: RegExp,
  v8Flags: readonly string[] = V8_FLAGS,
): Promise<Program> {
  const flags = ["run", "--quiet", "--no-check", "-A", `--v8-flags=${v8Flags.join(",")}`];
  const program = new Program(name, Deno.execPath(), { args: [...flags, ...args], cwd: inRepository(".") });
  await lineOrEnd(program, line);
  return program;
}

/** Waits for a line; a program that does not say it is ended. */
export async function lineOrEnd(program: Program, line: RegExp): Promise<RegExpExecArray> {
  try {
    return await program.line(line);
  } catch (cause) {
    await program.stop("SIGKILL");
    throw cause;
  }
}

/** An operator's token. */
export async function signIn({ url, user, password }: BenchCluster): Promise<string> {
  const response = await fetch(`${url}/v1/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user, password }),
  });
  const body = await response.json();
  if (!response.ok) throw new Error(`login: ${JSON.stringify(body)}`);
  return body.token;
}

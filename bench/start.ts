/**
 * An agent's cold start and idle memory: the compiled program of an enrolled agent, from its spawn until it says READY,
 * and what all its threads hold once it idles. Against a compiled Deno program that opens one bare websocket to the
 * very same server and says so. Starts take turns.
 */
import { compileProgram } from "../build/compile.ts";
import { findRuntime } from "../build/denort.ts";
import { bundleProgram } from "../build/bundle.ts";
import { inRepository } from "../build/shell.ts";
import { findTarget } from "../build/targets.ts";
import { binary, Program } from "../tests/support/program.ts";
import { type BenchCluster, lineOrEnd, makeCluster, signIn, startServerOf } from "./cluster.ts";
import { settledBytes } from "./machine.ts";
import { type BenchResult, median } from "./result.ts";

const START_TARGET = 1.6;
const MEMORY_TARGET = 1.3;
/** Memory settles slowly: fewer looks at it than starts. */
const MEMORY_LOOKS = 5;
/** The first starts read the programs from disk. */
const WARM_UPS = 2;

/** Starts one program and waits until it stands. */
type Start = () => Promise<Program>;

export async function benchStart(starts: number): Promise<BenchResult[]> {
  const cluster = await makeCluster();
  try {
    const server = await startServerOf(cluster);
    try {
      const agent = await agentStart(cluster);
      const bare = await bareStart(cluster, await signIn(cluster));
      return [await coldStart(agent, bare, starts), await idleMemory(agent, bare)];
    } finally {
      await server.stop("SIGKILL");
    }
  } finally {
    await Deno.remove(cluster.folder, { recursive: true });
  }
}

async function agentStart({ folder }: BenchCluster): Promise<Start> {
  const home = `${folder}/agent`;
  await Deno.mkdir(home, { mode: 0o700 });
  await Deno.writeTextFile(`${home}/jabber-agent.yaml`, JSON.stringify({ name: "bench" }), { mode: 0o600 });
  const args = ["--config", `${home}/jabber-agent.yaml`, "--data", `${home}/data`];
  args.push("--token-file", `${folder}/join-token.txt`);
  return starter("agent", binary("jabber-agent"), args, /READY/);
}

async function bareStart({ url }: BenchCluster, token: string): Promise<Start> {
  const target = findTarget(Deno.build.target);
  if (target === undefined) throw new Error(`no base runtime is known for "${Deno.build.target}"`);
  const { path } = await compileProgram({
    program: { name: "bare-client", entry: "bench/peers/deno_client.ts", grants: { net: true } },
    bundle: await bundleProgram("bench/peers/deno_client.ts"),
    target,
    runtime: await findRuntime(target, false, (line) => console.error(line)),
    folder: inRepository(".cache/bench"),
    stamps: inRepository(".cache/stamps"),
  });
  return starter("bare", path, [`${url.replace("http", "ws")}/v1/firehose?kind=hello`, token], /^open$/);
}

function starter(name: string, path: string, args: readonly string[], line: RegExp): Start {
  return async () => {
    const program = new Program(name, path, { args });
    await lineOrEnd(program, line);
    return program;
  };
}

async function coldStart(agent: Start, bare: Start, starts: number): Promise<BenchResult> {
  const ours: number[] = [];
  const peer: number[] = [];
  for (let i = -WARM_UPS; i < starts; i++) {
    const took = [await timedStart(agent), await timedStart(bare)] as const;
    if (i < 0) continue;
    ours.push(took[0]);
    peer.push(took[1]);
  }
  return {
    name: "cold-start",
    ours: Math.round(median(ours)),
    peer: Math.round(median(peer)),
    unit: "ms",
    ratio: median(ours.map((value, i) => value / peer[i]!)),
    target: START_TARGET,
    better: "lower",
    notes: `spawn to READY of an enrolled agent, ${starts} starts, peer: compiled bare websocket client until open; ` +
      `least ${Math.round(Math.min(...ours))} and ${Math.round(Math.min(...peer))} ms`,
  };
}

async function timedStart(start: Start): Promise<number> {
  const begin = performance.now();
  const program = await start();
  const took = performance.now() - begin;
  await program.stop("SIGTERM");
  return took;
}

async function idleMemory(agent: Start, bare: Start): Promise<BenchResult> {
  const ours: number[] = [];
  const peer: number[] = [];
  for (let i = 0; i < MEMORY_LOOKS; i++) {
    ours.push(await memoryOf(agent));
    peer.push(await memoryOf(bare));
  }
  return {
    name: "agent-memory",
    ours: Number(median(ours).toFixed(1)),
    peer: Number(median(peer).toFixed(1)),
    unit: "MiB",
    ratio: median(ours.map((value, i) => value / peer[i]!)),
    target: MEMORY_TARGET,
    better: "lower",
    notes: `resident memory of an idle agent with all its threads, no script running, ${MEMORY_LOOKS} looks, ` +
      "peer: the same bare websocket client",
  };
}

async function memoryOf(start: Start): Promise<number> {
  const program = await start();
  try {
    return await settledBytes(program.pid) / 2 ** 20;
  } finally {
    await program.stop("SIGTERM");
  }
}

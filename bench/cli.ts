/**
 * The command line's cold start: the compiled `jabber agent ls` from its spawn to its end, against a compiled Deno
 * program that sends the same HTTPS request to the same server and prints what came. Rounds are pairs that take turns.
 */
import { Fleet } from "../tests/support/fleet.ts";
import { binary } from "../tests/support/program.ts";
import { compilePeer } from "./compile_peer.ts";
import { type BenchResult, median } from "./result.ts";

const TARGET = 1.5;
/** The first starts read the programs from disk. */
const WARM_UPS = 3;
const AGENTS = 3;

export async function benchCli(pairs: number): Promise<BenchResult> {
  const peer = await compilePeer({
    name: "bare-https",
    entry: "bench/peers/https_client.ts",
    grants: { net: true, read: true, env: ["SSL_CERT_FILE"] },
  });
  const fleet = await Fleet.start();
  try {
    for (let n = 1; n <= AGENTS; n++) await fleet.startAgent({ name: `web${n}`, tags: { role: "web" } });
    const { token } = JSON.parse(await Deno.readTextFile(`${fleet.folder}/operator/contexts.json`)).contexts.default;
    const ls = () => timed(binary("jabber"), ["agent", "ls"], fleet.env);
    const ca = `${fleet.clusterFolder}/cluster-ca.pem`;
    const bare = () => timed(peer, [`${fleet.url}/v1/agents?selector=`, token, ca], {});
    return resultOf(await takeTurns(ls, bare, pairs));
  } finally {
    await fleet.stop();
  }
}

interface Pair {
  ours: number;
  peer: number;
}

/** Who goes first changes with every pair: what the one leaves in a cache helps the other as often. */
async function takeTurns(ls: () => Promise<number>, bare: () => Promise<number>, pairs: number): Promise<Pair[]> {
  const taken: Pair[] = [];
  for (let i = -WARM_UPS; i < pairs; i++) {
    const first = i % 2 === 0 ? { ours: await ls() } : { peer: await bare() };
    const pair = { ours: NaN, peer: NaN, ...first };
    if (i % 2 === 0) pair.peer = await bare();
    else pair.ours = await ls();
    if (i >= 0) taken.push(pair);
  }
  return taken;
}

/** Milliseconds from the spawn to the end, both outputs read. */
async function timed(path: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const begin = performance.now();
  const { code, stdout, stderr } = await new Deno.Command(path, {
    args: [...args],
    env: { NO_COLOR: "1", ...env },
    clearEnv: true,
    stdin: "null",
  }).output();
  const took = performance.now() - begin;
  if (code === 0 && new TextDecoder().decode(stdout).includes("web1")) return took;
  throw new Error(`${path} ${args.join(" ")} ended with ${code}: ${new TextDecoder().decode(stderr)}`);
}

function resultOf(pairs: readonly Pair[]): BenchResult {
  const ours = pairs.map((pair) => pair.ours);
  const peer = pairs.map((pair) => pair.peer);
  return {
    name: "cli-start",
    ours: Number(median(ours).toFixed(1)),
    peer: Number(median(peer).toFixed(1)),
    unit: "ms",
    ratio: median(pairs.map((pair) => pair.ours / pair.peer)),
    target: TARGET,
    better: "lower",
    notes: `spawn to end of \`jabber agent ls\` with ${AGENTS} agents, ${pairs.length} pairs, peer: compiled program ` +
      `with one HTTPS request; least ${Math.min(...ours).toFixed(1)} and ${Math.min(...peer).toFixed(1)} ms`,
  };
}

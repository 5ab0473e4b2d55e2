/**
 * Memory of an idle connection: how much a server's resident memory grows from 500 to 5,000 agents that have proved who
 * they are, said hello, were welcomed, and now only show that they live. Against a bare websocket server of Deno that
 * moves the same frames. Beside it are told that same peer with the server's flags of V8, since most of what they save
 * a server without agents' rows saves too (docs/decisions/0020), and `ws` on Node.
 */
import { Program } from "../tests/support/program.ts";
import { createFleet, type Target } from "./agents/fleet.ts";
import { lineOrEnd, makeCluster, SERVER_V8_FLAGS, startDeno, startServerOf } from "./cluster.ts";
import { packageFolder, settledBytes } from "./machine.ts";
import { type BenchResult, median } from "./result.ts";

const FEW = 500;
const MANY = 5000;
const TARGET = 1.25;
/** Of our own welcome message, characters. */
export const WELCOME_CHARS = 1100;
/** Of our `ack` to an `alive`. */
const ALIVE_ANSWER_CHARS = 152;
const LISTENING = /^listening port=(\d+)/;

export async function benchIdle(rounds: number): Promise<BenchResult> {
  const ours: number[] = [];
  const bare: number[] = [];
  const flagged: number[] = [];
  const node: number[] = [];
  const ws = await packageFolder("ws");
  for (let round = 0; round < rounds; round++) {
    ours.push(await slopeOfOurs());
    bare.push(await slopeOf(() => startBare()));
    flagged.push(await slopeOf(() => startBare(SERVER_V8_FLAGS)));
    if (ws !== undefined) node.push(await slopeOf(() => startNode(ws.folder)));
  }
  const beside = ws === undefined || node.length === 0 ? "" : `; ws ${ws.version} on Node ${kib(median(node))} KiB`;
  return {
    name: "idle-connection",
    ours: kib(median(ours)),
    peer: kib(median(bare)),
    unit: "KiB",
    ratio: median(ours.map((value, i) => value / bare[i]!)),
    target: TARGET,
    better: "lower",
    notes: `slope of resident memory, ${FEW} to ${MANY} connections, ${rounds} rounds, ` +
      `peer: bare Deno.serve; with our flags of V8 it holds ${kib(median(flagged))} KiB${beside}; rounds ${
        ours.map((value, i) => (value / bare[i]!).toFixed(2)).join(" ")
      }`,
  };
}

async function slopeOfOurs(): Promise<number> {
  const cluster = await makeCluster();
  try {
    const server = await startServerOf(cluster);
    return await slope(server, { kind: "ours", cluster });
  } finally {
    await Deno.remove(cluster.folder, { recursive: true });
  }
}

async function slopeOf(start: () => Promise<Program>): Promise<number> {
  const server = await start();
  const port = Number((await server.line(LISTENING))[1]);
  return await slope(server, { kind: "bare", hostname: "127.0.0.1", port });
}

function startBare(v8Flags?: readonly string[]): Promise<Program> {
  const args = ["bench/peers/deno_server.ts", `${WELCOME_CHARS}`, `${ALIVE_ANSWER_CHARS}`];
  return startDeno("bare", args, LISTENING, v8Flags);
}

async function startNode(ws: string): Promise<Program> {
  const script = new URL("./peers/ws_node.mjs", import.meta.url).pathname;
  const program = new Program("ws", "node", { args: [script, ws, `${WELCOME_CHARS}`] });
  await lineOrEnd(program, LISTENING);
  return program;
}

/** Bytes a connection. Ends the server. */
async function slope(server: Program, target: Target): Promise<number> {
  const fleet = createFleet(target);
  try {
    await fleet.grow(FEW);
    const before = await settledBytes(server.pid);
    await fleet.grow(MANY);
    const after = await settledBytes(server.pid);
    if (fleet.lost() > 0) {
      throw new Error(`${fleet.lost()} connections were lost:\n${server.lines.slice(-5).join("\n")}`);
    }
    return (after - before) / (MANY - FEW);
  } finally {
    await fleet.close();
    await server.stop("SIGKILL");
  }
}

function kib(bytes: number): number {
  return Number((bytes / 1024).toFixed(1));
}

if (import.meta.main) console.log(await benchIdle(Number(Deno.args[0] ?? 1)));

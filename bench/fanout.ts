/**
 * Fan-out: `sys.facts` to 2,000 agents, from the operator's request until the order is done, which is when the last
 * answer and the order's end are on disk. Against a bare websocket server of Deno that sends the same text to as many
 * connections and gets the same frames back. The same loader plays the agents of both.
 */
import { prepareAnswer } from "./agents/agent.ts";
import { type AgentFleet, createFleet } from "./agents/fleet.ts";
import { dial } from "./agents/socket.ts";
import { addCpu, type CpuMs, cpuMs, cpuSince, NO_CPU } from "./cpu.ts";
import { type BenchCluster, makeCluster, signIn, startDeno, startServerOf } from "./cluster.ts";
import { type BenchResult, median } from "./result.ts";

const AGENTS = 2000;
const TARGET = 2;
const ANSWER_FRAMES = 2;
/** The first rounds are for the compiler, on both sides: its threads are at work in the first ten orders or so. */
const WARM_UPS = 8;
const ORDER_MS_MAX = 60_000;
const LISTENING = /^listening port=(\d+)/;

/** Sends one order to everybody and answers how long it took, milliseconds. */
interface Side {
  readonly pid: number;
  order(): Promise<number>;
  close(): Promise<void>;
}

/** What the measured rounds of one side took. */
interface Tally {
  ms: number[];
  server: CpuMs;
  loader: CpuMs;
}

const newTally = (): Tally => ({ ms: [], server: NO_CPU, loader: NO_CPU });

export async function benchFanout(rounds: number): Promise<BenchResult> {
  const [ours, bare] = [newTally(), newTally()];
  const followed: number[] = [];
  const sides: Side[] = [];
  try {
    const own = await openOurs();
    sides.push(own);
    const peer = await openBare();
    sides.push(peer);
    for (let round = -WARM_UPS; round < rounds; round++) {
      const warm = round < 0;
      await measure(own, warm ? newTally() : ours);
      await measure(peer, warm ? newTally() : bare);
      const withReader = await own.followed();
      if (!warm) followed.push(withReader);
    }
  } finally {
    for (const side of sides) await side.close();
  }
  const ratios = ours.ms.map((ms, i) => ms / bare.ms[i]!);
  return {
    name: "fan-out",
    ours: Math.round(median(ours.ms)),
    peer: Math.round(median(bare.ms)),
    unit: "ms",
    ratio: median(ratios),
    target: TARGET,
    better: "lower",
    notes: `sys.facts to ${AGENTS} agents until the order is done and durable, ${rounds} rounds, ` +
      `peer: bare Deno.serve, same frames; ${Math.round(median(followed))} ms when an operator reads every record; ` +
      `rounds ${ratios.map((ratio) => ratio.toFixed(2)).join(" ")}` +
      `\n     processor time an order, ms: ours ${cpuText(ours)}; peer ${cpuText(bare)}`,
  };
}

async function measure(side: Side, tally: Tally): Promise<void> {
  const [server, loader] = [cpuMs(side.pid), cpuMs(Deno.pid)];
  tally.ms.push(await side.order());
  tally.server = addCpu(tally.server, cpuSince(side.pid, server));
  tally.loader = addCpu(tally.loader, cpuSince(Deno.pid, loader));
}

function cpuText({ ms, server, loader }: Tally): string {
  const mean = (value: number) => (value / ms.length).toFixed(0);
  return `main ${mean(server.main)}, storage ${mean(server.workers)}, helpers ${mean(server.helpers)}, loader ${
    mean(loader.main)
  } + ${mean(loader.helpers)}`;
}

/** Gives every agent a real answer to each command, whoever sends it; returns how to get ready for the next one. */
function prepareAnswers(fleet: AgentFleet): () => void {
  const answers = new Map(fleet.agents.map(({ identity }) => [identity.id, prepareAnswer(identity)]));
  fleet.onText = ({ identity, socket }, text) => {
    if (!text.includes('"kind":"command"')) return;
    for (const frame of answers.get(identity.id)!.to(text)) socket.send(frame);
  };
  return () => answers.forEach((answer) => answer.renew());
}

async function openOurs(): Promise<Side & { followed(): Promise<number> }> {
  const cluster = await makeCluster();
  const server = await startServerOf(cluster);
  const fleet = createFleet({ kind: "ours", cluster });
  const close = async () => {
    await fleet.close();
    await server.stop("SIGKILL");
    await Deno.remove(cluster.folder, { recursive: true });
  };
  try {
    await fleet.grow(AGENTS);
    const token = await signIn(cluster);
    const done = await watchOrders(cluster, token);
    const renew = prepareAnswers(fleet);
    return {
      pid: server.pid,
      order: () => timedOrder(renew, cluster, token, done.next),
      followed: () => timedOrder(renew, cluster, token, (order) => readRecords(cluster, token, order)),
      close: async () => {
        done.close();
        await close();
      },
    };
  } catch (cause) {
    await close();
    throw cause;
  }
}

async function timedOrder(
  renew: () => void,
  cluster: BenchCluster,
  token: string,
  done: (order: string) => Promise<void>,
): Promise<number> {
  renew();
  const begin = performance.now();
  const response = await fetch(`${cluster.url}/v1/orders/unsigned`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ does: "command:sys.facts", selector: "os=linux", args: {} }),
    signal: AbortSignal.timeout(ORDER_MS_MAX),
  });
  const answer = await response.json();
  if (answer.count !== AGENTS) throw new Error(`the order is for ${JSON.stringify(answer).slice(0, 300)}`);
  await done(answer.order);
  return performance.now() - begin;
}

/** The firehose's events tell when an order is done; its filter, of no agent, lets nothing of an agent pass. */
async function watchOrders(
  { hostname, port }: BenchCluster,
  token: string,
): Promise<{ next(order: string): Promise<void>; close(): void }> {
  const ended = new Set<string>();
  let hear = (): void => {};
  const socket = await dial({
    hostname,
    port,
    path: `/v1/firehose?agent=`,
    headers: { authorization: `Bearer ${token}` },
  }, (text) => {
    const { event, order, counts } = JSON.parse(text);
    if (event !== "orderDone") return;
    if (counts.finished !== AGENTS) throw new Error(`not everybody finished: ${JSON.stringify(counts)}`);
    ended.add(order);
    hear();
  });
  return {
    async next(order) {
      const deadline = AbortSignal.timeout(ORDER_MS_MAX);
      while (!ended.has(order)) {
        deadline.throwIfAborted();
        await new Promise<void>((resolve) => {
          hear = resolve;
          deadline.addEventListener("abort", () => resolve(), { once: true });
        });
      }
    },
    close: socket.close,
  };
}

/** What `jabber run` does: reads every target and record of the order until it is done. */
async function readRecords({ url }: BenchCluster, token: string, order: string): Promise<void> {
  const response = await fetch(`${url}/v1/orders/${order}/records`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(ORDER_MS_MAX),
  });
  const lines = (await response.text()).split("\n");
  const records = lines.filter((line) => line.startsWith('{"record"')).length;
  if (records !== ANSWER_FRAMES * AGENTS) throw new Error(`${records} records came, not ${ANSWER_FRAMES * AGENTS}`);
}

async function openBare(): Promise<Side> {
  const server = await startDeno("bare", ["bench/peers/deno_server.ts"], LISTENING);
  const port = Number((await server.line(LISTENING))[1]);
  const fleet = createFleet({ kind: "bare", hostname: "127.0.0.1", port });
  const close = async () => {
    await fleet.close();
    await server.stop("SIGKILL");
  };
  try {
    await fleet.grow(AGENTS);
    const renew = prepareAnswers(fleet);
    return { pid: server.pid, order: () => timedBroadcast(renew, port), close };
  } catch (cause) {
    await close();
    throw cause;
  }
}

/** A command as a server of ours writes it. */
const COMMAND = JSON.stringify({
  v: 1,
  id: "01JD0000000000000000000000",
  kind: "command",
  from: "node-aaaaaaaaaaaaaaaaaaaaaaaaaa",
  time: "2026-01-01T00:00:00.000Z",
  job: "01JD0000000000000000000001",
  body: {
    unsigned: {
      id: "01JD0000000000000000000001",
      does: "command:sys.facts",
      args: {},
      selector: "os=linux",
      notAfter: "2026-01-01T00:10:00.000Z",
    },
  },
});

async function timedBroadcast(renew: () => void, port: number): Promise<number> {
  renew();
  const begin = performance.now();
  const url = `http://127.0.0.1:${port}/broadcast?answers=${ANSWER_FRAMES * AGENTS}`;
  const response = await fetch(url, { method: "POST", body: COMMAND, signal: AbortSignal.timeout(ORDER_MS_MAX) });
  await response.text();
  return performance.now() - begin;
}

if (import.meta.main) console.log(await benchFanout(Number(Deno.args[0] ?? 3)));

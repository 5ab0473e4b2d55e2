/**
 * The console beside a big fleet: the compiled `jabber-tui` on a terminal of 160×50, at a compiled server with 5,000
 * agents that say 2,000 records a second between them. Its processor time in two views, what it writes while nothing
 * changes, how soon a key shows, whether its memory grows, and how soon it is there beside a bare program of Ink.
 *
 * Alone: `./denow run -A bench/console.ts [--long]`; long looks at the memory for 10 minutes instead of 2.
 */
import { PROGRAMS } from "../build/programs.ts";
import { binary, Program } from "../tests/support/program.ts";
import { type BenchCluster, lineOrEnd, makeCluster } from "./cluster.ts";
import { compilePeer } from "./compile_peer.ts";
import { type KeyTimes, keyTimes } from "./console_keys.ts";
import type { LoadAnswer, LoadOrder } from "./console_load_worker.ts";
import { BenchTerminal } from "./console_terminal.ts";
import { cpuMs, cpuSince } from "./cpu.ts";
import { residentBytes } from "./machine.ts";
import { type BenchResult, median } from "./result.ts";

const AGENTS = 5000;
const RECORDS_PER_SECOND = 2000;
const SIZE = { columns: 160, rows: 50 };
const LOOK_MS = 30_000;
const MEMORY_MS = 120_000;
const LONG_MEMORY_MS = 600_000;
const MEMORY_EVERY_MS = 1000;
/** What a view needs to be as it stays. */
const SETTLE_MS = 8000;
/** The first starts read the programs from disk. */
const WARM_UPS = 2;
const KEYS = 200;
const TARGETS = { cpuPercent: 15, bytes: 0, keyMs: 50, growth: 1.05, start: 2 };

export async function benchConsole(starts: number, long: boolean): Promise<BenchResult[]> {
  const cluster = await makeCluster();
  const worker = new Worker(new URL("./console_load_worker.ts", import.meta.url), { type: "module" });
  const load = (order: LoadOrder) => ask(worker, order);
  try {
    const server = await startCompiledServer(cluster);
    try {
      await load({ grow: AGENTS, cluster });
      const env = await signInConsole(cluster);
      const open = () => new BenchTerminal([binary("jabber-tui")], { ...SIZE, env });
      return [
        ...await underLoad(open, load, long ? LONG_MEMORY_MS : MEMORY_MS),
        await consoleStart(open, await compileInk(), starts),
      ];
    } finally {
      await server.stop("SIGKILL");
    }
  } finally {
    worker.terminate();
    await Deno.remove(cluster.folder, { recursive: true });
  }
}

function ask(worker: Worker, order: LoadOrder): Promise<LoadAnswer> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<LoadAnswer>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`the loader: ${event.message}`));
    };
    worker.postMessage(order);
  });
}

async function startCompiledServer(cluster: BenchCluster): Promise<Program> {
  const server = new Program("server", binary("jabber-server"), { args: ["--config", cluster.config] });
  await lineOrEnd(server, /listening.* url=(\S+)/);
  return server;
}

/** Signs an operator in as a person does; answers the console's environment. */
async function signInConsole({ folder, url, user, password }: BenchCluster): Promise<Record<string, string>> {
  const env = { HOME: folder, JABBER_HOME: `${folder}/operator` };
  await Deno.writeTextFile(`${folder}/password`, password, { mode: 0o600 });
  const args = ["login", url, "--user", user, "--password-file", `${folder}/password`];
  const login = new Program("login", binary("jabber"), { args, env });
  const { success } = await login.ended;
  if (!success) throw new Error(`login: ${login.lines.join("\n")}`);
  return env;
}

type Open = () => BenchTerminal;

async function underLoad(
  open: Open,
  load: (order: LoadOrder) => Promise<LoadAnswer>,
  memoryMs: number,
): Promise<BenchResult[]> {
  const terminal = open();
  try {
    await terminal.until(/host-00000/);
    const quiet = await look(terminal);
    const begin = performance.now();
    await load({ perSecond: RECORDS_PER_SECOND });
    const agents = await look(terminal);
    await terminal.type(":firehose\r");
    const firehose = await look(terminal);
    const keys = await keyTimes(terminal, KEYS);
    await terminal.type(":firehose\r");
    const memory = await memoryOver(terminal, memoryMs);
    const answer = await load({ perSecond: RECORDS_PER_SECOND });
    if (!("load" in answer)) throw new Error("the loader said nothing of its load");
    const seconds = (performance.now() - begin) / 1000;
    const { sent, acknowledged, lost } = answer.load;
    const rate = `${AGENTS} agents, ${(sent / seconds).toFixed(0)} records/s (${
      (acknowledged / seconds).toFixed(0)
    } acknowledged), ${lost} connections lost`;
    return [cpuResult("agents", agents, rate), cpuResult("firehose", firehose, rate)].concat(
      quietResult(quiet),
      keyResult(keys),
      memoryResult(memory, memoryMs),
    );
  } finally {
    await terminal.close();
  }
}

/** What the console did while somebody only looked. */
interface Look {
  /** Of one core. */
  percent: { main: number; helpers: number };
  bytes: number;
  seconds: number;
}

async function look(terminal: BenchTerminal): Promise<Look> {
  const pid = await terminal.pid;
  await pause(SETTLE_MS);
  const [before, bytes, begin] = [cpuMs(pid), terminal.bytes, performance.now()];
  await pause(LOOK_MS);
  const { main, workers, helpers } = cpuSince(pid, before);
  const ms = performance.now() - begin;
  return {
    percent: { main: 100 * main / ms, helpers: 100 * (workers + helpers) / ms },
    bytes: terminal.bytes - bytes,
    seconds: ms / 1000,
  };
}

/** Resident memory again and again, bytes. */
async function memoryOver(terminal: BenchTerminal, ms: number): Promise<number[]> {
  await pause(SETTLE_MS);
  const pid = await terminal.pid;
  const samples: number[] = [];
  for (const end = performance.now() + ms; performance.now() < end; await pause(MEMORY_EVERY_MS)) {
    if (terminal.isOver) throw new Error(`the console has ended: ${terminal.tail}`);
    samples.push(await residentBytes(pid));
    terminal.forget();
  }
  return samples;
}

async function consoleStart(open: Open, peer: string, starts: number): Promise<BenchResult> {
  const ours: number[] = [];
  const bare: number[] = [];
  const full: number[] = [];
  for (let i = -WARM_UPS; i < starts; i++) {
    // Who goes first changes with every pair.
    const turn = [
      async () => {
        const [first, whole] = await timedStart(open, [/\?2026l/, /host-00000/]);
        if (i >= 0) [ours[i], full[i]] = [first!, whole!];
      },
      async () => {
        const [first] = await timedStart(() => new BenchTerminal([peer], { ...SIZE, env: {} }), [/Ahoy/]);
        if (i >= 0) bare[i] = first!;
      },
    ];
    for (const one of i % 2 === 0 ? turn : turn.toReversed()) await one();
  }
  return {
    name: "console-start",
    ours: Math.round(median(ours)),
    peer: Math.round(median(bare)),
    unit: "ms",
    ratio: median(ours.map((ms, i) => ms / bare[i]!)),
    target: TARGETS.start,
    better: "lower",
    notes: `spawn to the first whole screen, ${starts} pairs, peer: compiled program of Ink with one line of text; ` +
      `least ${Math.min(...ours).toFixed(0)} and ${Math.min(...bare).toFixed(0)} ms; ` +
      `${Math.round(median(full))} ms until the table of ${AGENTS} agents is there`,
  };
}

/** Milliseconds from the spawn until each of the texts was written, the terminal's own start included. */
async function timedStart(open: Open, texts: readonly RegExp[]): Promise<number[]> {
  const begin = performance.now();
  const terminal = open();
  try {
    const times: number[] = [];
    for (const text of texts) times.push(await terminal.until(text) - begin);
    return times;
  } finally {
    await terminal.close();
  }
}

/** With what the console itself is granted and given. */
function compileInk(): Promise<string> {
  const console = PROGRAMS.find(({ name }) => name === "jabber-tui")!;
  return compilePeer({ ...console, name: "bare-ink", entry: "bench/peers/ink_line.tsx" });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The target is a figure, not a ratio to a peer's. */
function figure(name: string, ours: number, unit: string, target: number, notes: string): BenchResult {
  const ratio = target === 0 ? ours : ours / target;
  return { name, ours, peer: 0, unit, ratio, target: target === 0 ? 0 : 1, better: "lower", notes };
}

function cpuResult(view: string, { percent: { main, helpers }, bytes, seconds }: Look, rate: string): BenchResult {
  return figure(
    `console-cpu-${view}`,
    main + helpers,
    "% of a core",
    TARGETS.cpuPercent,
    `the ${view} view over ${seconds.toFixed(0)} s, at most ${TARGETS.cpuPercent} %: ${main.toFixed(1)} main thread, ` +
      `${helpers.toFixed(1)} V8's helpers; ${(bytes / seconds / 1024).toFixed(1)} KiB/s written; ${rate}`,
  );
}

function quietResult({ bytes, seconds, percent: { main, helpers } }: Look): BenchResult {
  return figure(
    "console-quiet",
    bytes,
    "bytes",
    TARGETS.bytes,
    `written in ${seconds.toFixed(0)} s with ${AGENTS} idle agents; ${(main + helpers).toFixed(1)} % of a core`,
  );
}

function keyResult({ shown, echoed }: KeyTimes): BenchResult {
  const all = Object.values(shown).flat();
  const both = (values: readonly number[]) => `${median(values).toFixed(1)} and ${quantile(values, 0.99).toFixed(1)}`;
  return figure(
    "console-key",
    quantile(all, 0.99),
    "ms",
    TARGETS.keyMs,
    `p99 of ${all.length} keys under the load, from typed to shown, at most ${TARGETS.keyMs}; median and p99: ` +
      `all ${both(all)}, another row ${both(shown.row)}, another view ${both(shown.view)}, hold ${both(shown.hold)}; ` +
      `the same terminal's own echo in between ${both(echoed)}`,
  );
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN;
}

function memoryResult(samples: readonly number[], ms: number): BenchResult {
  const fifth = Math.max(1, Math.floor(samples.length / 5));
  const mib = (part: readonly number[]) => median(part) / 2 ** 20;
  // The first fifth is for the window of records to fill and for the collector to find its size.
  const [early, late] = [mib(samples.slice(fifth, 2 * fifth)), mib(samples.slice(-fifth))];
  return {
    name: "console-memory",
    ours: Number(late.toFixed(1)),
    peer: Number(early.toFixed(1)),
    unit: "MiB",
    ratio: late / early,
    target: TARGETS.growth,
    better: "lower",
    notes:
      `resident in the firehose view under the load, the last fifth of ${ms / 60_000} minutes beside the second; ` +
      `${(slope(samples) / 2 ** 20 * 60_000 / MEMORY_EVERY_MS).toFixed(2)} MiB a minute from the second fifth on`,
  };
}

/** Least squares, without the first fifth; bytes a sample. */
function slope(samples: readonly number[]): number {
  const some = samples.slice(Math.floor(samples.length / 5));
  const middle = (some.length - 1) / 2;
  const mean = some.reduce((sum, value) => sum + value, 0) / some.length;
  const up = some.reduce((sum, value, i) => sum + (i - middle) * (value - mean), 0);
  return up / some.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
}

if (import.meta.main) {
  for (const result of await benchConsole(15, Deno.args.includes("--long"))) console.log(result);
}

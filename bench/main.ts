/**
 * All benchmarks in one go, each against a peer measured in the same run:
 * `./denow task bench [--only NAME]… [--rounds N] [--long] [--json FILE]`
 *
 * A bench reports: a missed target is printed as MISS and the exit code stays 0. Exit codes: 0 done, 1 a bench broke,
 * 2 usage.
 */
import { parseArgs } from "node:util";
import { benchAppend } from "./append.ts";
import { benchCli } from "./cli.ts";
import { benchConsole } from "./console.ts";
import { benchCron } from "./cron.ts";
import { benchFacts } from "./facts.ts";
import { benchFanout } from "./fanout.ts";
import { benchGossip } from "./gossip/main.ts";
import { benchFrameVerify } from "./frame_verify.ts";
import { benchIdle } from "./idle.ts";
import { loadText, machineLine } from "./machine.ts";
import { benchRest } from "./rest.ts";
import { type BenchResult, meetsTarget } from "./result.ts";
import { benchSandbox } from "./sandbox.ts";
import { benchSim } from "./sim.ts";
import { benchStart } from "./start.ts";

const ROUNDS = 5;
/** A start takes a moment, so there is time for more. */
const STARTS_A_ROUND = 3;

const BENCHES: Readonly<Record<string, (rounds: number, long: boolean) => Promise<BenchResult[]>>> = {
  append: async () => [await benchAppend()],
  idle: async (rounds) => [await benchIdle(rounds)],
  fanout: async (rounds) => [await benchFanout(rounds)],
  "frame-verify": async () => [await benchFrameVerify()],
  sandbox: async () => [await benchSandbox()],
  sim: async () => [await benchSim()],
  cron: () => benchCron(),
  start: (rounds) => benchStart(STARTS_A_ROUND * rounds),
  cli: async (rounds) => [await benchCli(STARTS_A_ROUND * rounds)],
  console: (rounds, long) => benchConsole(STARTS_A_ROUND * rounds, long),
  facts: (rounds) => benchFacts(rounds),
  gossip: (_, long) => benchGossip(long),
  rest: () => benchRest(),
};

interface Report {
  result: BenchResult;
  /** The machine's load average before the bench. */
  load: string;
}

/** `name: ours, peer, ratio, target, verdict`, and below how it was measured. */
export function describeResult({ result, load }: Report): string {
  const { name, ours, peer, unit, ratio, target, better, notes } = result;
  const sign = better === "higher" ? "≥" : "≤";
  const verdict = meetsTarget(result) ? "PASS" : "MISS";
  const figures = `ours ${short(ours)} ${unit}, peer ${short(peer)} ${unit}, ratio ${
    ratio.toFixed(2)
  } (target ${sign} ${target})`;
  return `${verdict} ${name}: ${figures}\n     load ${load}; ${notes}`;
}

function short(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

async function run(
  names: readonly string[],
  rounds: number,
  long: boolean,
): Promise<{ reports: Report[]; broken: number }> {
  const reports: Report[] = [];
  let broken = 0;
  for (const name of names) {
    const load = loadText();
    try {
      for (const result of await BENCHES[name]!(rounds, long)) {
        reports.push({ result, load });
        console.log(describeResult({ result, load }));
      }
    } catch (cause) {
      broken++;
      console.log(`FAIL ${name}: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }
  return { reports, broken };
}

function readArgs() {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true },
      rounds: { type: "string", default: `${ROUNDS}` },
      /** Looks at the console's memory for 10 minutes instead of 2, and plays the whole grid of gossip. */
      long: { type: "boolean", default: false },
      json: { type: "string" },
    },
  });
  const only = values.only ?? Object.keys(BENCHES);
  const unknown = only.find((name) => !Object.hasOwn(BENCHES, name));
  if (unknown !== undefined) {
    throw new Error(`no bench is called "${unknown}": choose from ${Object.keys(BENCHES).join(", ")}`);
  }
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds} is no whole number from 1`);
  return { only, rounds, long: values.long, json: values.json };
}

async function main(): Promise<number> {
  let args: ReturnType<typeof readArgs>;
  try {
    args = readArgs();
  } catch (cause) {
    console.error(`bench: ${cause instanceof Error ? cause.message : String(cause)}`);
    return 2;
  }
  const machine = machineLine();
  console.log(machine);
  const { reports, broken } = await run(args.only, args.rounds, args.long);
  if (args.json !== undefined) {
    const results = reports.map(({ result, load }) => ({ ...result, load, met: meetsTarget(result) }));
    await Deno.writeTextFile(args.json, JSON.stringify({ machine, results }, null, 2) + "\n");
  }
  return broken === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());

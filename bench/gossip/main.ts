/**
 * The reduced Lifeguard grid against memberlist:
 * `./denow run -A bench/gossip/main.ts [--seed N] [--seeds N] [--cells NAME,… | --reduced] [--at-once N] [--reuse] [--doc]`
 *
 * `--seed` is the schedule's, `--seeds` how often each cell is played, `--reuse` takes what an earlier run of the same
 * schedule kept of the peer, `--doc` writes the table into the documentation. Exit codes: 0 done, 1 it broke, 2 usage.
 */
import { parseArgs } from "node:util";
import { inRepository } from "../../build/shell.ts";
import type { Standstill } from "../../tests/support/swim_world.ts";
import { loadText, machineLine } from "../machine.ts";
import { type BenchResult, skipped } from "../result.ts";
import { measurePeer } from "./grid.ts";
import { measureOurs } from "./ours.ts";
import { peerLacks } from "./peer.ts";
import { type GridReport, gridResults, gridText } from "./report.ts";
import { makeSchedule, reducedCells, type Schedule } from "./schedule.ts";

const DOC = "docs/performance_gossip.md";
const BEGIN = "<!-- grid: written by bench/gossip/main.ts -->";
const END = "<!-- end of grid -->";

export interface GridOptions {
  readonly schedule: Schedule;
  readonly seeds: readonly number[];
  readonly atOnce: number;
  readonly reuse: boolean;
}

export async function measureGrid(options: GridOptions, told: (line: string) => void): Promise<GridReport> {
  const { schedule, seeds } = options;
  const peer = await measurePeer({ ...options, mode: "lifeguard", told });
  const ours = (gate: Standstill) => measureOurs(schedule, seeds, gate, told);
  return { schedule, seeds, peer, ours: { sockets: ours("sockets"), process: ours("process") } };
}

/** For all benches in one go: the corners of the grid, or with `long` all of it. */
export async function benchGossip(long: boolean): Promise<BenchResult[]> {
  const lacks = await peerLacks();
  if (lacks !== undefined) return skipped("gossip", lacks);
  const schedule = makeSchedule(1, long ? undefined : reducedCells());
  const options = { schedule, seeds: [1], atOnce: navigator.hardwareConcurrency, reuse: false };
  return gridResults(await measureGrid(options, () => {}));
}

function readArgs(): GridOptions & { doc: boolean } {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      seeds: { type: "string", default: "1" },
      cells: { type: "string" },
      reduced: { type: "boolean", default: false },
      "at-once": { type: "string", default: `${navigator.hardwareConcurrency}` },
      reuse: { type: "boolean", default: false },
      doc: { type: "boolean", default: false },
    },
  });
  const [seed, seeds, atOnce] = [Number(values.seed), Number(values.seeds), Number(values["at-once"])];
  if (![seed, seeds, atOnce].every((number) => Number.isInteger(number) && number >= 1)) {
    throw new Error("--seed, --seeds and --at-once are whole numbers from 1");
  }
  const names = values.reduced ? reducedCells() : values.cells?.split(",");
  const schedule = makeSchedule(seed, names);
  const played = Array.from({ length: seeds }, (_, index) => index + 1);
  return { schedule, seeds: played, atOnce, reuse: values.reuse, doc: values.doc };
}

async function main(): Promise<number> {
  let args: ReturnType<typeof readArgs>;
  try {
    args = readArgs();
  } catch (cause) {
    console.error(`gossip: ${cause instanceof Error ? cause.message : String(cause)}`);
    return 2;
  }
  const lacks = await peerLacks();
  if (lacks !== undefined) {
    skipped("gossip", lacks);
    return 0;
  }
  console.log(machineLine());
  const report = await measureGrid(args, (line) => console.log(`${line}, load ${loadText()}`));
  const text = gridText(report);
  console.log(text);
  if (args.doc) await writeDoc(text);
  return 0;
}

/** Puts the tables into the page. */
export async function writeDoc(text: string): Promise<void> {
  const path = inRepository(DOC);
  const before = await Deno.readTextFile(path);
  const [begin, end] = [before.indexOf(BEGIN), before.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${DOC} has no place between "${BEGIN}" and "${END}"`);
  await Deno.writeTextFile(path, `${before.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${before.slice(end)}`);
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", path] }).output();
}

if (import.meta.main) Deno.exit(await main());

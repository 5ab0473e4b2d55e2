/** The grid as ratios, and as a table for the documentation. */
import type { Standstill } from "../../tests/support/swim_world.ts";
import { type BenchResult, median, meetsTarget } from "../result.ts";
import type { Grid } from "./grid.ts";
import { GATES, type OurGrids } from "./ours.ts";
import type { Schedule } from "./schedule.ts";
import { type Tally, total } from "./tally.ts";

export interface GridReport {
  readonly schedule: Schedule;
  readonly seeds: readonly number[];
  readonly peer: Grid;
  readonly ours: Readonly<Record<Standstill, OurGrids>>;
}

const TARGETS = { falseDead: 1, detection: 1, ofPlain: 0.02, bytes: 1.1 };

/** The issue's targets, for each reading of a closed gate. */
export function gridResults({ schedule, seeds, peer, ours }: GridReport): BenchResult[] {
  const theirs = allOf(peer);
  const runs = `${schedule.cells.length} cells of 128 nodes, ${seeds.length} seed${seeds.length === 1 ? "" : "s"}`;
  return GATES.flatMap((gate) => {
    const mine = allOf(ours[gate].ours);
    const plain = allOf(ours[gate].plain);
    const row = (
      name: string,
      of: (one: Tally) => number,
      against: Tally,
      unit: string,
      target: number,
    ): BenchResult => ({
      name: `gossip-${name}-${gate}`,
      ours: of(mine),
      peer: of(against),
      unit,
      ratio: ratio(of(mine), of(against)),
      target,
      better: "lower",
      notes: `${runs}; ${against === plain ? "peer: our own plain SWIM" : "peer: memberlist 0.2.2, LAN"}`,
    });
    return [
      row("false", (one) => one.falseDead, theirs, "false dead", TARGETS.falseDead),
      row("false-healthy", (one) => one.falseDeadAtHealthy, theirs, "false dead", TARGETS.falseDead),
      row("false-of-plain", (one) => one.falseDead, plain, "false dead", TARGETS.ofPlain),
      row("first", (one) => seconds(one.firstMs), theirs, "s", TARGETS.detection),
      row("full", (one) => seconds(one.fullMs), theirs, "s", TARGETS.detection),
      row("bytes", (one) => one.bytesPerSecond, theirs, "B/s", TARGETS.bytes),
    ];
  });
}

function allOf(grid: Grid): Tally {
  return total(Object.values(grid).flat());
}

/** Nothing against nothing is even with it. */
function ratio(ours: number, peer: number): number {
  return ours === peer ? 1 : ours / peer;
}

function seconds(ms: readonly number[]): number {
  return median(ms) / 1000;
}

/** The targets and the cells, in Markdown. */
export function gridText(report: GridReport): string {
  const rows = gridResults(report).map((result) => {
    const { name, ours, peer, unit, ratio, target } = result;
    const figures = [ours, peer].map((value) => `${Number(value.toFixed(2))} ${unit}`);
    const verdict = meetsTarget(result) ? "PASS" : "MISS";
    return `| ${[name, ...figures, ratio.toFixed(3), `≤ ${target}`, verdict].join(" | ")} |`;
  });
  const { schedule, seeds } = report;
  const times = seeds.length === 1 ? "once" : `${seeds.length} times`;
  const played = `Schedule ${schedule.seed}, ${schedule.cells.length} cells, each played ${times} on each side.`;
  return [
    played,
    "",
    "| | ours | peer | ratio | target | |",
    "|---|---:|---:|---:|---:|---|",
    ...rows,
    "",
    gridTable(report),
  ].join("\n");
}

/** One row for a cell: both sides, counts summed over the seeds. */
function gridTable({ schedule, peer, ours }: GridReport): string {
  const head = [
    ...["C, D, I", "memberlist: FP", "FP-", "first", "full", "B/s"],
    ...["ours, sockets: FP", "FP-", "first", "full", "B/s"],
    ...["ours, process: FP", "FP-", "first", "full"],
    ...["plain SWIM: FP, sockets", "FP, process"],
  ];
  const row = (name: string, of: (grid: Grid) => Tally) => {
    const [theirs, sockets, process] = [of(peer), of(ours.sockets.ours), of(ours.process.ours)];
    return [
      name,
      ...[...counts(theirs), weight(theirs), ...counts(sockets), weight(sockets), ...counts(process)],
      ...[`${of(ours.sockets.plain).falseDead}`, `${of(ours.process.plain).falseDead}`],
    ];
  };
  const rows = [
    head,
    head.map((_, index) => index === 0 ? "---" : "---:"),
    ...schedule.cells.map(({ name }) => row(titleOf(name), (grid) => total(grid[name]!))),
    row("all", allOf),
  ];
  return rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function counts(one: Tally): string[] {
  const unseen = one.unseen === 0 ? "" : ` (${one.unseen} not)`;
  return [
    `${one.falseDead}`,
    `${one.falseDeadAtHealthy}`,
    `${seconds(one.firstMs).toFixed(1)} s`,
    `${seconds(one.fullMs).toFixed(1)} s${unseen}`,
  ];
}

function weight(one: Tally): string {
  return one.bytesPerSecond.toFixed(0);
}

/** `C4-D2000-I64` → `4, 2 s, 64 ms` */
function titleOf(name: string): string {
  const [, concurrent, durationMs, intervalMs] = /^C(\d+)-D(\d+)-I(\d+)$/.exec(name)!;
  const time = (ms: number) => ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
  return `${concurrent}, ${time(Number(durationMs))}, ${time(Number(intervalMs))}`;
}

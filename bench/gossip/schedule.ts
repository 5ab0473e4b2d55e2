/**
 * The reduced Lifeguard grid as one file for both sides: which nodes are slow, when their gates are closed, which nodes
 * stop for good. Made from a seed; the Go peer reads the file, our side the same object.
 *
 * A cell is one choice of C (slow nodes), D (how long they are blocked) and I (how long they are free in between). They
 * are blocked together, again and again, for at least two minutes; while that goes on, and once more when it is over,
 * some nodes that were never slow stop for good.
 */
import { randomBelow, type Rng, seededRng } from "../../base/rng.ts";

/** Node `node` stops for good `at` milliseconds after the beginning. */
export interface Crash {
  readonly node: number;
  readonly at: number;
}

export interface Cell {
  readonly name: string;
  readonly nodes: number;
  /** The slow nodes. */
  readonly blocked: readonly number[];
  /** When all of them are blocked: from and to, milliseconds from the beginning. */
  readonly windows: readonly (readonly [from: number, to: number])[];
  readonly crashes: readonly Crash[];
  readonly totalMs: number;
}

export interface Schedule {
  readonly seed: number;
  /** From the moment all nodes know each other to the beginning. */
  readonly settleMs: number;
  /** A packet's way takes as long as a number between these. */
  readonly delayMs: readonly [min: number, max: number];
  /** What waits at a blocked node; what comes on top is lost, as in a socket's receive buffer. */
  readonly queueBytesMax: number;
  readonly cells: readonly Cell[];
}

const NODES = 128;
const GRID = { concurrent: [4, 16, 32], durationMs: [2_000, 16_000, 32_000], intervalMs: [64, 4_000] };
/** Of the grid's corners: the few that show most. */
const REDUCED = ["C16-D16000-I64", "C32-D2000-I4000", "C32-D16000-I4000", "C32-D32000-I64"];

const SETTLE_MS = 8_000;
const BLOCKED_MS_MIN = 120_000;
const DELAY_MS = [0.5, 1.5] as const;
/** What memberlist asks of the kernel for its UDP socket. */
const QUEUE_BYTES_MAX = 2 * 2 ** 20;
/** Crashes while others are slow, and after. */
const CRASHES = { amid: 4, after: 4, firstMs: 20_000, everyMs: 20_000, afterEveryMs: 1_000 };
/** The longest suspicion of 128 nodes takes 50.6 s. */
const WATCH_MS = 60_000;

export function makeSchedule(seed: number, names?: readonly string[]): Schedule {
  const rng = seededRng(seed);
  const all = GRID.concurrent.flatMap((concurrent) =>
    GRID.durationMs.flatMap((durationMs) =>
      GRID.intervalMs.map((intervalMs) => makeCell(rng, concurrent, durationMs, intervalMs))
    )
  );
  const unknown = names?.find((name) => !all.some((cell) => cell.name === name));
  if (unknown !== undefined) {
    throw new Error(`no cell is called "${unknown}": choose from ${all.map((cell) => cell.name).join(", ")}`);
  }
  const cells = names === undefined ? all : all.filter(({ name }) => names.includes(name));
  return { seed, settleMs: SETTLE_MS, delayMs: DELAY_MS, queueBytesMax: QUEUE_BYTES_MAX, cells };
}

export function reducedCells(): readonly string[] {
  return REDUCED;
}

/** Members at rest: nobody is slow, nobody stops. */
export function restSchedule(nodes: readonly number[], totalMs: number): Schedule {
  const cells = nodes.map((count) => ({
    ...{ name: `rest-${count}`, nodes: count, totalMs },
    ...{ blocked: [], windows: [], crashes: [] },
  }));
  return { seed: 0, settleMs: SETTLE_MS, delayMs: DELAY_MS, queueBytesMax: QUEUE_BYTES_MAX, cells };
}

function makeCell(rng: Rng, concurrent: number, durationMs: number, intervalMs: number): Cell {
  const order = shuffled(rng, NODES);
  const cycles = Math.ceil(BLOCKED_MS_MIN / (durationMs + intervalMs));
  const windows = Array.from({ length: cycles }, (_, cycle) => {
    const from = cycle * (durationMs + intervalMs);
    return [from, from + durationMs] as const;
  });
  const over = windows.at(-1)![1];
  const doomed = order.slice(concurrent);
  const { amid, after, firstMs, everyMs, afterEveryMs } = CRASHES;
  const crashes = Array.from({ length: amid + after }, (_, index) => ({
    node: doomed[index]!,
    at: index < amid ? firstMs + index * everyMs : over + (index - amid + 1) * afterEveryMs,
  }));
  return {
    name: `C${concurrent}-D${durationMs}-I${intervalMs}`,
    nodes: NODES,
    blocked: order.slice(0, concurrent),
    windows,
    crashes,
    totalMs: crashes.at(-1)!.at + WATCH_MS,
  };
}

function shuffled(rng: Rng, count: number): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  for (let index = count - 1; index > 0; index--) {
    const other = randomBelow(rng, index + 1);
    [order[index], order[other]] = [order[other]!, order[index]!];
  }
  return order;
}

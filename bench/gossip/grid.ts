/** The peer's side of a schedule: several cells at once, as their real time is long, and kept for a later look. */
import { inRepository } from "../../build/shell.ts";
import { buildPeer, type PeerMode, type PeerRun, runPeer } from "./peer.ts";
import type { Schedule } from "./schedule.ts";
import { tally, type Tally } from "./tally.ts";

/** What the peer came to in one cell. */
export interface PeerCell {
  readonly tally: Tally;
  readonly packets: number;
  readonly dropped: number;
  readonly lagP99Ms: number;
  readonly lagMaxMs: number;
}

export interface PeerGrid {
  /** When it was measured, RFC 3339. */
  readonly at: string;
  readonly seed: number;
  readonly mode: PeerMode;
  readonly atOnce: number;
  readonly cells: Readonly<Record<string, PeerCell>>;
}

/** Plays all cells in real time, `atOnce` of them together. */
export async function measurePeer(
  schedule: Schedule,
  mode: PeerMode,
  atOnce: number,
  told: (line: string) => void,
): Promise<PeerGrid> {
  const peer = await buildPeer();
  const file = await Deno.makeTempFile({ prefix: "jabber-gossip-", suffix: ".json" });
  try {
    await Deno.writeTextFile(file, JSON.stringify(schedule));
    const waiting = [...schedule.cells];
    const cells: Record<string, PeerCell> = {};
    await Promise.all(Array.from({ length: atOnce }, async () => {
      for (let cell = waiting.shift(); cell !== undefined; cell = waiting.shift()) {
        const run = await runPeer(peer, file, cell.name, mode);
        cells[cell.name] = peerCell(run, tally(cell, run));
        told(`${cell.name}: ${run.traffic.ms / 1000} s, late p99 ${run.lagP99Ms} ms, most ${run.lagMaxMs} ms`);
      }
    }));
    return { at: new Date().toISOString(), seed: schedule.seed, mode, atOnce, cells };
  } finally {
    await Deno.remove(file);
  }
}

function peerCell({ traffic, lagP99Ms, lagMaxMs }: PeerRun, found: Tally): PeerCell {
  return { tally: found, packets: traffic.packets, dropped: traffic.dropped, lagP99Ms, lagMaxMs };
}

function keptPath(seed: number, mode: PeerMode): string {
  return inRepository(`.cache/gossip/peer-${mode}-${seed}.json`);
}

/** Infinity stands for a crash nobody saw, and JSON has no word for it. */
export async function keepGrid(grid: PeerGrid): Promise<void> {
  const text = JSON.stringify(grid, (_, value) => value === Infinity ? "never" : value);
  await Deno.writeTextFile(keptPath(grid.seed, grid.mode), text + "\n");
}

/** The grid of an earlier run, when it holds every cell of the schedule. */
export async function keptGrid(schedule: Schedule, mode: PeerMode): Promise<PeerGrid | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(keptPath(schedule.seed, mode));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  }
  const grid: PeerGrid = JSON.parse(text, (_, value) => value === "never" ? Infinity : value);
  return schedule.cells.every(({ name }) => Object.hasOwn(grid.cells, name)) ? grid : undefined;
}

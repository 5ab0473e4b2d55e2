/** Plays a schedule on one side, some cells at once; the peer's are kept, so that a grid can be put together in parts. */
import { inRepository } from "../../build/shell.ts";
import { buildPeer, type PeerMode, runPeer } from "./peer.ts";
import type { Schedule } from "./schedule.ts";
import { type Tally, tally } from "./tally.ts";

/** By the cell's name; of several seeds one after the other. */
export type Grid = Readonly<Record<string, readonly Tally[]>>;

export interface PeerGridOptions {
  readonly schedule: Schedule;
  readonly mode: PeerMode;
  /** One play of every cell for each. */
  readonly seeds: readonly number[];
  /** Cells that are played together. */
  readonly atOnce: number;
  /** Takes what an earlier run kept of the same schedule. */
  readonly reuse: boolean;
  readonly told: (line: string) => void;
}

export async function measurePeer(options: PeerGridOptions): Promise<Grid> {
  const { schedule, mode, seeds, atOnce, reuse, told } = options;
  const peer = await buildPeer();
  const kept = new Map(reuse ? await readKept(options) : []);
  const file = await Deno.makeTempFile({ prefix: "jabber-gossip-", suffix: ".json" });
  try {
    await Deno.writeTextFile(file, JSON.stringify(schedule));
    const waiting = seeds.flatMap((seed) => schedule.cells.map((cell) => ({ cell, seed, key: `${cell.name} ${seed}` })))
      .filter(({ key }) => !kept.has(key));
    await Promise.all(Array.from({ length: atOnce }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { cell, seed, key } = next;
        const begin = performance.now();
        kept.set(key, tally(cell, await runPeer({ peer, schedule: file, cell: cell.name, mode, seed })));
        await keep(options, [...kept]);
        told(`memberlist ${mode} ${key}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
      }
    }));
  } finally {
    await Deno.remove(file);
  }
  return Object.fromEntries(
    schedule.cells.map(({ name }) => [name, seeds.map((seed) => kept.get(`${name} ${seed}`)!)]),
  );
}

function keptPath({ schedule, mode }: PeerGridOptions): string {
  return inRepository(`.cache/gossip/memberlist-${mode}-${schedule.seed}.json`);
}

/** Infinity stands for a crash nobody saw, and JSON has no word for it. */
async function keep(options: PeerGridOptions, kept: readonly (readonly [string, Tally])[]): Promise<void> {
  const text = JSON.stringify(kept, (_, value) => value === Infinity ? "never" : value);
  await Deno.writeTextFile(keptPath(options), text + "\n");
}

async function readKept(options: PeerGridOptions): Promise<[string, Tally][]> {
  try {
    const text = await Deno.readTextFile(keptPath(options));
    return JSON.parse(text, (_, value) => value === "never" ? Infinity : value);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw cause;
  }
}

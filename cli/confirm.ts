/** Before something cannot be taken back: what is meant is named, the default is no, and of many the number is typed. */
import { JabberError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { World } from "./world.ts";

export interface Question {
  /** Names what is meant: `Remove web1 (agent-…) for good`. */
  text: string;
  /** How many things that hits, and what they are. */
  count: number;
  things: string;
  /** What it does, for who cannot be asked: `remove`. */
  verb: string;
}

/** @throws `input.usage` when nobody can be asked */
export async function confirmed(world: World, { text, count, things, verb }: Question): Promise<boolean> {
  if (!world.canAsk) throw new JabberError("input.usage", `nobody can be asked here; add --yes to ${verb}`);
  const isYes = count > LIMITS.consoleConfirmHosts
    ? (await world.ask(`${text}? Type the number of ${things}: `, { secret: false })).trim() === String(count)
    : /^y(es)?$/i.test((await world.ask(`${text}? [y/N] `, { secret: false })).trim());
  if (!isYes) world.err("nothing was changed\n");
  return isYes;
}

/** A command of one's own: throws dice. Access 0, since it reads nothing of the host. */
import * as z from "zod";
import { defineCommand } from "../../mod.ts";

export const dice = defineCommand({
  key: "demo.dice",
  access: 0,
  summary: "Throw dice",
  input: z.object({
    sides: z.int().min(2).max(100).default(6).describe("sides of each"),
    count: z.int().min(1).max(20).default(1).describe("how many to throw"),
  }),
  output: z.object({ die: z.int(), shows: z.int() }),
  result: z.object({ sum: z.int() }),
  positional: ["sides", "count"],
  async *run(_host, { sides, count }, { signal }) {
    let sum = 0;
    for (let die = 1; die <= count && !signal.aborted; die++) {
      const shows = 1 + crypto.getRandomValues(new Uint32Array(1))[0]! % sides;
      sum += shows;
      yield { kind: "output", body: { die, shows } };
    }
    return { ok: true, result: { sum } };
  },
});

/** Plays each transcript of this folder; `deno test … tests/scenarios/ -- --update` writes them anew, for review. */
import assert from "node:assert/strict";
import { play } from "./scenario.ts";

const FOLDER = new URL("./", import.meta.url);

for (const name of [...Deno.readDirSync(FOLDER)].map((entry) => entry.name).filter((n) => n.endsWith(".txt")).sort()) {
  Deno.test(`the cluster lives as its transcript says: ${name}`, () => {
    const file = new URL(name, FOLDER);
    const text = Deno.readTextFileSync(file);
    const played = play(text);
    if (Deno.args.includes("--update")) Deno.writeTextFileSync(file, played);
    else assert.equal(played, text);
  });
}

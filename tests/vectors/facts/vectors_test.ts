import assert from "node:assert/strict";
import { type Case, CASES, type Happening } from "./cases.ts";
import { played } from "./generate.ts";

const folder = new URL("./", import.meta.url);

interface Step {
  event: Happening;
  tells?: string[];
  dropped?: string;
}

/** The files, by name. */
function frozen(): Map<string, Omit<Case, "events"> & { steps: Step[] }> {
  const names = [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".json"));
  return new Map(
    names.map(({ name }) => [name.replace(".json", ""), JSON.parse(Deno.readTextFileSync(new URL(name, folder)))]),
  );
}

Deno.test("each example of facts leads to the messages and the state that its file shows", () => {
  const files = frozen();
  assert.deepEqual([...files.keys()].sort(), Object.keys(CASES).sort());
  for (const [name, file] of files) {
    // From the file alone: the events it shows lead to the states it shows.
    const { steps, ...rest } = file;
    assert.deepEqual(played({ ...rest, events: steps.map(({ event }) => event) }), file, name);
    assert.deepEqual(steps.map(({ event }) => event), CASES[name]!.events, `${name}: its events are those of cases.ts`);
  }
});

Deno.test("the examples show every fate that a message can have but a full table", () => {
  const dropped = new Set<unknown>();
  const told = new Set<boolean>();
  for (const { steps } of frozen().values()) {
    for (const step of steps) {
      dropped.add(step.dropped);
      told.add(step.tells !== undefined);
    }
  }
  assert.deepEqual(dropped, new Set([undefined, "malformed", "duplicate", "older"]));
  assert.deepEqual(told, new Set([true, false]));
});

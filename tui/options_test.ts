import assert from "node:assert/strict";
import { readOptions, USAGE } from "./options.ts";

const read = (...args: string[]) => readOptions(args, () => undefined);

Deno.test("the example of the console's help is a command line, and the text fits 80 columns", () => {
  const [, line] = /Example:\n +jabber-tui (.*)\n/.exec(USAGE)!;
  const words = [...line!.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
  const { view, filter } = read(...words);
  assert.deepEqual([view, filter], ["agents", "-l role=web"]);
  for (const line of USAGE.split("\n")) assert.ok(line.length <= 80, line);
});

Deno.test("a filter may begin with a dash, another option may not be taken for one", () => {
  for (const args of [["--filter", "-l a=b"], ["--filter=-l a=b"]]) {
    assert.equal(read(...args, "--readonly").filter, "-l a=b");
  }
  assert.throws(() => read("--filter", "--readonly"), TypeError);
  assert.throws(() => read("--filter"), TypeError);
});

Deno.test("what is no URL, and a second one, are refused with what they are", () => {
  assert.equal(read("https://fleet.example:7400/").url, "https://fleet.example:7400");
  assert.throws(() => read("fleet.example"), /no URL/);
  assert.throws(() => read("https://a.example", "https://b.example"), /more than one URL/);
});

import { InvalidArgumentError } from "@commander-js/extra-typings";
import { sanitize, sanitizeLine } from "../base/sanitize.ts";
import type { FactAnswer } from "../server/cluster/answers.ts";
import { currentApi } from "./api.ts";
import { addFormat } from "./text/format_option.ts";
import { ago, formatOne, printListing } from "./text/output.ts";
import { type Shape, shaped, shapedList } from "./shape.ts";
import type { Register } from "./verb.ts";

const FACT: Shape<FactAnswer> = {
  origin: "string",
  name: "string",
  value: "string",
  version: "number",
  uuid: "string",
  at: "string",
  by: "string",
  address: "string",
};

const AS = "--as <node>";

export const factVerbs: Register = (program, world) => {
  const fact = program.command("fact")
    .description("Small texts that servers tell each other by gossip: who said what, as this server heard it.");

  addFormat(fact.command("set"))
    .description("Sets a fact of the server you are signed in at, and tells all others.")
    .argument("<name=value>", "what it is called, and what it says", splitFact)
    .option(AS, "speak in this server's name: the fact is its own, and shows who wrote it")
    .addHelpText("after", "\nExamples:\n  jabber fact set book=gatsby\n  jabber fact set book=emma --as jimmy")
    .action(async ({ name, value }, { as, output }) => {
      const api = await currentApi(world);
      const answer = await api.ask({ method: "PUT", path: factPath(as, name), body: { value } });
      const set = shaped(FACT, answer);
      if (output !== "table") return world.out(formatOne({ ...set }, output, nameOf(set)));
      const by = set.by === set.origin ? "" : ` by ${sanitizeLine(set.by)}`;
      world.err(`set ${sanitizeLine(nameOf(set))}, version ${set.version}${by}\n`);
    });

  addFormat(fact.command("get"))
    .description("Prints the value of a fact, as the server you are signed in at knows it.")
    .argument("<name>", "what it is called")
    .option(AS, "the fact of this server (default: the one you are signed in at)")
    .addHelpText("after", "\nExamples:\n  jabber fact get book\n  jabber fact get book --as jimmy -o json")
    .action(async (name, { as, output }) => {
      const api = await currentApi(world);
      const found = shaped(FACT, await api.ask({ method: "GET", path: factPath(as, name) }));
      world.out(output === "table" ? `${sanitize(found.value)}\n` : formatOne({ ...found }, output, nameOf(found)));
    });

  addFormat(fact.command("ls"))
    .description("Lists every fact that the server you are signed in at knows.")
    .option(AS, "only those of this server")
    .addHelpText("after", "\nExample:\n  jabber fact ls")
    .action(async ({ as, output }) => {
      const api = await currentApi(world);
      const all = shapedList(FACT, await api.ask({ method: "GET", path: "/v1/facts" }), "facts");
      const facts = all.filter(({ origin }) => as === undefined || origin === as);
      await printListing(world, {
        rows: facts,
        name: nameOf,
        columns: [
          { title: "NODE", least: 14, value: (row) => row.origin },
          { title: "NAME", value: (row) => row.name },
          { title: "VALUE", least: 16, value: (row) => row.value },
          { title: "VERSION", value: (row) => String(row.version) },
          { title: "AGE", value: (row) => ago(row.at, world.clock.now()) },
          { title: "BY", value: (row) => row.by === row.origin ? "" : row.by, rare: true },
          { title: "ADDRESS", value: (row) => row.address },
        ],
      }, output);
      if (facts.length === 0) world.err("no facts yet; set one: jabber fact set NAME=VALUE\n");
    });
};

/** Behind the first `=` everything is value. */
function splitFact(text: string): { name: string; value: string } {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Give NAME=VALUE.");
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}

/** `-` stands for the server that is asked. */
function factPath(origin: string | undefined, name: string): string {
  return `/v1/facts/${encodeURIComponent(origin ?? "-")}/${encodeURIComponent(name)}`;
}

function nameOf({ origin, name }: FactAnswer): string {
  return `${origin}/${name}`;
}

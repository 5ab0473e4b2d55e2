import { isJsonObject } from "../base/json.ts";
import { sanitize, sanitizeLine } from "../base/sanitize.ts";
import { ANSWERS } from "../server/core/requests.ts";
import { type Api, currentApi } from "./api.ts";
import { addFormat, wholeNumber } from "./text/format_option.ts";
import { formatLine } from "./text/output.ts";
import type { Register } from "./verb.ts";
import { eventText, recordLine } from "./run/text.ts";
import { steadyLines } from "./steady.ts";

export const firehoseVerb: Register = (program, world) => {
  addFormat(program.command("firehose"))
    .description("Everything that agents say and that happens on the server, live.")
    .option("-l, --selector <selector>", "only records of agents it matches")
    .option("--kind <kind,…>", "only these message kinds (output, log, runState, …)")
    .option("--job <order>", "only this order")
    .option("--pattern <regex>", "only records whose text matches")
    .option("--count <n>", "end after so many lines", wholeNumber)
    .option("--json", "lines as they come: -o json")
    .addHelpText("after", "\nExample:\n  jabber firehose -l env=prod --kind log,output")
    .action(async ({ json, output, count, selector, kind, job, pattern }) => {
      const format = json ? "json" : output;
      let left = count ?? Infinity;
      const api = await currentApi(world);
      const filter = Object.entries({ selector, kind, job, pattern });
      const query = new URLSearchParams(filter.filter((pair): pair is [string, string] => pair[1] !== undefined));
      const stop = new AbortController();
      const unlisten = world.onInterrupt(() => stop.abort());
      const names = namesOf(api);
      try {
        // What is said while it is not connected is in the streams, and not shown here.
        for await (
          const line of steadyLines(world, () => api.frames(`/v1/firehose?${query}`, stop.signal), stop.signal)
        ) {
          const name = format === "table" ? await nameIn(line, names) : "";
          world.out(formatLine(line, format, () => show(line, name)));
          if (--left <= 0) return;
        }
      } finally {
        stop.abort();
        unlisten();
      }
    });
};

/** Asks for each agent's name once. */
function namesOf(api: Api): (agent: string) => Promise<string> {
  const names = new Map<string, Promise<string>>();
  const ask = async (agent: string) => {
    try {
      return ANSWERS.agent.parse(await api.ask({ method: "GET", path: `/v1/agents/${encodeURIComponent(agent)}` }))
        .name;
    } catch {
      // Removed, or not to be asked for: its id says who it is too.
      return agent;
    }
  };
  return (agent) => {
    const name = names.get(agent) ?? ask(agent);
    names.set(agent, name);
    return name;
  };
}

async function nameIn(line: string, names: (agent: string) => Promise<string>): Promise<string> {
  const value: unknown = JSON.parse(line);
  return isJsonObject(value) && typeof value["from"] === "string" ? await names(value["from"]) : "";
}

function show(line: string, name: string): string {
  const value: unknown = JSON.parse(line);
  if (!isJsonObject(value)) return "";
  if (typeof value["event"] === "string") {
    return `${String(value["time"] ?? "")} * ${sanitizeLine(eventText(value))}\n`;
  }
  // Every line says whose it is: a text of many lines could else be read as what others said.
  const head = `${String(value["time"])} ${sanitizeLine(name)}`;
  return sanitize(recordLine(value)).trimEnd().split("\n").map((text) => `${head} ${text}\n`).join("");
}

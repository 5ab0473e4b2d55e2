import { isJsonObject } from "../base/json.ts";
import { sanitizeLine } from "../base/sanitize.ts";
import { currentApi } from "./api.ts";
import { addFormat, wholeNumber } from "./text/format_option.ts";
import { formatLine } from "./text/output.ts";
import { steadyLines } from "./steady.ts";
import type { Register } from "./verb.ts";

export const gossipVerbs: Register = (program, world) => {
  const gossip = program.command("gossip").description("What servers say to each other, message by message.");

  addFormat(gossip.command("events"))
    .description("Every message of gossip that the server you are signed in at sends and hears, live.")
    .option("--type <type,…>", "only these types of message (fact, ping, alive, …)")
    .option("--peer <node>", "only what is said with this server")
    .option("--count <n>", "end after so many lines", wholeNumber)
    .addHelpText(
      "after",
      "\n→ was sent, ← was heard. What nothing was made of says why: duplicate, older, malformed, …" +
        "\n\nExample:\n  jabber gossip events --type fact",
    )
    .action(async ({ type, peer, count, output }) => {
      let left = count ?? Infinity;
      const api = await currentApi(world);
      const filter = Object.entries({ type, peer });
      const query = new URLSearchParams(filter.filter((pair): pair is [string, string] => pair[1] !== undefined));
      const stop = new AbortController();
      const unlisten = world.onInterrupt(() => stop.abort());
      const open = () => api.frames(`/v1/gossip/events?${query}`, stop.signal);
      try {
        for await (const line of steadyLines(world, open, stop.signal)) {
          world.out(formatLine(line, output, () => show(line)));
          if (--left <= 0) return;
        }
      } finally {
        stop.abort();
        unlisten();
      }
    });
};

function show(line: string): string {
  const value: unknown = JSON.parse(line);
  if (!isJsonObject(value)) return "";
  const { event, ...rest } = value;
  if (event !== "gossip") return `* ${sanitizeLine(String(event))} ${sanitizeLine(JSON.stringify(rest))}\n`;
  const { time, direction, peer, type, bytes, summary, dropped } = rest;
  const arrow = direction === "sent" ? "→" : "←";
  const fate = dropped === undefined ? "" : ` (dropped: ${String(dropped)})`;
  const said = `${String(peer)} ${String(type)} ${String(bytes)} B  ${String(summary)}${fate}`;
  return `${sanitizeLine(String(time))} ${arrow} ${sanitizeLine(said)}\n`;
}

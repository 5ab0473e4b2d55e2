import { JabberError } from "../base/errors.ts";
import { isUlid } from "../base/ids.ts";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { sanitize, sanitizeLine } from "../base/sanitize.ts";
import { ANSWERS } from "../server/core/requests.ts";
import { agentStream, parseStream } from "../wire/streams.ts";
import { type Api, currentApi, ServerRefusal } from "./api.ts";
import { addFormat } from "./text/format_option.ts";
import { formatLine } from "./text/output.ts";
import type { Register } from "./verb.ts";
import { recordLine } from "./run/text.ts";
import { steadyLines } from "./steady.ts";
import type { World } from "./world.ts";

export const logsVerb: Register = (program, world) => {
  addFormat(program.command("logs"))
    .description("Prints a stream from a stable offset: an agent's own events, or the output of one run.")
    .argument("<stream>", "an agent's name or id, a run's id, or a stream's name")
    .option("-f, --follow", "wait for more")
    .option("--from <offset>", "first offset to print", "0")
    .option("--json", "records as the agent minted them: -o json")
    .addHelpText(
      "after",
      "\nExamples:\n  jabber logs web1 -f\n  jabber logs 01JD6Z8QK4T3X9V5C2B7N8M1RA --from 1 -o json",
    )
    .action(async (name, { follow, from, json, output }) => {
      const offset = Number(from);
      if (!Number.isSafeInteger(offset) || offset < 0) {
        throw new JabberError("input.usage", `--from: ${JSON.stringify(from)} is no offset: those are 0, 1, 2, …`);
      }
      const api = await currentApi(world);
      const stop = new AbortController();
      const unlisten = world.onInterrupt(() => stop.abort());
      try {
        const { stream, agent } = await findStream(api, name);
        const lines = follow
          ? followed(world, api, stream, offset, stop.signal)
          : api.lines(recordsPath(stream, offset, false), stop.signal);
        let isSilent = true;
        for await (const line of agent === undefined || follow ? lines : orNothing(world, lines, agent)) {
          isSilent = false;
          world.out(formatLine(line, json ? "json" : output, () => show(world, line)));
        }
        if (isSilent && offset > 0 && !follow) {
          world.err(`nothing is stored from offset ${offset} on; -f waits for it\n`);
        }
      } catch (cause) {
        if (!stop.signal.aborted) throw cause;
      } finally {
        unlisten();
      }
    });
};

function recordsPath(stream: string, from: number, follow: boolean): string {
  return `/v1/streams/records?stream=${encodeURIComponent(stream)}&from=${from}&follow=${follow}`;
}

/** Offsets are stable, so reading goes on where it was after the server was away. */
async function* followed(world: World, api: Api, stream: string, from: number, signal: AbortSignal) {
  let next = from;
  const open = () => api.lines(recordsPath(stream, next, true), signal);
  for await (const line of steadyLines(world, open, signal)) {
    yield line;
    next = Number((JSON.parse(line) as JsonObject)["offset"]) + 1;
  }
}

/** An agent that is known and has said nothing of its own has an empty stream, not a missing one. */
async function* orNothing(world: World, lines: AsyncIterable<string>, agent: string) {
  try {
    yield* lines;
  } catch (cause) {
    if (!(cause instanceof ServerRefusal && cause.code === "stream.unknown")) throw cause;
    const hint = "what its runs said: jabber run ls, then jabber run attach ORDER";
    world.err(`${sanitizeLine(agent)} has said nothing outside of runs yet; ${hint}\n`);
  }
}

/** A stream's own name is taken as it is; a run's and an agent's are looked up. @throws `stream.unknown` */
async function findStream(api: Api, name: string): Promise<{ stream: string; agent?: string }> {
  if (parseStream(name) !== undefined) return { stream: name };
  if (isUlid(name)) {
    const answer = await api.ask({ method: "GET", path: `/v1/runs/${name}` });
    const stream = isJsonObject(answer) ? answer["stream"] : undefined;
    if (typeof stream === "string") return { stream };
    throw new JabberError("stream.unknown", `no run ${name}`);
  }
  const agent = ANSWERS.agent.parse(await api.ask({ method: "GET", path: `/v1/agents/${encodeURIComponent(name)}` }));
  return { stream: agentStream(agent.id, 0), agent: agent.name };
}

function show(world: World, line: string): string {
  const record: unknown = JSON.parse(line);
  if (!isJsonObject(record)) return "";
  const text = recordLine(record);
  // Piped output of a program keeps its lines free of our columns.
  if (record["kind"] === "output" && !world.outIsTerminal) return sanitize(text);
  return `${String(record["offset"]).padStart(6)} ${String(record["time"])} ${sanitize(text).trimEnd()}\n`;
}

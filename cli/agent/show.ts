/** `jabber agent show`: everything that is known of one agent. */
import type { JsonObject } from "../../base/json.ts";
import { isJsonObject } from "../../base/json.ts";
import { JabberError } from "../../base/errors.ts";
import type { AgentAnswer } from "../../server/core/requests.ts";
import { findAgent, stateOf } from "./answer.ts";
import { type Api, currentApi } from "../api.ts";
import { ago, type Format, formatListing, formatOne, HOST_TAGS } from "../text/output.ts";
import type { World } from "../world.ts";

/** `host`: found out by the agent; `configuration`: its owner's; `set`: by a script or `jabber agent tag`. */
export type TagSource = "host" | "configuration" | "set";

/** A host's facts come quickly or not at all. */
const FACTS_TIMEOUT_SECONDS = 10;

export async function showAgent(
  world: World,
  name: string,
  options: { output: Format; facts: boolean },
): Promise<void> {
  const { output } = options;
  const api = await currentApi(world);
  const agent = await findAgent(api, name);
  const streams = await streamsOf(api, agent.id);
  const facts = options.facts ? await factsOf(world, api, agent) : undefined;
  const { setTags: _, ...row } = agent;
  const tagsFrom = Object.fromEntries(Object.keys(agent.tags).map((tag) => [tag, sourceOf(agent, tag)]));
  if (output !== "table") {
    return world.out(formatOne({ ...row, tagsFrom, ...streams, ...(facts && { facts }) }, output, agent.id));
  }
  const { id, name: called, tags: _tags, connected: _connected, state: _state, lastSeen, elsewhere, ...rest } = row;
  const shown = {
    name: called,
    id,
    state: stateOf(agent),
    seen: `${ago(lastSeen, world.clock.now())} ago`,
    at: elsewhere ?? "",
    ...rest,
  };
  world.out(formatOne(shown, output, agent.id));
  world.out("\n" + await tagTable(agent.tags, tagsFrom) + "\n" + await streamTable(streams));
  if (facts !== undefined) world.out("\n" + formatOne(facts, output, agent.id));
}

export function sourceOf({ setTags }: AgentAnswer, tag: string): TagSource {
  if (setTags !== undefined && Object.hasOwn(setTags, tag)) return "set";
  return HOST_TAGS.includes(tag) ? "host" : "configuration";
}

function tagTable(tags: AgentAnswer["tags"], from: Readonly<Record<string, TagSource>>): Promise<string> {
  return formatListing({
    rows: Object.entries(tags).sort(([a], [b]) => a < b ? -1 : 1),
    name: ([tag]) => tag,
    columns: [
      { title: "TAG", value: ([tag]) => tag },
      { title: "VALUE", value: ([, value]) => value },
      { title: "FROM", value: ([tag]) => from[tag] ?? "" },
    ],
  }, "table");
}

type Streams = { streams: StreamRow[]; moreStreams?: true };
type StreamRow = { stream: string; ranges: { from: number; to: number }[]; bytes: number };

async function streamsOf(api: Api, agent: string): Promise<Streams> {
  const answer = await api.ask({ method: "GET", path: `/v1/streams?prefix=${encodeURIComponent(`${agent}/`)}` });
  const { streams, more } = answer as unknown as { streams: StreamRow[]; more?: boolean };
  return { streams, ...(more === true && { moreStreams: true }) };
}

/** A person looks for the latest ones; `-o json` has them all. */
const STREAMS_SHOWN_MAX = 10;

async function streamTable({ streams, moreStreams }: Streams): Promise<string> {
  if (streams.length === 0) return "no streams yet\n";
  // Runs are named by the time they began.
  const latest = streams.toSorted((a, b) => a.stream < b.stream ? 1 : -1).slice(0, STREAMS_SHOWN_MAX);
  const table = await formatListing<StreamRow>({
    rows: latest,
    name: (row) => row.stream,
    columns: [
      { title: "STREAM", value: (row) => row.stream },
      { title: "RECORDS", value: (row) => row.ranges.map(({ from, to }) => `${from}-${to - 1}`).join(" ") },
      { title: "BYTES", value: (row) => String(row.bytes) },
    ],
  }, "table");
  const left = streams.length - latest.length;
  return left > 0 || moreStreams ? `${table}and ${left} ${moreStreams ? "or more " : ""}older ones: -o json\n` : table;
}

/** @throws `input.no_target` for an agent that is not there to be asked, and what the agent refuses */
async function factsOf(world: World, api: Api, agent: AgentAnswer): Promise<JsonObject> {
  if (!agent.connected) throw new JabberError("input.no_target", `${agent.name} is not connected: --facts asks it`);
  const { resultOn } = await import("../run/result.ts");
  const result = await resultOn(world, api, { agent: agent.id, command: "sys.facts", timeout: FACTS_TIMEOUT_SECONDS });
  return isJsonObject(result) ? result : {};
}

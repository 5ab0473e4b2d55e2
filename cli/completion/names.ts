/**
 * Names for completion: from the server, within a short time, and from the program's own tables. Those tables are large
 * and loaded for who asks for them alone: a person waits at every TAB.
 */
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { type Api, currentApi } from "../api.ts";
import type { Candidate, Source } from "./complete.ts";
import { readContexts } from "../context_file.ts";
import type { World } from "../world.ts";

/** Who presses TAB waits no longer. */
const ANSWER_MS = 1000;
const ORDERS = 20;

/** Names a shell may be given: some come from hosts, and none may be more than a word to it. */
const WORD = /^[\p{L}\p{N}_][\p{L}\p{N}_.:@-]{0,200}$/u;

type List = (world: World) => Promise<Candidate[]>;

const LISTS: Readonly<Record<Exclude<Source, "files">, List>> = {
  agents: (world) => served(world, "/v1/agents?selector=", "agents", (row) => [text(row, "name"), text(row, "state")]),
  scripts: (world) =>
    served(world, "/v1/scripts", "scripts", (row) => [row["latest"] === true ? text(row, "name") : "", "script"]),
  orders: (world) =>
    served(world, `/v1/orders?limit=${ORDERS}`, "orders", (row) => [text(row, "id"), text(row, "does")]),
  jobs: (world) => served(world, "/v1/jobs", "jobs", (row) => [text(row, "id"), text(row, "name")]),
  servers: (world) => served(world, "/v1/servers", "servers", (row) => [text(row, "name"), text(row, "state")]),
  facts: (world) => served(world, "/v1/facts", "facts", (row) => [text(row, "name"), text(row, "origin")]),
  gossipKeys: (world) =>
    served(world, "/v1/gossip/keys", "keys", (row) => [text(row, "id"), row["primary"] === true ? "seals" : "opens"]),
  commands: async () => {
    const { commandKeys, findCommand } = await import("../../commands/mod.ts");
    return commandKeys.map((key) => ({ value: key, about: findCommand(key)?.summary ?? "" }));
  },
  kinds: async () => {
    const { KINDS } = await import("../../wire/kinds.ts");
    return Object.keys(KINDS).map((value) => ({ value, about: "" }));
  },
  contexts: async (world) =>
    Object.entries((await readContexts(world)).contexts).map(([value, { url }]) => ({ value, about: url })),
};

/** What the sources hold; nothing from one that fails or takes too long. */
export async function namesOf(world: World, sources: readonly Source[]): Promise<Candidate[]> {
  const lists = sources.flatMap((source) => source === "files" ? [] : [inTime(world, LISTS[source](world))]);
  return (await Promise.all(lists)).flat().filter(({ value }) => WORD.test(value));
}

/** The names of the arguments that a script or command takes, as options. */
export async function argumentsOf(world: World, name: string): Promise<Candidate[]> {
  return await inTime(world, argumentNames(world, name));
}

async function argumentNames(world: World, name: string): Promise<Candidate[]> {
  const [{ findCommand }, { describeCommand }] = await Promise.all([
    import("../../commands/mod.ts"),
    import("../../commands/schema.ts"),
  ]);
  const command = findCommand(name);
  const schema = command === undefined ? await scriptSchema(world, name) : describeCommand(command).input;
  const properties = isJsonObject(schema?.["properties"]) ? Object.entries(schema["properties"]) : [];
  return properties.filter(([key]) => WORD.test(key)).map(([key, property]) => ({
    value: `--${key}`,
    about: isJsonObject(property) ? text(property, "description") : "",
  }));
}

async function scriptSchema(world: World, name: string): Promise<JsonObject | undefined> {
  const path = `/v1/scripts/${encodeURIComponent(name)}`;
  const answer = await (await currentApi(world)).ask({ method: "GET", path });
  return isJsonObject(answer) && isJsonObject(answer["args"]) ? answer["args"] : undefined;
}

async function served(
  world: World,
  path: string,
  key: string,
  read: (row: JsonObject) => [value: string, about: string],
): Promise<Candidate[]> {
  const api: Api = await currentApi(world);
  const answer = await api.ask({ method: "GET", path });
  const rows: Json | undefined = isJsonObject(answer) ? answer[key] : undefined;
  return (Array.isArray(rows) ? rows : []).filter(isJsonObject).map((row) => {
    const [value, about] = read(row);
    return { value, about };
  });
}

function text(row: JsonObject, key: string): string {
  const value = row[key];
  return typeof value === "string" ? value : "";
}

/** Completion says nothing rather than something wrong, late, or an error. */
function inTime(world: World, list: Promise<Candidate[]>): Promise<Candidate[]> {
  return new Promise((resolve) => {
    const cancel = world.clock.after(ANSWER_MS, () => resolve([]));
    const done = (found: Candidate[]) => {
      cancel();
      resolve(found);
    };
    list.then(done, () => done([]));
  });
}

/** Follows an order: prints what hosts say as it comes, keeps what the summary needs. */
import { createHash, type Hash } from "node:crypto";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { escapeJson, sanitize, sanitizeLine } from "../../base/sanitize.ts";
import { type TargetAnswer, targetAnswer } from "../../server/core/requests.ts";
import type { Api } from "../api.ts";
import { type Format, toYaml } from "../text/output.ts";
import { steadyLines } from "../steady.ts";
import type { World } from "../world.ts";
import type { AgentResult } from "./summary.ts";
import { recordText } from "./text.ts";

export interface LiveOptions {
  order: string;
  /** table: text for people; json: records as they are, one a line; yaml: records as documents; name: nothing. */
  format: Format;
  /** Name each line's agent; pointless for a single one. */
  prefix: boolean;
  /** Stop once nothing more can come from agents that are connected. */
  stopWhenIdle: boolean;
  signal: AbortSignal;
  /** Hears how many agents have ended. */
  tell(finished: number): void;
}

interface Seen {
  name: string;
  /** How far the order got there, once that was told. */
  target: TargetAnswer | undefined;
  digest: Hash;
  said: boolean;
}

interface Following {
  world: World;
  options: LiveOptions;
  agents: Map<string, Seen>;
  /** Agents that are through with it. */
  ended: Set<string>;
  /** By stream, what was shown: after a reconnect the server tells everything again from the start. */
  marks: Map<string, number>;
  /** Long answers by their text: who gave each first. */
  answers: Map<string, string>;
}

/** How long an agent that was lost in the middle of a run may take to come back before nobody waits for it. */
const LOST_WAIT_MS = 20_000;

/** Resolves with what is known when the order is done, idle, or the signal aborts. */
export async function followLive(world: World, api: Api, options: LiveOptions): Promise<AgentResult[]> {
  const following: Following = {
    world,
    options,
    agents: new Map(),
    ended: new Set(),
    marks: new Map(),
    answers: new Map(),
  };
  const path = `/v1/orders/${options.order}/records?follow=true`;
  const enough = new AbortController();
  let stopWaiting = () => {};
  const signal = AbortSignal.any([options.signal, enough.signal]);
  for await (const text of steadyLines(world, () => api.lines(path, signal), signal)) {
    const line: unknown = JSON.parse(text);
    if (!isJsonObject(line)) continue;
    if (line["done"] !== undefined) break;
    takeLine(following, line);
    options.tell(following.ended.size);
    stopWaiting();
    if (!options.stopWhenIdle || line["idle"] !== true) continue;
    const lost = [...following.agents.values()].filter(({ target }) => target?.state === "unknown");
    if (lost.length === 0) break;
    world.err(`lost ${lost.map(({ name }) => sanitizeLine(name)).join(", ")}; waiting ${LOST_WAIT_MS / 1000} s…\n`);
    stopWaiting = world.clock.after(LOST_WAIT_MS, () => enough.abort());
  }
  stopWaiting();
  return [...following.agents.values()].flatMap(({ target, digest, said }) =>
    target === undefined ? [] : [{ target, outputDigest: said ? digest.digest("hex") : "" }]
  );
}

function takeLine(following: Following, line: JsonObject): void {
  if (isJsonObject(line["agents"])) introduce(following, line["agents"]);
  if (isJsonObject(line["record"])) showRecord(following, line["record"]);
  if (isJsonObject(line["gap"])) {
    const { stream, from, to } = line["gap"];
    const what = `records ${from} to ${Number(to) - 1} of ${sanitizeLine(String(stream))}`;
    following.world.err(`missing: ${what} never reached the server\n`);
  }
  if (isJsonObject(line["target"])) {
    const target = targetAnswer.parse(line["target"]);
    introduce(following, { [target.agent]: target.name });
    following.agents.get(target.agent)!.target = target;
    if (target.state === "finished" || target.state === "refused") following.ended.add(target.agent);
  }
}

function introduce({ agents }: Following, names: JsonObject): void {
  for (const [agent, name] of Object.entries(names)) {
    if (agents.has(agent)) continue;
    agents.set(agent, { name: String(name), target: undefined, digest: createHash("sha256"), said: false });
  }
}

function showRecord(following: Following, record: JsonObject): void {
  const { world, options, agents, marks } = following;
  const stream = String(record["stream"]);
  const offset = Number(record["offset"]);
  if (offset < (marks.get(stream) ?? 0)) return;
  marks.set(stream, offset + 1);
  const text = recordText(record);
  const agent = agents.get(String(record["from"]));
  // Log lines are talk: they hold times and names, and make no answer another one.
  if (text !== undefined && agent !== undefined && record["kind"] !== "log") {
    agent.digest.update(text);
    agent.said = true;
  }
  if (options.format === "json") world.out(escapeJson(JSON.stringify(record)) + "\n");
  if (options.format === "yaml") world.out(`---\n${toYaml(record)}`);
  if (options.format !== "table" || text === undefined) return;
  const name = sanitizeLine(agent?.name ?? String(record["from"]));
  const shown = sanitize(text.replace(/\r\n/g, "\n").replace(/\n$/, ""));
  const lines = folded(following, record, name, shown).split("\n");
  world.out(lines.map((line) => `${options.prefix ? `${name} | ` : ""}${line}\n`).join(""));
}

/** A long answer that another agent gave before is named, not repeated. */
function folded({ answers }: Following, record: JsonObject, name: string, shown: string): string {
  if (record["kind"] !== "runState" || !shown.includes("\n")) return shown;
  const first = answers.get(shown);
  if (first === undefined) answers.set(shown, name);
  return first === undefined ? shown : `the same answer as ${first}`;
}

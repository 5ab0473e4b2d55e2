/** What a followed order has told so far: how far it is on each host, and what each one answered. */
import { createHash, type Hash } from "node:crypto";
import { isJsonObject, type JsonObject } from "../../../base/json.ts";
import { type AgentResult, groupResults } from "../../../cli/run/summary.ts";
import { recordText } from "../../../cli/run/text.ts";
import { type TargetAnswer, targetAnswer } from "../../../server/core/requests.ts";

interface Seen {
  name: string;
  target: TargetAnswer | undefined;
  digest: Hash;
  said: boolean;
  /** The beginning of its answer. */
  answer: string;
}

/** Of an answer only so much is kept to be shown; what is equal is decided by all of it. */
const ANSWER_CHARS_MAX = 2000;

export interface OutcomeGroup {
  text: string;
  next: string | undefined;
  agents: readonly string[];
  /** Whether it went well. */
  tone: "good" | "bad" | "open";
  answer: string;
}

/** Written in place: an order may be for thousands of hosts and tell thousands of records a second. */
export class Outcome {
  /** Rises with everything that was told. */
  version = 0;
  isDone = false;
  readonly #agents = new Map<string, Seen>();
  /** After a reconnect the server tells everything again: what was heard of each stream. */
  readonly #marks = new Map<string, number>();
  #groups: { version: number; groups: readonly OutcomeGroup[] } | undefined;

  get hosts(): number {
    return this.#agents.size;
  }

  get ended(): number {
    let count = 0;
    for (const { target } of this.#agents.values()) {
      if (target?.state === "finished" || target?.state === "refused") count++;
    }
    return count;
  }

  nameOf(agent: string): string {
    return this.#agents.get(agent)?.name ?? agent;
  }

  /** Takes a line of the follower. Answers the record's text when it is a new record. */
  take(text: string): string | undefined {
    const line: unknown = JSON.parse(text);
    if (!isJsonObject(line)) return undefined;
    this.version++;
    if (isJsonObject(line["agents"])) {
      for (const [agent, name] of Object.entries(line["agents"])) this.#introduce(agent, String(name));
    }
    if (isJsonObject(line["target"])) {
      const target = targetAnswer.parse(line["target"]);
      this.#introduce(target.agent, target.name).target = target;
    }
    if (line["done"] !== undefined) this.isDone = true;
    return isJsonObject(line["record"]) && this.#record(line["record"]) ? JSON.stringify(line["record"]) : undefined;
  }

  /** Hosts that ended alike and answered the same. */
  get groups(): readonly OutcomeGroup[] {
    if (this.#groups?.version !== this.version) this.#groups = { version: this.version, groups: this.#group() };
    return this.#groups!.groups;
  }

  #group(): OutcomeGroup[] {
    const byName = new Map<string, Seen>();
    const results: AgentResult[] = [];
    for (const seen of this.#agents.values()) {
      if (seen.target === undefined) continue;
      byName.set(seen.target.name, seen);
      results.push({ target: seen.target, outputDigest: seen.said ? seen.digest.copy().digest("hex") : "" });
    }
    return groupResults(results).map(({ text, next, agents }) => {
      const first = byName.get(agents[0]!);
      return { text, next, agents, tone: toneOf(first?.target), answer: first?.answer ?? "" };
    });
  }

  #introduce(agent: string, name: string): Seen {
    const seen = this.#agents.get(agent) ??
      { name, target: undefined, digest: createHash("sha256"), said: false, answer: "" };
    this.#agents.set(agent, seen);
    return seen;
  }

  /** False for one that was heard before. */
  #record(record: JsonObject): boolean {
    const stream = String(record["stream"]);
    const offset = Number(record["offset"]);
    if (offset < (this.#marks.get(stream) ?? 0)) return false;
    this.#marks.set(stream, offset + 1);
    const text = recordText(record);
    const seen = this.#agents.get(String(record["from"]));
    // Log lines hold times and names: they make no answer another one.
    if (text !== undefined && seen !== undefined && record["kind"] !== "log") {
      seen.digest.update(text);
      seen.said = true;
      if (seen.answer.length < ANSWER_CHARS_MAX) seen.answer = (seen.answer + text).slice(0, ANSWER_CHARS_MAX);
    }
    return true;
  }
}

function toneOf(target: TargetAnswer | undefined): OutcomeGroup["tone"] {
  if (target?.state === "finished") return target.ok === true ? "good" : "bad";
  return target?.state === "refused" ? "bad" : "open";
}

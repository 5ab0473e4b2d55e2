/** What a run came to: agents grouped by equal answers, and the exit code that tells the truth. */
import { type ErrorCode, ERRORS } from "../../base/errors.ts";
import { sanitizeLine } from "../../base/sanitize.ts";
import type { TargetAnswer } from "../../server/core/requests.ts";
import { EXIT, type ExitCode } from "../exit.ts";

/** An agent's part of an order and everything it printed. */
export interface AgentResult {
  target: TargetAnswer;
  /** Identifies the output: equal for equal answers, empty for none. */
  outputDigest: string;
}

/** One sentence about how far an order got on an agent. */
export function describeTarget(target: TargetAnswer): string {
  switch (target.state) {
    case "not-sent":
      return "not connected: it runs there when it connects in time";
    case "sent":
      return "sent, no answer yet";
    case "started":
      return "still running";
    case "unknown":
      return `unknown since ${target.since ?? "?"} (last: ${target.last ?? "?"})`;
    case "refused":
      return `refused: ${target.error?.message ?? "?"} (${target.error?.code ?? "?"})`;
    case "finished":
      return describeEnd(target);
  }
}

function describeEnd(target: TargetAnswer): string {
  if (target.ok) return target.exitCode === undefined ? "ok" : `ok, exit ${target.exitCode}`;
  if (target.error !== undefined) return `failed: ${target.error.message} (${target.error.code})`;
  if (target.signal !== undefined) return `failed, ended by ${target.signal}`;
  return target.exitCode === undefined ? "failed" : `failed, exit ${target.exitCode}`;
}

/** Agents that ended alike. */
interface Group {
  text: string;
  /** What mends it. */
  next: string | undefined;
  agents: string[];
}

/** Groups of agents whose outcome and answer are the same: what went well first, so that trouble stands last. */
export function groupResults(results: readonly AgentResult[]): Group[] {
  const good: Group[] = [];
  const bad: Group[] = [];
  for (const [text, members] of Map.groupBy(results, ({ target }) => describeTarget(target))) {
    if (isGood(members[0]!.target)) good.push(...byAnswer(text, members));
    // Why something failed matters more than what it had said before.
    else bad.push(groupOf(text, members));
  }
  const bySize = (a: Group, b: Group) => b.agents.length - a.agents.length;
  return [...good.sort(bySize), ...bad.sort(bySize)];
}

function byAnswer(text: string, members: readonly AgentResult[]): Group[] {
  const answers = [...Map.groupBy(members, ({ outputDigest }) => outputDigest).values()];
  const isSaid = members.length > 1 && members[0]!.outputDigest !== "";
  if (answers.length === 1) return [groupOf(isSaid ? `${text}, the same answer` : text, members)];
  const alike = answers.filter((some) => some.length > 1).map((some) => groupOf(`${text}, the same answer`, some));
  const alone = answers.filter((some) => some.length === 1).flat();
  if (alone.length === 0) return alike;
  return [...alike, groupOf(alone.length === 1 ? `${text}, another answer` : `${text}, each another answer`, alone)];
}

const WAITING_NEXT = "`jabber agent ls` says whether it is away, or at another server of the cluster";

function groupOf(text: string, members: readonly AgentResult[]): Group {
  const agents = members.map(({ target }) => target.name).sort();
  const waits = members[0]?.target.state === "not-sent";
  return { text, next: waits ? WAITING_NEXT : nextStep(members[0]?.target.error?.code), agents };
}

const NAMES_SHOWN_MAX = 8;

/** The summary's lines. */
export function summaryText(results: readonly AgentResult[]): string {
  return groupResults(results).map(({ text, next, agents }) => {
    const shown = agents.slice(0, NAMES_SHOWN_MAX).map(sanitizeLine).join(", ");
    const more = agents.length > NAMES_SHOWN_MAX ? ` and ${agents.length - NAMES_SHOWN_MAX} more` : "";
    return `${agents.length} × ${sanitizeLine(text)}: ${shown}${more}\n` +
      (next === undefined ? "" : `  → ${next}\n`);
  }).join("");
}

/** The step from this program's own table; an agent may be newer and know more codes. */
function nextStep(code: string | undefined): string | undefined {
  return code !== undefined && Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode].next : undefined;
}

function isGood(target: TargetAnswer): boolean {
  return target.state === "finished" && target.ok === true;
}

/** done: every agent did it; partial: some did; failed: none did. */
export function exitOf(results: readonly AgentResult[]): ExitCode {
  const good = results.filter(({ target }) => isGood(target)).length;
  if (good === results.length && good > 0) return EXIT.done;
  return good > 0 ? EXIT.partial : EXIT.failed;
}

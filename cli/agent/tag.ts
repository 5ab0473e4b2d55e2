/** `jabber agent tag`: one signed order of `tags.set` for each change. */
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { AGENT, findAgent } from "./answer.ts";
import { type Api, currentApi } from "../api.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { shapedList } from "../shape.ts";
import type { World } from "../world.ts";
import { agentsText, attach, submit } from "../run/attach.ts";
import { DEFAULT_VALID_SECONDS, planRun } from "../run/plan.ts";

export interface TagChange {
  key: string;
  /** null removes it. */
  value: string | null;
}

/** `key=value` or `key-`. @throws `input.usage` */
export function readChange(word: string): TagChange {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(word) ?? [];
  if (key !== undefined && value !== undefined) return { key, value };
  const removed = /^([^=]+)-$/.exec(word)?.[1];
  if (removed !== undefined) return { key: removed, value: null };
  throw new JabberError("input.usage", `${JSON.stringify(word)} is neither key=value nor key-`);
}

/**
 * A selector for all of several changes: the first of them may change whom the words of the person would match, so it
 * names the agents. @throws `input.no_target`, `input.usage`
 */
async function steadySelector(api: Api, selector: string, changes: number): Promise<string> {
  if (changes === 1) return selector;
  const answer = await api.ask({ method: "GET", path: `/v1/agents?selector=${encodeURIComponent(selector)}` });
  const agents = shapedList(AGENT, answer, "agents").filter(({ state }) => state === "enrolled");
  if (agents.length === 0) throw new JabberError("input.no_target", JSON.stringify(selector));
  const named = `id in (${agents.map(({ id }) => id).sort().join(",")})`;
  if (named.length <= LIMITS.selectorCharsMax) return named;
  throw new JabberError(
    "input.usage",
    `${agents.length} agents are too many for several changes at once; make one change at a time`,
  );
}

export async function tagAgents(
  world: World,
  words: readonly string[],
  options: { selector?: string | undefined; key?: string | undefined },
): Promise<ExitCode> {
  const names = options.selector === undefined ? words.slice(0, 1) : [];
  const changes = words.slice(names.length).map(readChange);
  if (changes.length === 0) throw new JabberError("input.usage", "name a change: key=value or key-");
  const api = await currentApi(world);
  const selector = names[0] === undefined
    ? await steadySelector(api, options.selector ?? "", changes.length)
    : `id=${(await findAgent(api, names[0])).id}`;
  const exits: ExitCode[] = [];
  for (const { key, value } of changes) {
    const submission = await planRun(world, api, "tags.set", ["--args", JSON.stringify({ key, value })], {
      selector,
      // Given: it is signed whatever the command's access.
      valid: DEFAULT_VALID_SECONDS,
      timeout: undefined,
      meta: undefined,
      key: options.key,
      dryRun: false,
    });
    const { order, targets, count } = await submit(api, submission, false);
    if (count === 0) throw new JabberError("input.no_target", JSON.stringify(selector));
    world.err(`${value === null ? `remove ${key}` : `${key}=${value}`} (order ${order}): ${agentsText(targets)}\n`);
    exits.push(await attach(world, api, { order, format: "table", count, wait: false }));
  }
  const [first = EXIT.failed] = exits;
  return exits.every((exit) => exit === first) ? first : EXIT.partial;
}

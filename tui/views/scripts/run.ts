/** Running a script from the console: what it is run with, exactly who would be hit, and only then the order. */
import { byName } from "../../../cli/text/output.ts";
import type { Act, ActAnswers } from "../../act.ts";
import type { Effect, ViewContext } from "../../view.ts";

export interface PlannedRun {
  name: string;
  /** A script's hash or name, or a command. */
  does: string;
  /** A selector and arguments. */
  words: string;
  /** What a person typed. */
  typed: string;
}

const NAMES_SHOWN_MAX = 6;

/** Asks for selector and arguments; a filter that is a selector stands there already. */
export function askForRun(name: string, { filter }: ViewContext): Effect {
  const text = `-l ${filter.query?.selector ?? ""}`;
  return { do: "enter", name: "words", title: `run ${name} with (-l selector, or --all; then arguments)`, text };
}

export function plannedRun(name: string, does: string, words: string, typed = words): PlannedRun {
  return { name, does, words, typed };
}

export function startRun({ does, words }: PlannedRun, dryRun: boolean): Effect {
  const act: Act = { kind: "run", does, words, dryRun };
  return { do: "act", name: dryRun ? "plan" : "run", act };
}

export function confirmRun(
  { name, typed }: PlannedRun,
  { targets, selector }: ActAnswers["run"],
  { readonly }: ViewContext,
): Effect {
  if (targets.length === 0) {
    return { do: "notice", text: `no agent matches ${selector}: nothing to run on`, tone: "bad" };
  }
  if (readonly) return { do: "notice", text: "nothing may be changed here (--readonly)", tone: "bad" };
  const names = byName(targets).slice(0, NAMES_SHOWN_MAX).map((target) => target.name).join(", ");
  const more = targets.length - NAMES_SHOWN_MAX;
  const away = targets.filter(({ connected }) => !connected).length;
  return {
    do: "confirm",
    question: {
      name: "run",
      title: `Run ${name} on ${targets.length} ${targets.length === 1 ? "agent" : "agents"}?`,
      lines: [
        `with  ${typed}`,
        `on    ${names}${more > 0 ? ` and ${more} more` : ""}`,
        ...(away > 0 ? [`${away} of them ${away === 1 ? "is" : "are"} not connected now`] : []),
      ],
      verb: "Run",
      hosts: targets.length,
    },
  };
}

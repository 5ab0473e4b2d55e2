/** The last runs of an agent. */
import * as z from "zod";
import { type Line, span } from "../../text/line.ts";
import { since } from "../../text/number.ts";
import { fit } from "../../text/width.ts";
import { type Role, symbol } from "../../theme.ts";
import type { ViewContext } from "../../view.ts";
import { agentRun, type AgentRunAnswer } from "../../../server/http/agent_runs.ts";

export const agentRuns = z.object({ runs: z.array(agentRun) });
export type AgentRun = AgentRunAnswer;

const WHAT_COLUMNS = 32;

export function runLine(run: AgentRun, { look, now, fleet }: ViewContext): Line {
  const [text, role] = endText(run, look);
  return [
    span(`   ${fit(since(run.startedAt, now), 5, "right")}  `, "dim"),
    span(`${fit(fleet.nameOfWork(run.does), WHAT_COLUMNS)}  `),
    span(text, role),
  ];
}

function endText({ state, ok, exitCode, error }: AgentRun, look: ViewContext["look"]): [string, Role] {
  if (state === "started") return [`${symbol(look, "run")} running`, "info"];
  const exit = exitCode === undefined ? "" : `, exit ${exitCode}`;
  if (ok === true) return [`${symbol(look, "good")} ok${exit}`, "good"];
  return [
    `${symbol(look, "bad")} ${state === "refused" ? "refused" : "failed"}${exit}${
      error === undefined ? "" : `: ${error}`
    }`,
    "bad",
  ];
}

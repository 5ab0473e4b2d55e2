/** The views of the console: one row each, in the order of the help. */
import type { View } from "../view.ts";
import { agentView } from "./agent/view.ts";
import { agentsView } from "./agents/view.ts";
import { firehoseView } from "./firehose/view.ts";
import { historyView } from "./history/view.ts";
import { jobView } from "./job/view.ts";
import { jobRunsView } from "./jobruns/view.ts";
import { jobsView } from "./jobs/view.ts";
import { runView } from "./run/view.ts";
import { runsView } from "./runs/view.ts";
import { scriptView } from "./script/view.ts";
import { scriptsView } from "./scripts/view.ts";

export const VIEWS: readonly View[] = [
  agentsView,
  agentView,
  runsView,
  runView,
  firehoseView,
  scriptsView,
  scriptView,
  jobsView,
  jobView,
  jobRunsView,
  historyView,
];

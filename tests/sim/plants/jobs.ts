/** Bugs planted in what agents do with jobs. */
import { DOCUMENTS } from "../../../agent/core/documents.ts";
import { AGENT_TABLES } from "../../../agent/core/contract.ts";
import type { Row } from "../../../base/store.ts";
import { agentOps, coatAgent, plainAgent, type Plant } from "./plant.ts";

/** Jobs often enough to show it soon. */
const BUSY = { deedEveryMs: 800 };
const RESTLESS = { deedEveryMs: 300, crashEveryMs: 3000, refusing: 0.5 };

const change = (rows: Row[], of: (row: Row["row"]) => Row["row"]): Row[] =>
  rows.map(({ key, row }) => ({ key, row: of(row) }));

export const JOB_PLANTS: readonly Plant[] = [
  {
    bug: "the agent fires jobs that anybody signed",
    seenBy: ["signed"],
    makers: coatAgent(plainAgent, (deps) => ({
      ...deps,
      documents: {
        ...DOCUMENTS,
        verifyTrust: (document) =>
          document.type === "job" ? [] : DOCUMENTS.verifyTrust(document, deps.policy.trust, contextOf(deps.cluster)),
      },
    })),
    profile: BUSY,
  },
  {
    bug: "the agent does not look at a job's selector",
    seenBy: ["signed"],
    makers: coatAgent(plainAgent, (deps) => ({
      ...deps,
      documents: {
        ...DOCUMENTS,
        checkTarget: (document, tags) => document.type === "job" || DOCUMENTS.checkTarget(document, tags),
      },
    })),
    profile: BUSY,
  },
  {
    bug: "the agent forgets at start how far its jobs have come",
    seenBy: ["jobs"],
    makers: coatAgent(() => (core, event, now) =>
      core.step(
        event.type === "stored" && event.table === "due"
          ? { ...event, rows: change(event.rows, (row) => ({ ...row, due: row["last"] ?? null })) }
          : event,
        now,
      )
    ),
    profile: { ...BUSY, crashEveryMs: 5000 },
  },
  {
    bug: "the agent does not write down that a job was cancelled",
    seenBy: ["jobs", "converge"],
    makers: agentOps((ops) =>
      ops.filter((op) =>
        op.op === "put"
          ? op.table !== AGENT_TABLES.job || op.row["state"] !== "cancelled"
          : op.op !== "delete" || op.table !== AGENT_TABLES.due
      )
    ),
    profile: RESTLESS,
  },
  {
    bug: "the agent does not write down that a job has a newer serial",
    seenBy: ["jobs", "converge"],
    makers: agentOps((ops) =>
      ops.filter((op) => op.op !== "put" || op.table !== AGENT_TABLES.job || Number(op.row["serial"]) < 2)
    ),
    profile: RESTLESS,
  },
  {
    bug: "the agent starts a job's run and only then writes that its time is used up",
    seenBy: ["durable"],
    makers: agentOps((ops) =>
      ops.some((op) => op.op === "put" && op.table === AGENT_TABLES.run)
        ? ops.filter((op) => op.op !== "put" || op.table !== AGENT_TABLES.due)
        : ops
    ),
    profile: BUSY,
  },
];

function contextOf(cluster: string) {
  return { now: Date.UTC(2026, 0, 1), cluster, localTags: {} };
}

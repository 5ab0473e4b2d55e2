/**
 * What the core answers to each request: one schema a row, from which the HTTP documentation and the types derive.
 * Times are RFC 3339. A field that does not apply is left out.
 */
import * as z from "zod";
import { anyJson } from "../../base/json_schema.ts";
import { type ServerRequest, TARGET_STATES, type TargetState } from "./contract.ts";
import { JOB_CHANGES, jobAgent, jobRow, jobRun } from "./jobs/schemas.ts";

export const AGENT_STATES = ["pending", "enrolled", "removed"] as const;
export type AgentState = typeof AGENT_STATES[number];

const optional = <T extends z.ZodType>(schema: T) => schema.exactOptional();
const tags = z.record(z.string(), z.string());

export const agentAnswer = z.object({
  id: z.string(),
  /** Public key, JWK member `x`. */
  key: z.string(),
  name: z.string(),
  /** What selectors see: the agent's own tags and those its scripts set; the agent's own win. */
  tags,
  /** Those of `tags` that scripts and `tags.set` gave it; absent when there are none. */
  setTags: optional(tags),
  state: z.enum(AGENT_STATES),
  connected: z.boolean(),
  /** Another server holds it, or held it last: where that one is reached. Only while it is not connected here. */
  elsewhere: optional(z.string()),
  /** Where it connected from last. */
  address: z.string(),
  /** The agent program's version. */
  version: z.string(),
  firstSeen: z.string(),
  lastSeen: z.string(),
  /** `clone`: two hosts run with this identity. Approving the agent again clears its flags. */
  flags: z.array(z.string()),
  /** Runs that go on, as the agent said last; only while it is connected. */
  running: optional(z.number()),
  /** Milliseconds from a sign of life to the server's answer, as the agent measured it last; while it is connected. */
  rttMs: optional(z.number()),
});
export type AgentAnswer = z.infer<typeof agentAnswer>;

export const scriptAnswer = z.object({
  /** `sha256-<hex>` */
  hash: z.string(),
  name: z.string(),
  access: z.number(),
  uses: z.array(z.string()),
  start: z.enum(["open", "ordered"]),
  tags,
  /** Selector. */
  targets: z.string(),
  expires: optional(z.string()),
  cluster: optional(z.string()),
  /** JSON Schema of the arguments. */
  args: z.record(z.string(), anyJson),
  metadata: z.record(z.string(), anyJson),
  /** Thumbprints of the signers that this server trusts. */
  signers: z.array(z.string()),
  /** Their names, in the same order, as the server's trust list has them now. */
  authors: z.array(z.string()),
  pushedBy: z.string(),
  pushedAt: z.string(),
  removedAt: optional(z.string()),
  /** The version that the name means now. */
  latest: z.boolean(),
});
export type ScriptAnswer = z.infer<typeof scriptAnswer>;

export const targetPreview = z.object({ agent: z.string(), name: z.string(), tags, connected: z.boolean() });
export type TargetPreview = z.infer<typeof targetPreview>;

const errorAnswer = z.object({ code: z.string(), message: z.string() });

export const targetAnswer = z.object({
  agent: z.string(),
  name: z.string(),
  state: z.enum(TARGET_STATES),
  /** unknown: since when nothing was heard of it. */
  since: optional(z.string()),
  /** unknown: the last state that is sure. */
  last: optional(z.enum(["sent", "started"])),
  sentAt: optional(z.string()),
  startedAt: optional(z.string()),
  finishedAt: optional(z.string()),
  run: optional(z.string()),
  /** finished: whether the work did what it was asked. */
  ok: optional(z.boolean()),
  exitCode: optional(z.number()),
  signal: optional(z.string()),
  error: optional(errorAnswer),
});
export type TargetAnswer = z.infer<typeof targetAnswer>;

/** How many targets are in each state. */
export const countsAnswer = z.object({
  "not-sent": z.number(),
  sent: z.number(),
  refused: z.number(),
  started: z.number(),
  finished: z.number(),
  unknown: z.number(),
  /** Of the finished ones, those whose work failed. */
  failed: z.number(),
});
export type Counts = z.infer<typeof countsAnswer>;

export const orderRow = z.object({
  id: z.string(),
  at: z.string(),
  /** Who submitted it; who signed it is in `signers`. */
  user: z.string(),
  address: z.string(),
  signed: z.boolean(),
  signers: z.array(z.string()),
  /** Their names; a signer that is not trusted any more stands with the thumbprint. */
  authors: z.array(z.string()),
  /** `command:<key>` or `script:sha256-<hex>` */
  does: z.string(),
  /** The script's name. */
  name: optional(z.string()),
  args: z.record(z.string(), anyJson),
  selector: z.string(),
  notAfter: z.string(),
  runs: z.enum(["once", "many"]),
  meta: optional(anyJson),
  /** How many agents it is for. */
  targets: z.number(),
  cancelled: optional(z.object({ at: z.string(), user: z.string(), reason: z.string() })),
  /** When nothing more was to be expected. Late reports may still change `unknown` targets. */
  doneAt: optional(z.string()),
  counts: countsAnswer,
});
export type OrderRow = z.infer<typeof orderRow>;

export const historyRow = z.object({
  id: z.string(),
  at: z.string(),
  /** A user, or an agent's id. */
  who: z.string(),
  from: z.string(),
  action: z.string(),
  what: z.string(),
  order: optional(z.string()),
  /** The script's, or the job document's. */
  hash: optional(z.string()),
  /** How many agents it was for. */
  targets: optional(z.number()),
  /** `ok` or an error code. */
  outcome: z.string(),
});
export type HistoryRow = z.infer<typeof historyRow>;

const orderAnswer = z.object({ order: orderRow, targets: z.array(targetAnswer), counts: countsAnswer });
export type OrderAnswer = z.infer<typeof orderAnswer>;

const submitAnswer = z.object({
  /** The order's id; what a dry run of an unsigned order names does not exist. */
  order: z.string(),
  /** Exactly the agents it is for. */
  targets: z.array(targetPreview),
  count: z.number(),
  dryRun: z.boolean(),
});

const applyJobAnswer = z.object({
  change: z.enum(JOB_CHANGES),
  job: jobRow,
  /** What was here before. */
  before: optional(jobRow),
  /** Exactly the agents it is for; of a cancellation, those that have it. */
  targets: z.array(targetPreview),
  /** Agents that have the earlier version and that this one is not for: it ends there. */
  leaving: z.array(targetPreview),
  count: z.number(),
  dryRun: z.boolean(),
});
export type ApplyJobAnswer = z.infer<typeof applyJobAnswer>;

/** The answer to each request. */
export const ANSWERS = {
  agents: z.object({ agents: z.array(agentAnswer) }),
  agent: agentAnswer,
  approveAgent: agentAnswer,
  removeAgent: agentAnswer,
  pushScript: scriptAnswer,
  scripts: z.object({ scripts: z.array(scriptAnswer) }),
  /** `text` is the whole file, signatures included. */
  script: scriptAnswer.extend({ text: z.string() }),
  removeScript: z.object({ removed: z.array(z.string()) }),
  submitOrder: submitAnswer,
  submitUnsigned: submitAnswer,
  /** Newest first; `before` asks for the next page and is absent on the last one. */
  orders: z.object({ orders: z.array(orderRow), before: optional(z.string()) }),
  order: orderAnswer,
  cancelOrder: orderAnswer,
  /** It was handed to the agent; how the run then ends, the run itself says. */
  cancelRun: z.object({ agent: z.string(), run: z.string() }),
  applyJob: applyJobAnswer,
  /** By id; `after` asks for the next page and is absent on the last one. */
  jobs: z.object({ jobs: z.array(jobRow), after: optional(z.string()) }),
  /** `text` is the whole document, signatures included. */
  job: z.object({ job: jobRow, text: z.string(), agents: z.array(jobAgent) }),
  /** Newest first; `before` as in `orders`. */
  jobRuns: z.object({ runs: z.array(jobRun), before: optional(z.string()) }),
  /** Newest first; `before` as in `orders`. */
  history: z.object({ history: z.array(historyRow), before: optional(z.string()) }),
  record: z.object({}),
} as const satisfies Record<ServerRequest["ask"], z.ZodType>;

export type Ask = ServerRequest["ask"];
export type AnswerOf<A extends Ask> = z.infer<typeof ANSWERS[A]>;

/** True for a state that no later report changes. For "nothing more is to be expected" ask `isDone`. */
export function isTerminal(state: TargetState): boolean {
  return state === "refused" || state === "finished";
}

/** True when nothing more is to be expected of the order: all targets have ended, or will not be heard of in its time. */
export function isDone(answer: OrderAnswer): boolean {
  return answer.order.doneAt !== undefined;
}

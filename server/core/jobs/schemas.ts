/** Jobs as rows of the store and as answers. Times in rows are milliseconds since the epoch, in answers RFC 3339. */
import * as z from "zod";
import { JOB_STATES } from "../../../wire/kinds.ts";

const optional = <T extends z.ZodType>(schema: T) => schema.exactOptional();

const TRIGGER_KINDS = ["now", "start", "connect", "stop", "disconnect", "interval", "cron"] as const;

/** When a job runs, as its document says. */
export const jobTrigger = z.discriminatedUnion("kind", [
  z.object({ kind: z.enum(["now", "start", "connect", "stop", "disconnect"]) }),
  z.object({ kind: z.literal("interval"), seconds: z.number() }),
  z.object({ kind: z.literal("cron"), pattern: z.string(), zone: z.string() }),
]);

const errorAnswer = z.object({ code: z.string(), message: z.string() });

/** A job as the store has it, without its text. */
export const storedJob = z.object({
  id: z.string(),
  serial: z.number(),
  hash: z.string(),
  cancelled: z.boolean(),
  /** What a cancelled job did, as far as it was known here. */
  does: z.string(),
  /** The script's name, empty for a command. */
  name: z.string(),
  selector: z.string(),
  trigger: jobTrigger.nullable(),
  until: z.number(),
  /** No version that was ever here can be accepted by anybody after this. */
  horizon: z.number(),
  /** Bytes of the document. */
  bytes: z.number(),
  signers: z.array(z.string()),
  at: z.number(),
  user: z.string(),
  address: z.string(),
  /** Whose configuration names it; empty for nobody's. */
  owner: z.string(),
});
export type JobRecord = z.infer<typeof storedJob>;

/** What became of a job on one agent, as the agent said. */
export const storedJobState = z.object({
  state: z.enum(JOB_STATES),
  serial: z.number(),
  since: z.number(),
  /** 0: not known. */
  next: z.number(),
  error: errorAnswer.nullable(),
});
export type AgentJob = z.infer<typeof storedJobState>;

/** The last run of a job on an agent. */
export const storedLastRun = z.object({
  run: z.string(),
  at: z.number(),
  ok: z.boolean(),
  error: errorAnswer.nullable(),
});
export type LastRun = z.infer<typeof storedLastRun>;

/** `waiting`: it is for this agent, which has said nothing of it yet. */
export const AGENT_JOB_STATES = ["waiting", ...JOB_STATES] as const;

export const jobCounts = z.object({
  /** Enrolled agents that the job is for, by their tags as the server knows them. */
  matching: z.number(),
  accepted: z.number(),
  refused: z.number(),
  cancelled: z.number(),
  ended: z.number(),
  /** Agents whose last run of it failed. */
  failed: z.number(),
});

export const jobRow = z.object({
  id: z.string(),
  serial: z.number(),
  /** `sha256-…` of the document without its signatures. */
  hash: z.string(),
  /** ended: its `until` is over. */
  state: z.enum(["active", "ended", "cancelled"]),
  /** `command:<key>` or `script:sha256-<hex>`; of a cancelled job, what it did. */
  does: optional(z.string()),
  /** The script's name. */
  name: optional(z.string()),
  trigger: optional(jobTrigger),
  selector: z.string(),
  until: optional(z.string()),
  /** Thumbprints of the signers that this server trusts. */
  signers: z.array(z.string()),
  /** Their names; a signer that is not trusted any more stands with the thumbprint. */
  authors: z.array(z.string()),
  appliedBy: z.string(),
  appliedFrom: z.string(),
  appliedAt: z.string(),
  /** Whose configuration it came from. */
  owner: optional(z.string()),
  /** Its owner's configuration names it no more; it goes on until a signed cancellation ends it. */
  orphaned: z.boolean(),
  counts: jobCounts,
  /** The earliest time at which an agent said it is due next. */
  next: optional(z.string()),
});
export type JobRow = z.infer<typeof jobRow>;

export const jobAgent = z.object({
  agent: z.string(),
  name: z.string(),
  connected: z.boolean(),
  /** Whether the job is for it, by its tags as the server knows them. */
  matches: z.boolean(),
  state: z.enum(AGENT_JOB_STATES),
  /** The version the agent spoke of. */
  serial: optional(z.number()),
  since: optional(z.string()),
  next: optional(z.string()),
  error: optional(errorAnswer),
  last: optional(z.object({ run: z.string(), at: z.string(), ok: z.boolean(), error: optional(errorAnswer) })),
});
export type JobAgent = z.infer<typeof jobAgent>;

/** A run of a job; its times are the agent's. */
export const jobRun = z.object({
  job: z.string(),
  agent: z.string(),
  name: z.string(),
  run: z.string(),
  trigger: z.enum(TRIGGER_KINDS),
  /** When it was to begin. */
  due: optional(z.string()),
  attempt: z.number(),
  state: z.enum(["refused", "started", "finished"]),
  started: optional(z.string()),
  finished: optional(z.string()),
  ok: optional(z.boolean()),
  exitCode: optional(z.number()),
  signal: optional(z.string()),
  error: optional(errorAnswer),
});
export type JobRun = z.infer<typeof jobRun>;
/** Names change; the agent's is looked up when somebody asks. */
export const storedJobRun = jobRun.omit({ name: true });

/** What applying a document does: `same` when exactly this version is there already. */
export const JOB_CHANGES = ["create", "update", "cancel", "same"] as const;
export type JobChange = typeof JOB_CHANGES[number];

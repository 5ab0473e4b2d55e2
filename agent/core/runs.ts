/**
 * Runs: what was ordered, from `started` to `finished`, at most once per order whatever crashes.
 *
 * A run's row and its `started` record are on disk before the work begins; a row that is still `started` when the agent
 * comes back was cut off, and ends as `run.interrupted`. What a run says becomes records of its own stream, and its
 * credit is given back only when they are durable and the spool has room: past that the program blocks on its pipe.
 */
import { rfc3339 } from "../../base/clock.ts";
import { type ErrorBody, JabberError } from "../../base/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Emission } from "../../commands/command.ts";
import type { StoreOp } from "../../base/store.ts";
import type { RunOutcome } from "./contract.ts";
import type { Grant } from "../threads/protocol.ts";
import { type History, historyOps } from "./history.ts";
import { bodyRoom, lineMaker, type MakeLine, type Source, splitBody, splitText } from "./lines.ts";
import {
  type Cause,
  factsOf,
  finishedRecord,
  forgetRun,
  rememberRun,
  type RunRecord,
  saveRun,
  type Seen,
  stateOf,
} from "./seen.ts";
import type { Shell } from "./shell.ts";
import { append, finishLane, hasRoom, type Spool } from "./spool.ts";
import { LOG_LANE } from "./streams.ts";
import { setTag, type Tags } from "./tags.ts";

/** The work itself. */
export type Work =
  | { type: "command"; key: string }
  | { type: "script"; source: string; line: number; language: "js" | "ts" };

/** What a job's run has besides an order's. */
export interface JobPart {
  serial: number;
  trigger: Cause;
  /** Committed with the start: this firing is used up. */
  ops: StoreOp[];
}

/** An order or a job's firing that was checked in every way. */
export interface Plan {
  order: string;
  hash: string;
  /** The order's window: what waited too long, for its turn or for the disk, does not begin. */
  notBefore: number;
  notAfter: number;
  does: string;
  signers: string[];
  meta?: Json;
  grant: Omit<Grant, "run">;
  args: JsonObject;
  timeoutMs: number;
  work: Work;
  job?: JobPart;
}

interface Run {
  id: string;
  plan: Plan;
  record: RunRecord;
  startedAt: number;
  source: Source;
  make: ReturnType<typeof lineMaker>;
  /** The work was handed out. */
  launched: boolean;
  /** Why it is to end early. */
  cut: ErrorBody | undefined;
  /** Credit that waits for room. */
  owed: number;
}

/** What runs tell the rest of the core. */
export interface RunHooks {
  /** A job's run is over; answers what is committed with its end. */
  jobEnded(id: string, record: RunRecord): StoreOp[];
  /** Another run may begin. */
  room(): void;
}

export interface Runs {
  readonly shell: Shell;
  readonly hooks: RunHooks;
  readonly spool: Spool;
  readonly seen: Seen;
  readonly history: History;
  readonly tags: Tags;
  readonly active: Map<string, Run>;
  readonly queue: Plan[];
  draining: boolean;
}

/** Timers of runs: `run:<id>`. */
export const RUN_TIMER = "run:";

/** Ends the runs that an earlier process of the agent left under way. */
export function interruptRuns(runs: Runs, ids: readonly string[]): void {
  const error = new JabberError("run.interrupted").toBody();
  for (const id of ids) {
    const record = runs.seen.runs.get(id);
    if (record === undefined) continue;
    const source = sourceOf(runs, id, record);
    // When it was cut off nobody knows; that it had ended now is all that can be said.
    const finished = finishedRecord(record, Date.parse(record.start), runs.shell.now(), { ok: false }, error);
    close(runs, id, finished, lineMaker(source), undefined);
  }
}

/** Starts the plan now, or when others have ended. Errors: `run.queue_full`. */
export function submit(runs: Runs, plan: Plan): void {
  if (runs.active.size < LIMITS.runsAtOnceMax) return void start(runs, plan);
  if (runs.queue.length >= LIMITS.runsQueuedMax) throw new JabberError("run.queue_full", `${runs.queue.length} wait`);
  runs.queue.push(plan);
}

/** True when a job's run may begin. Orders go first: when a run ends, those that wait for their turn take its place. */
export function hasTurn(runs: Runs): boolean {
  return runs.active.size < LIMITS.runsAtOnceMax;
}

/** Starts a job's run; there must be a turn for it. Answers its id. */
export function startJob(runs: Runs, plan: Plan & { job: JobPart }): string {
  return start(runs, plan);
}

/** Ends one run early. */
export function endRun(runs: Runs, id: string, error: ErrorBody): void {
  const run = runs.active.get(id);
  if (run !== undefined) cut(runs, run, error);
}

/** Ends one run whose work was not handed out yet; one that is under way goes on. */
export function withholdRun(runs: Runs, id: string, error: ErrorBody): void {
  const run = runs.active.get(id);
  if (run !== undefined && !run.launched) cut(runs, run, error);
}

/** Ends all runs of an order, or the one run of that id. Answers the plans that had not started. */
export function cancelOrder(runs: Runs, order: string, reason: string): Plan[] {
  for (const run of runs.active.values()) {
    if (run.plan.order === order || run.id === order) cut(runs, run, new JabberError("run.cancelled", reason).toBody());
  }
  const waiting = runs.queue.filter((plan) => plan.order === order);
  if (waiting.length > 0) runs.queue.splice(0, Infinity, ...runs.queue.filter((plan) => plan.order !== order));
  return waiting;
}

/** Ends every run, as at the end of a drain. */
export function cancelAll(runs: Runs, reason: string): void {
  for (const run of runs.active.values()) cut(runs, run, new JabberError("run.cancelled", reason).toBody());
}

/** Starts no more runs; what waits was never started, so a server may hand it out again. */
export function drainRuns(runs: Runs): void {
  runs.draining = true;
  runs.queue.length = 0;
}

/** Something a run said. */
export function emitted(runs: Runs, id: string, emission: Emission, bytes: number): void {
  const run = runs.active.get(id);
  if (run === undefined) return;
  const lines = linesOf(runs, run, emission);
  lines.forEach((make, index) => {
    const done = () => credit(runs, run, bytes);
    append(runs.spool, id, index === lines.length - 1 ? { make, done } : { make });
  });
}

/** The work is over. */
export function workEnded(runs: Runs, id: string, outcome: RunOutcome, error?: ErrorBody): void {
  const run = runs.active.get(id);
  if (run === undefined) return;
  const failed = !outcome.ok || error !== undefined;
  finish(runs, run, failed ? { ...outcome, ok: false } : outcome, failed ? run.cut ?? error : undefined);
}

/** A guard timer fired: the first time the run is told to end, the second time it is declared over. */
export function runTimer(runs: Runs, id: string): void {
  const run = runs.active.get(id);
  if (run === undefined) return;
  if (run.cut === undefined) {
    cut(runs, run, new JabberError("run.timeout", `${run.plan.timeoutMs} ms`).toBody());
  } else finish(runs, run, { ok: false }, run.cut);
}

/** There is room in the spool again. */
export function payCredit(runs: Runs): void {
  for (const run of runs.active.values()) {
    if (run.owed === 0 || !hasRoom(runs.spool)) continue;
    runs.shell.emit({ do: "credit", run: run.id, bytes: run.owed });
    run.owed = 0;
  }
}

function start(runs: Runs, plan: Plan): string {
  const { shell, spool, seen, history } = runs;
  const id = shell.ulid();
  const startedAt = shell.now();
  const { order, hash, notAfter, does, signers, meta, job } = plan;
  const record: RunRecord = {
    order,
    does,
    signers,
    ...(meta !== undefined && { meta }),
    state: "started",
    start: rfc3339(startedAt),
    ...(job !== undefined && { trigger: job.trigger, serial: job.serial }),
  };
  const source = sourceOf(runs, id, record);
  const make = lineMaker(source);
  const run: Run = { id, plan, record, startedAt, source, make, launched: false, cut: undefined, owed: 0 };
  runs.active.set(id, run);
  append(spool, id, {
    make: make(shell.ulid(), startedAt, "runState", stateOf(record), { start: record.start }),
    ops: [
      ...(job === undefined
        ? rememberRun(seen, { hash, notAfter }, id, record)
        : [...job.ops, saveRun(seen, id, record)]),
      ...historyOps(history, {
        who: whoOf(record),
        action: "run",
        what: { order, run: id, does },
        outcome: "started",
      }),
    ],
    done: () => launch(runs, run),
  });
  return id;
}

/** Everything a crash must find is on disk: the work begins. */
function launch(runs: Runs, run: Run): void {
  const { shell } = runs;
  if (run.cut !== undefined) return finish(runs, run, { ok: false }, run.cut);
  if (runs.draining && run.plan.job?.trigger.kind !== "stop") {
    return finish(runs, run, { ok: false }, new JabberError("run.draining").toBody());
  }
  const late = outsideWindow(run.plan, shell.now());
  if (late !== undefined) return finish(runs, run, { ok: false }, late.toBody());
  run.launched = true;
  const { plan: { grant, args, timeoutMs, work }, id } = run;
  const common = { grant: { run: id, ...grant }, args, timeoutMs };
  if (work.type === "command") shell.emit({ do: "startCommand", ...common, command: work.key });
  else shell.emit({ do: "startScript", ...common, source: work.source, line: work.line, language: work.language });
  shell.timer(RUN_TIMER + id, shell.now() + timeoutMs + LIMITS.runGraceMs);
}

/** Time has passed since it was judged, or the clock has stepped. */
function outsideWindow({ order, notBefore, notAfter, job }: Plan, now: number): JabberError | undefined {
  const what = `${job === undefined ? "order" : "job"} "${order}"`;
  if (now >= notAfter) return new JabberError("document.expired", `${what} on ${rfc3339(notAfter)}`);
  if (now >= notBefore - LIMITS.clockSkewMsMax) return undefined;
  return new JabberError("document.not_yet", `${what} from ${rfc3339(notBefore)}`);
}

function cut(runs: Runs, run: Run, error: ErrorBody): void {
  if (run.cut !== undefined) return;
  run.cut = error;
  if (!run.launched) return;
  runs.shell.emit({ do: "cancelRun", run: run.id, reason: error.message });
  runs.shell.timer(RUN_TIMER + run.id, runs.shell.now() + LIMITS.runGraceMs);
}

function finish(runs: Runs, run: Run, outcome: RunOutcome, error?: ErrorBody): void {
  if (!runs.active.delete(run.id)) return;
  const { shell } = runs;
  if (run.launched) shell.timer(RUN_TIMER + run.id, null);
  const record = finishedRecord(run.record, run.startedAt, shell.now(), outcome, error);
  close(runs, run.id, record, run.make, outcome.result);
  while (runs.queue.length > 0 && runs.active.size < LIMITS.runsAtOnceMax) start(runs, runs.queue.shift()!);
  runs.hooks.room();
}

/** Writes the end of a run: its last record, its row, its line for the auditor. */
function close(
  runs: Runs,
  id: string,
  record: RunRecord,
  make: ReturnType<typeof lineMaker>,
  result: Json | undefined,
): void {
  const { shell, spool, seen, history } = runs;
  const { ok, does, order } = record;
  const room = bodyRoom(sourceOf(runs, id, record));
  let kept = result;
  if (result !== undefined && JSON.stringify(result).length * 3 > room) {
    const pieces = splitBody(isJsonObject(result) ? result : { result }, room);
    if (pieces.length > 1) kept = undefined;
    for (const body of kept === undefined ? pieces : []) {
      append(spool, id, { make: make(shell.ulid(), shell.now(), "output", body) });
    }
  }
  const body = { ...stateOf(record), ...(kept !== undefined && { result: kept }) };
  append(spool, id, {
    make: make(shell.ulid(), shell.now(), "runState", body, factsOf(record)),
    ops: [
      ...(record.trigger === undefined
        ? [saveRun(seen, id, record)]
        : [forgetRun(seen, id), ...runs.hooks.jobEnded(id, record)]),
      ...historyOps(history, {
        who: whoOf(record),
        action: "run",
        what: { order, run: id, does, ok: ok ?? false },
        outcome: record.error?.code ?? "finished",
      }),
    ],
  });
  finishLane(spool, id);
}

function linesOf(runs: Runs, run: Run, emission: Emission): MakeLine[] {
  const { shell } = runs;
  const room = bodyRoom(run.source);
  if (!isJsonObject(emission.body)) {
    const text = `${emission.kind} refused: ${new JabberError("output.not_object").message}`;
    return [run.make(shell.ulid(), shell.now(), "log", { level: "warn", text })];
  }
  if (emission.kind === "output") {
    return splitBody(emission.body, room).map((body) => run.make(shell.ulid(), shell.now(), "output", body));
  }
  if (emission.kind === "log") {
    const { level, text } = emission.body;
    return splitText(text, room).map((piece) => run.make(shell.ulid(), shell.now(), "log", { level, text: piece }));
  }
  const { key, value } = emission.body;
  const fault = setTag(runs.tags, key, value);
  if (fault !== undefined) {
    return [run.make(shell.ulid(), shell.now(), "log", { level: "warn", text: `setTag refused: ${fault}` })];
  }
  return [run.make(shell.ulid(), shell.now(), "setTag", { key, value })];
}

function credit(runs: Runs, run: Run, bytes: number): void {
  if (!runs.active.has(run.id)) return;
  if (hasRoom(runs.spool)) runs.shell.emit({ do: "credit", run: run.id, bytes });
  else run.owed += bytes;
}

/** What records of a lane have in common; of a run that nobody remembers any more, whose it is. */
export function sourceOfLane(runs: Runs, lane: string): Source {
  const { agent } = runs.shell.deps;
  if (lane === LOG_LANE) return { agent };
  const record = runs.seen.runs.get(lane);
  return record === undefined ? { agent, run: lane } : sourceOf(runs, lane, record);
}

function sourceOf(runs: Runs, run: string, { order, meta }: RunRecord): Source {
  const { deps } = runs.shell;
  return { agent: deps.agent, job: order, run, ...(meta !== undefined && { meta }), tags: deps.policy.tags };
}

function whoOf({ signers, trigger }: RunRecord): string[] {
  if (signers.length > 0) return [...signers];
  return [trigger === undefined ? "server" : "owner"];
}

/**
 * Records: from a frame to the disk, and only then to anybody else.
 *
 * Records go to the store as the very text they came in, together with what they say of targets and tags. What comes
 * while the store writes gathers into its next commit, whoever sent it. When that is durable: facts count, news is
 * published, and one line to each session acknowledges its part.
 *
 * - A resend goes to the store like news: it stores nothing twice, and finds out when the content differs. Only news
 *   is published.
 * - A stream may start anywhere: earlier records were trimmed or lie on another server.
 * - Other content at a stored offset is a conflict: it is named in the acknowledgement, and later records of that
 *   stream are ignored in this session, since the agent sends them again under a new incarnation.
 * - A stream that is one too many of its agent's is not begun, and ends the session in the same way as the next rule.
 * - When the store refuses a commit (a full disk, too long a queue), nothing of its sessions is acknowledged from then
 *   on: they are hung up. The agent comes back after its backoff, is told what is durable, and sends the rest again. So
 *   the server recovers by itself as soon as there is room, and no later frame can acknowledge an earlier one's loss.
 */
import { type ErrorBody, type ErrorCode, ERRORS, JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { CommitResult, StoreOp } from "../../base/store.ts";
import type { AnyEnvelope, Envelope } from "../../wire/envelope.ts";
import { agentOp } from "./agents.ts";
import { endSession } from "./closing.ts";
import { count, emitRecords, log, offerRecords, send } from "./effects.ts";
import { openOp, progress } from "./ending.ts";
import { historyOp } from "./history.ts";
import { tagChanged } from "./jobs/delivery.ts";
import { readReport, takeReport as takeJobReport } from "./jobs/reports.ts";
import {
  added,
  type Agent,
  type Core,
  type GatheredRecords,
  type Mark,
  type OpenOrder,
  type RecordFact,
  type RecordsOf,
  type Session,
  type StreamRun,
  type Target,
} from "./state.ts";
import { reportedFacts, settleStage, stage } from "./targets.ts";

/** Streams in one acknowledgement; its schema takes twice as many. */
const MARKS_MAX = 1000;

/** The records of a frame. `fault`: some of its lines were refused. */
interface Gathered {
  readonly runs: readonly StreamRun[];
  readonly facts: readonly RecordFact[];
  readonly fault: JabberError | undefined;
}

/** Adds the records of a frame to those that go to the store together. They are emitted when the event is handled. */
export function storeRecords(core: Core, session: Session, frame: Gathered, bytes: number): void {
  const { agent, conflicts } = session;
  // A pending agent keeps its records until it is approved.
  if (agent.state !== "enrolled") session.muted = true;
  if (session.muted) return;
  const runs = conflicts === null ? frame.runs : frame.runs.filter(({ stream }) => !conflicts.has(stream));
  if (runs.length === 0) return;
  if (core.queueBytes + bytes > LIMITS.storeQueueBytesMax) {
    throw new JabberError("store.busy", `${core.queueBytes} bytes of records`);
  }
  if (core.gathered !== null && core.gathered.bytes + bytes > LIMITS.storeGroupBytesMax) emitRecords(core);
  const records = core.gathered ??= newRecords(core);
  let own = records.bySession.get(session);
  if (own === undefined) records.bySession.set(session, own = { runs: [], marks: [] });
  takeFacts(core, session, frame.facts, records);
  for (const run of runs) addRun(records, own, run);
  addMarks(own, runs, frame.fault === undefined);
  records.bytes += bytes;
  core.queueBytes += bytes;
}

/** Frames that follow each other in one stream are one append. */
function addRun({ ops }: GatheredRecords, own: RecordsOf, run: StreamRun): void {
  const last = own.runs.findLast(({ stream }) => stream === run.stream);
  if (last !== undefined && last.first + last.lines.length === run.first) {
    for (const line of run.lines) last.lines.push(line);
    return;
  }
  own.runs = added(own.runs, run);
  const { stream, first, lines } = run;
  ops.push({ op: "append", stream, first, lines, streamsMax: LIMITS.streamsPerAgentMax });
}

function newRecords(core: Core): GatheredRecords {
  const records: GatheredRecords = {
    ops: [],
    bytes: 0,
    bySession: new Map(),
    reports: [],
    jobReports: [],
    targetOps: new Map(),
    persisted: (found) => stored(core, records, found),
    failed: (error) => notStored(core, records, error),
  };
  return records;
}

function stored(
  core: Core,
  { bytes, bySession, reports, jobReports }: GatheredRecords,
  found: CommitResult["conflicts"],
): void {
  core.queueBytes -= bytes;
  core.groupsUnderWay--;
  const orders = new Set<OpenOrder>();
  for (const { order, target, facts } of reports) {
    settleStage(target, facts, true);
    orders.add(order);
  }
  for (const report of jobReports) takeJobReport(core, report);
  // First what the disk is to do next, so that it works while thousands are told of this.
  offerRecords(core);
  for (const order of orders) progress(core, order);
  let fresh = 0;
  const conflicting = found.flatMap(({ stream, tooMany }) => tooMany ? [] : [stream]);
  const refused = new Set(found.flatMap(({ stream, tooMany }) => tooMany ? [stream] : []));
  for (const [session, { runs, marks }] of bySession) {
    if (refused.size > 0 && runs.some(({ stream }) => refused.has(stream))) {
      fresh += publish(core, session, runs.filter(({ stream }) => !refused.has(stream)), conflicting);
      refuseStreams(core, session, runs, refused);
      continue;
    }
    fresh += publish(core, session, runs, conflicting);
    acknowledge(core, session, marks, conflicting);
  }
  count(core, "records", fresh);
}

/** What else was stored for the session is not acknowledged: it comes again, and is known. */
function refuseStreams(core: Core, session: Session, runs: readonly StreamRun[], refused: ReadonlySet<string>): void {
  const names = new Set(runs.flatMap(({ stream }) => refused.has(stream) ? [stream] : []));
  count(core, "streams_refused", names.size);
  const error = new JabberError("stream.too_many", `${LIMITS.streamsPerAgentMax}`);
  log(core, "warn", "an agent has too many streams", { agent: session.agent.id, code: error.code, more: names.size });
  endSession(core, session, error);
}

function notStored(core: Core, { bytes, bySession, reports }: GatheredRecords, error: ErrorBody): void {
  core.queueBytes -= bytes;
  core.groupsUnderWay--;
  for (const { target, facts } of reports) settleStage(target, facts, false);
  log(core, "error", "records could not be stored", { code: error.code, error: error.message, agents: bySession.size });
  for (const [session, { runs }] of bySession) {
    count(core, "records_unstored", runs.reduce((sum, { lines }) => sum + lines.length, 0));
    endSession(core, session, refusal(error));
  }
  offerRecords(core);
}

function takeFacts(core: Core, session: Session, facts: readonly RecordFact[], records: GatheredRecords): void {
  let tagged = false;
  for (const { stream, offset, envelope } of facts) {
    if (session.conflicts?.has(stream)) continue;
    if (envelope.kind === "runState") takeReport(core, session.agent, envelope, records);
    // A resend of an older value must not win over a newer one.
    if (offset < (session.marks?.get(stream) ?? 0)) continue;
    if (envelope.kind !== "setTag") noteJob(core, session, envelope, records);
    else if (takeTag(session.agent, envelope)) {
      tagged = true;
      tagChanged(core, session, envelope.body.key);
    }
  }
  if (tagged) records.ops.push(agentOp(session.agent));
}

/** What a record says of a job. */
function noteJob(core: Core, session: Session, envelope: AnyEnvelope, { ops, jobReports }: GatheredRecords): void {
  const read = readReport(core, session, envelope);
  if (read === undefined) return;
  for (const op of read.ops) ops.push(op);
  jobReports.push(read.report);
}

function takeReport(core: Core, agent: Agent, report: Envelope<"runState">, records: GatheredRecords): void {
  const order = core.orders.get(report.job ?? "");
  const target = order?.targets.get(agent.id);
  // Of an order that is still being written an agent can only know from elsewhere; it says so again when it is sent it.
  if (order === undefined || target === undefined || !order.durable) return;
  const before = target.staged ?? target.facts;
  const facts = reportedFacts(before, report, core.now);
  if (facts === before && target.staged === null) return;
  // Also when it changes nothing: the write that was to make it durable may yet fail, and this one is as good.
  putTarget(records, target, stage(order, target, facts));
  records.reports.push({ order, target, facts });
  if (order.ending) records.ops.push(openOp(order));
  if (facts === before || facts.state !== "refused") return;
  const deed = {
    who: agent.id,
    from: agent.address,
    action: "refuse order",
    what: order.record.name || order.record.does,
  };
  records.ops.push(historyOp(core, { ...deed, order: order.record.id, outcome: facts.error?.code ?? "refused" }));
}

/** One row for each target, however many reports of it are written together: the last one says it all. */
function putTarget({ ops, targetOps }: GatheredRecords, target: Target, op: StoreOp): void {
  const place = targetOps.get(target);
  if (place !== undefined) {
    ops[place] = op;
    return;
  }
  targetOps.set(target, ops.length);
  ops.push(op);
}

function takeTag(agent: Agent, { body: { key, value } }: Envelope<"setTag">): boolean {
  const { [key]: held, ...others } = agent.set;
  // Not what every object has, such as "constructor".
  const old = Object.hasOwn(agent.set, key) ? held : undefined;
  // The agent's `hello` named what was set before it: that is no tag of its own, and must not outlive the change.
  if (old !== undefined && old !== value && Object.hasOwn(agent.tags, key) && agent.tags[key] === old) {
    const { [key]: _, ...own } = agent.tags;
    agent.tags = own;
  }
  if (value === null) {
    if (old === undefined) return false;
    agent.set = others;
    return true;
  }
  if (old === value || (old === undefined && Object.keys(others).length >= LIMITS.tagsMax)) return false;
  agent.set = { ...others, [key]: value };
  return true;
}

/** Publishes what is news; answers how many records that are. */
function publish(core: Core, session: Session, runs: readonly StreamRun[], conflicting: readonly string[]): number {
  let fresh = 0;
  for (const { stream, first, lines } of runs) {
    if (conflicting.includes(stream)) continue;
    const known = session.marks?.get(stream) ?? 0;
    const old = Math.max(0, known - first);
    if (old >= lines.length) continue;
    fresh += lines.length - old;
    // From here on the session only goes forward.
    session.marks?.delete(stream);
    core.out.push({
      do: "publish",
      agent: session.agent.id,
      stream,
      first: first + old,
      lines: old === 0 ? lines : lines.slice(old),
    });
  }
  return fresh;
}

/**
 * Adds what a frame is acknowledged by. Frames that follow each other in one stream share a mark. A line that was
 * refused leaves a hole which nobody is to take for a lost frame: then it is not said where it begins.
 */
function addMarks(own: RecordsOf, runs: readonly StreamRun[], whole: boolean): void {
  for (const { stream, first, lines } of runs) {
    const next = first + lines.length;
    const last = own.marks.findLast((mark) => mark.stream === stream);
    const follows = whole
      ? last?.first !== undefined && last.next === first
      : last !== undefined && last.first === undefined;
    if (last !== undefined && follows) last.next = next;
    else own.marks = added(own.marks, whole ? { stream, first, next } : { stream, next });
  }
}

function acknowledge(core: Core, session: Session, marks: readonly Mark[], conflicting: readonly string[]): void {
  const own = conflicting.length === 0
    ? conflicting
    : marks.flatMap(({ stream }) => conflicting.filter((one) => one === stream));
  if (own.length > 0) {
    count(core, "conflicts", new Set(own).size);
    session.conflicts ??= new Set();
    for (const stream of own) session.conflicts.add(stream);
  }
  if (core.sessions.get(session.id) !== session) return;
  const streams = own.length === 0 ? [...marks] : marks.filter(({ stream }) => !own.includes(stream));
  while (streams.length > MARKS_MAX) send(core, session, "ack", { streams: streams.splice(0, MARKS_MAX) });
  send(core, session, "ack", own.length === 0 ? { streams } : { streams, conflicts: [...new Set(own)] });
}

/** The store's refusal, as the reason to hang up. */
function refusal(error: ErrorBody): JabberError {
  const known = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code);
  return new JabberError(known(error.code) ? error.code : "store.failed", "the records were not stored");
}

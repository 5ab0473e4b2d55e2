/**
 * Frames of agents. A frame as a whole is refused (and the session ended) when it breaks the protocol's order or its
 * bounds. A single line that is refused is complained about, once a frame, and counted; the lines around it go on. Its
 * offset stays a hole in the stream: the error says so, nothing is silent.
 */
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { type AnyEnvelope, parseEnvelope, splitFrame } from "../../wire/envelope.ts";
import { isStreamOf } from "../../wire/streams.ts";
import { endSession } from "./closing.ts";
import type { ServerEvent } from "./contract.ts";
import { complain, count, log, offerRecords, send } from "./effects.ts";
import { takeWants } from "./jobs/delivery.ts";
import { takeHello } from "./sessions.ts";
import { added, type Core, type RecordFact, type Session, type StreamRun } from "./state.ts";
import { storeRecords } from "./streams.ts";

/** Frames that came together: the records among them are one commit. */
export function takeFrames(core: Core, { frames }: ServerEvent & { type: "agentFrames" }): void {
  let bytes = 0;
  let taken = 0;
  for (const { session: id, text } of frames) {
    const session = core.sessions.get(id);
    // What was on its way when the session ended.
    if (session === undefined) continue;
    bytes += text.length;
    taken++;
    takeFrame(core, session, text);
  }
  if (taken === 0) return;
  count(core, "frames", taken);
  count(core, "frame_bytes", bytes);
  offerRecords(core);
}

function takeFrame(core: Core, session: Session, text: string): void {
  session.heard = core.now;
  session.heardSteady = core.steady;
  try {
    takeLines(core, session, text);
  } catch (cause) {
    countFault(core, cause);
    if (cause instanceof JabberError) return endSession(core, session, cause);
    log(core, "error", "a frame could not be handled", { agent: session.agent.id, error: String(cause) });
    endSession(core, session, new JabberError("internal"));
  }
}

/** @throws what ends the session */
function takeLines(core: Core, session: Session, text: string): void {
  if (!text.isWellFormed()) throw new JabberError("frame.malformed", "a lone surrogate");
  const gathered: Gathered = { runs: [], facts: [], last: undefined, fault: undefined };
  for (const line of splitFrame(text)) {
    const envelope = readLine(core, session, gathered, line);
    if (envelope === undefined) continue;
    if (envelope.stream === undefined) takeMessage(core, session, envelope);
    else gather(session, gathered, envelope, line);
  }
  if (gathered.fault !== undefined) {
    complain(core, session.id, gathered.fault);
    if (session.faults > LIMITS.sessionFaultsMax) {
      throw new JabberError("frame.malformed", "too many faults in one session");
    }
  }
  if (gathered.runs.length > 0) storeRecords(core, session, gathered, text.length);
}

/** The records of a frame, by stream. */
interface Gathered {
  runs: StreamRun[];
  /** Records that change what the server itself knows. */
  facts: RecordFact[];
  last: StreamRun | undefined;
  fault: JabberError | undefined;
}

/** `undefined` for a line that is refused. */
function readLine(core: Core, session: Session, gathered: Gathered, line: string): AnyEnvelope | undefined {
  try {
    const envelope = parseEnvelope(line, "agent");
    if (envelope.from === session.agent.id) return envelope;
    throw new JabberError(
      "frame.malformed",
      `from is ${JSON.stringify(envelope.from)}, the session is another agent's`,
    );
  } catch (cause) {
    if (!(cause instanceof JabberError)) throw cause;
    countFault(core, cause);
    session.faults++;
    gathered.fault ??= cause;
    return undefined;
  }
}

/** Messages that are not records. */
function takeMessage(core: Core, session: Session, envelope: AnyEnvelope): void {
  if (envelope.kind === "hello") return takeHello(core, session, envelope);
  if (session.phase === "opened") throw new JabberError("frame.malformed", `${envelope.kind} before hello`);
  if (envelope.kind === "alive") {
    session.running = envelope.body.running;
    session.rttMs = envelope.body.rttMs;
    // A sign of life for a sign of life: an agent hangs up on a connection that only seems to be there.
    send(core, session, "ack", { streams: [] });
  } else if (envelope.kind === "wantJobs") {
    takeWants(core, session, envelope.body.ids);
  } else if (envelope.kind === "error") {
    const { code, message } = envelope.body;
    count(core, "errors_reported");
    if (++session.complaints > LIMITS.complaintsLoggedMax) return;
    log(core, "warn", "an agent complained", { agent: session.agent.id, code, error: message });
  }
}

/** Adds a record to its stream's run in this frame. Consecutive records of one stream are the common case. */
function gather(session: Session, gathered: Gathered, envelope: AnyEnvelope, line: string): void {
  const { stream = "", offset = 0 } = envelope;
  let run = gathered.last?.stream === stream ? gathered.last : gathered.runs.findLast((one) => one.stream === stream);
  if (run === undefined) checkStream(session, stream);
  const expected = run === undefined ? offset : run.first + run.lines.length;
  // Only a line that was refused in this very frame may leave a hole.
  if (offset < expected || (offset > expected && gathered.fault === undefined)) {
    throw new JabberError(
      "frame.malformed",
      `stream ${JSON.stringify(stream)}: offset ${offset} after ${expected - 1}`,
    );
  }
  if (run === undefined || offset > expected) {
    run = { stream, first: offset, lines: [line] };
    gathered.runs = added(gathered.runs, run);
  } else run.lines.push(line);
  gathered.last = run;
  if (isFact(envelope)) gathered.facts = added(gathered.facts, { stream, offset, envelope });
}

/** Changes what the server itself knows. */
function isFact({ kind }: AnyEnvelope): boolean {
  return kind === "runState" || kind === "setTag" || kind === "jobState";
}

function checkStream({ phase, agent }: Session, stream: string): void {
  if (phase !== "ready") throw new JabberError("frame.malformed", "a record before welcome");
  if (isStreamOf(agent.id, stream)) return;
  throw new JabberError("frame.malformed", `stream ${JSON.stringify(stream)} is not this agent's`);
}

function countFault(core: Core, cause: unknown): void {
  const code = cause instanceof JabberError ? cause.code : "internal";
  count(core, "frames_refused");
  count(core, `fault_${code.replace(".", "_")}`);
}

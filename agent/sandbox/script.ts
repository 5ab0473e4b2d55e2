/**
 * One run of one script.
 *
 *   STARTING  an instance is made, types are taken out of TypeScript, the prelude and the script are read
 *   RUNNING   jobs run in turns of some milliseconds; between two turns other scripts have theirs
 *   WAITING   no job is left, calls of commands are under way; an answer leads back to RUNNING, at once or, when the
 *             last turn was a long one, with the next turn: sixty answers at once are not sixty turns in a row
 *   ENDED     the script returned or threw and every call it made is answered, or it was stopped, or it broke its
 *             instance. The instance is dropped, never tidied: its memory goes with it.
 *
 * With no job left, nothing under way and no end, nothing can ever happen again: the run ends as `script.stuck`.
 */
import type { Clock } from "../../base/clock.ts";
import { type ErrorBody, type ErrorCode, JabberError, toErrorBody } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { FromSandbox, ToSandbox } from "../threads/protocol.ts";
import { type AnswerKind, type Bridge, openBridge } from "./bridge.ts";
import type { Engine } from "./engine.ts";
import { readReport, thrownError } from "./report.ts";
import { type Guest, GuestEnded, GuestThrew, startGuest } from "./guest.ts";
import { PRELUDE, PRELUDE_FILE, type PreludeSetup } from "./prelude.ts";
import { SCRIPT_FILE, wrapSource } from "./source.ts";
import { startWatch, type Watch } from "./watch.ts";

export type ScriptRequest = Extract<ToSandbox, { type: "run" }>;
export type ScriptEnd = Omit<Extract<FromSandbox, { type: "ended" }>, "type" | "run">;

export interface ScriptRun {
  /** Never rejects. */
  readonly ended: Promise<ScriptEnd>;
  cancel(reason: string): void;
}

interface Answer {
  call: number;
  kind: AnswerKind;
  text: string;
}

interface State {
  readonly request: ScriptRequest;
  readonly clock: Clock;
  readonly watch: Watch;
  readonly end: (end: ScriptEnd) => void;
  isOver: boolean;
  reason: string | undefined;
  bridge: Bridge | null;
  guest: Guest | null;
  /** The prelude's object. */
  inside: ReturnType<Guest["evaluate"]> | null;
  /** Answers that came between two turns. */
  readonly answers: Answer[];
  /** Set between two turns. */
  cancelTurn: (() => void) | null;
  cancelDeadline: () => void;
}

/** Starts a script as soon as there is an engine. The time until then counts. */
export function runScript(engine: Engine | Promise<Engine>, request: ScriptRequest, clock: Clock): ScriptRun {
  const { promise, resolve } = Promise.withResolvers<ScriptEnd>();
  const watch = startWatch(clock, {
    timeoutMs: request.timeoutMs,
    busyMs: request.limits.busyMs,
    cancelFlag: request.cancelFlag,
  });
  const state: State = {
    request,
    clock,
    watch,
    end: resolve,
    isOver: false,
    reason: undefined,
    bridge: null,
    guest: null,
    inside: null,
    answers: [],
    cancelTurn: null,
    cancelDeadline: clock.after(request.timeoutMs, () => stop(state, "script.timeout")),
  };
  start(state, engine).catch((cause) => finish(state, failed(state, cause)));
  return {
    ended: promise,
    cancel(reason) {
      state.reason = reason;
      stop(state, "script.cancelled");
    },
  };
}

function stop(state: State, code: ErrorCode): void {
  if (state.isOver) return;
  state.watch.stop(code);
  finish(state, failed(state, new GuestEnded(state.watch.verdict ?? code)));
}

async function start(state: State, engine: Engine | Promise<Engine>): Promise<void> {
  const { request, watch } = state;
  const { limits } = request;
  const source = await wrapSource(request, watch);
  const guest = await startGuest(await engine, watch, limits);
  if (state.isOver) return guest.release();
  state.guest = guest;
  const bridge = openBridge(
    request.port,
    new Set(request.uses.map(({ key }) => key)),
    limits,
    (call, kind, text) => onAnswer(state, { call, kind, text }),
  );
  state.bridge = bridge;
  const setup: PreludeSetup = {
    uses: request.uses,
    args: request.args,
    printCharsMax: LIMITS.sandboxPrintCharsMax,
    errorCharsMax: LIMITS.sandboxErrorCharsMax,
  };
  run(state, () => {
    const prelude = guest.evaluate(PRELUDE, PRELUDE_FILE);
    const { send, taken, abandon } = bridge;
    state.inside = guest.apply(
      prelude,
      guest.hostFunction("send", send),
      guest.hostFunction("taken", taken),
      guest.hostFunction("abandon", abandon),
      guest.text(JSON.stringify(setup)),
    );
    guest.call(state.inside, "start", readScript(guest, source));
  });
}

/** The script as a function. Nothing of it has run when this fails, so an error of the reader is one of syntax. */
function readScript(guest: Guest, source: string): ReturnType<Guest["evaluate"]> {
  try {
    return guest.evaluate(source, SCRIPT_FILE);
  } catch (cause) {
    if (!(cause instanceof GuestThrew) || cause.thrown.name !== "SyntaxError") throw cause;
    throw thrownError(cause.thrown, "script.syntax");
  }
}

function onAnswer(state: State, answer: Answer): void {
  if (state.isOver) return;
  state.answers.push(answer);
  if (state.cancelTurn === null) run(state);
}

/** One turn: `first`, then answers and jobs as long as there are any and it is not too long. Every way out of it is handled here. */
function run(state: State, first?: () => void): void {
  const { guest, watch, clock, answers } = state;
  if (state.isOver || guest === null) return;
  const late = clock.monotonic() + LIMITS.sandboxSliceMs;
  const isLate = (): boolean => clock.monotonic() >= late;
  watch.enter();
  try {
    first?.();
    do {
      deliverNext(state, guest);
      while (guest.runJobs()) {
        if (!isLate()) continue;
        watch.leave();
        return nextTurn(state);
      }
      if (answers.length === 0) settle(state, guest);
      // No job is left: an answer that is here already counts as waited for.
      watch.rest();
      watch.enter();
    } while (answers.length > 0 && !state.isOver && !isLate());
    if (isLate()) nextTurn(state);
  } catch (cause) {
    finish(state, failed(state, cause));
  }
}

function deliverNext({ answers, inside }: State, guest: Guest): void {
  const answer = inside === null ? undefined : answers.shift();
  if (inside === null || answer === undefined) return;
  const { call, kind, text } = answer;
  guest.call(inside, "deliver", guest.number(call), guest.text(kind), guest.text(text));
}

/** Lets the thread read its messages and the other scripts have their turns first. */
function nextTurn(state: State): void {
  if (state.isOver) return;
  state.cancelTurn = state.clock.after(0, () => {
    state.cancelTurn = null;
    run(state);
  });
}

/** No job is left: has the script ended, does it wait, or is it stuck? */
function settle(state: State, guest: Guest): void {
  const { inside, bridge } = state;
  if (inside === null || bridge === null) return;
  const text = guest.call(inside, "report");
  if (text === "") {
    if (bridge.awaited() > 0) return;
    // With no room left the interpreter loses jobs: what waits for one of them waits for ever.
    const full = guest.full();
    throw full === undefined ? new JabberError("script.stuck") : new GuestEnded(full);
  }
  const report = readReport(text);
  if (report.state === "threw") {
    // With no room left for an error object, the interpreter throws null or worse.
    const full = guest.full();
    throw report.name === "" && full !== undefined ? new GuestEnded(full) : new GuestThrew(report);
  }
  if (bridge.awaited() > 0) return;
  finish(state, returned(report));
}

function returned(report: Exclude<ReturnType<typeof readReport>, { state: "threw" }>): ScriptEnd {
  if (report.state === "unfit") throw new JabberError("script.result", report.message);
  if (report.value === undefined) return { ok: true };
  return { ok: true, result: report.value satisfies Json };
}

function failed(state: State, cause: unknown): ScriptEnd {
  return { ok: false, error: toScriptError(state, cause) };
}

function toScriptError(state: State, cause: unknown): ErrorBody {
  if (cause instanceof GuestThrew) return thrownError(cause.thrown, "script.threw", state.guest?.full()).toBody();
  if (cause instanceof JabberError) return cause.toBody();
  if (!(cause instanceof GuestEnded)) return toErrorBody(new JabberError("script.crashed", String(cause)));
  const detail: Partial<Record<ErrorCode, string>> = {
    "script.timeout": `${state.request.timeoutMs} ms are allowed`,
    "script.busy": `${state.request.limits.busyMs} ms are allowed`,
    "script.memory": `${state.request.limits.memoryBytes} bytes are allowed`,
  };
  const text = cause.code === "script.cancelled" ? state.reason : detail[cause.code];
  return new JabberError(cause.code, text ?? (cause.message || undefined)).toBody();
}

function finish(state: State, end: ScriptEnd): void {
  if (state.isOver) return;
  state.isOver = true;
  state.cancelTurn?.();
  state.cancelDeadline();
  if (state.bridge === null) state.request.port.close();
  else state.bridge.close();
  state.guest?.release();
  state.guest = null;
  state.inside = null;
  state.end(end);
}

/** Serves the host calls of one script on its own port. */
import { type ErrorBody, JabberError, toErrorBody } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Emission } from "../../commands/command.ts";
import type { HostAnswer, HostCall, HostTaken } from "../threads/protocol.ts";
import { readPortMessage } from "./calls.ts";
import { type CommandPorts, runCommand } from "./command.ts";
import { auditRefusal, type Run } from "./run.ts";

export interface ScriptPort {
  /** Answers nothing more. */
  close(): void;
}

interface Call {
  /** Items that may still be sent; without a window there is no end to them. */
  room: number;
  wake: (() => void) | null;
}

/** What the calls of one port share. */
interface Desk {
  run: Run;
  calls: Map<number, Call>;
  answer(message: HostAnswer): void;
}

/** Listens on `port` until it is closed. Nothing that comes over it can throw here. */
export function serveScript(ports: CommandPorts, run: Run, port: MessagePort): ScriptPort {
  let malformed = 0;
  let closed = false;
  const calls = new Map<number, Call>();
  const answer = (message: HostAnswer): void => {
    if (!closed) port.postMessage(message);
  };
  const desk: Desk = { run, calls, answer };
  run.signal.addEventListener("abort", () => calls.forEach((call) => call.wake?.()));

  const onMalformed = (call: number | null, why: string): void => {
    malformed++;
    if (malformed === 1) run.audit("malformed", { why });
    if (malformed > LIMITS.hostCallsMalformedMax) {
      run.abort(new JabberError("executor.malformed", `more than ${LIMITS.hostCallsMalformedMax} malformed messages`));
      close();
      return;
    }
    answer({ call: call ?? -1, type: "failed", error: new JabberError("executor.malformed", why).toBody() });
  };

  const onCall = (call: HostCall): void => {
    if (calls.has(call.call)) return onMalformed(null, `call ${call.call} is already under way`);
    if (calls.size >= LIMITS.hostCallsInFlightMax) {
      return fail(desk, call, new JabberError("executor.too_many_calls", `${LIMITS.hostCallsInFlightMax} at once`));
    }
    serve(ports, desk, call);
  };

  const close = (): void => {
    if (closed) return;
    closed = true;
    port.onmessage = null;
    port.close();
    if (malformed > 1) run.audit("malformed", { count: malformed });
  };

  port.onmessage = (event: MessageEvent<unknown>) => {
    if (closed) return;
    const message = readPortMessage(event.data);
    if (message.type === "call") onCall(message.call);
    else if (message.type === "taken") onTaken(calls, message.taken);
    else if (message.type === "malformed") onMalformed(message.call, message.why);
    else fail(desk, message, new JabberError("input.too_large", `a call holds ${LIMITS.hostCallBytesMax} characters`));
  };
  port.onmessageerror = () => onMalformed(null, "it cannot be read");
  return { close };
}

async function serve(ports: CommandPorts, desk: Desk, hostCall: HostCall): Promise<void> {
  const { call, command, args, stream, window } = hostCall;
  const { run, calls, answer } = desk;
  const state: Call = { room: window ?? Infinity, wake: null };
  calls.set(call, state);
  // A script that takes a command's output itself decides what of it is said; else it is said as it comes.
  const deliver = async (emission: Emission): Promise<void> => {
    if (!stream || emission.kind !== "output") return await run.emit(emission);
    if (await hasRoom(state, run.signal)) answer({ call, type: "item", body: emission.body });
  };
  try {
    const outcome = await runCommand(ports, run, command, args, deliver);
    calls.delete(call);
    if (run.signal.aborted) fail(desk, hostCall, run.signal.reason);
    else answer({ call, type: "done", outcome });
  } catch (cause) {
    calls.delete(call);
    fail(desk, hostCall, cause);
  }
}

function fail({ run, answer }: Desk, { call, command }: { call: number; command: string }, cause: unknown): void {
  const error: ErrorBody = toErrorBody(cause);
  auditRefusal(run, command, error);
  answer({ call, type: "failed", error });
}

function onTaken(calls: ReadonlyMap<number, Call>, { call, taken }: HostTaken): void {
  const state = calls.get(call);
  if (state === undefined) return;
  state.room += taken;
  state.wake?.();
}

/** Waits for room for one more item; false when the run was ended meanwhile. */
async function hasRoom(call: Call, signal: AbortSignal): Promise<boolean> {
  while (call.room <= 0 && !signal.aborted) {
    await new Promise<void>((wake) => call.wake = wake);
    call.wake = null;
  }
  call.room--;
  return !signal.aborted;
}

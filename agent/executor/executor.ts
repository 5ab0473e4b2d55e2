/**
 * The executor: every command of every run passes here, whoever asks for it.
 *
 * A bare command (`start`) and a script's host calls (`open`) go the same way: grant, limits, command, credit. What a
 * run may use was said by main; a message on a script's port can only ask. All effects are ports, so that the same
 * dispatcher runs in the Worker, in tests and in the simulator.
 */
import { type ErrorBody, JabberError, toErrorBody } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Outcome } from "../../commands/command.ts";
import type { ExecutorInit, FromExecutor, ToExecutor } from "../threads/protocol.ts";
import { measureJson } from "./calls.ts";
import { type CommandPorts, runCommand } from "./command.ts";
import { auditRefusal, createRun, type Run } from "./run.ts";
import { type ScriptPort, serveScript } from "./script_port.ts";

export interface ExecutorPorts extends CommandPorts {
  send(message: FromExecutor): void;
}

/** What main says, without what is the driver's own. */
export type ToDispatch = Exclude<ToExecutor, ExecutorInit | { type: "kvAnswer" }>;

export interface Executor {
  /** One message from main. Never throws. */
  handle(message: ToDispatch): void;
  /** Runs under way. */
  runs(): number;
}

interface Entry {
  run: Run;
  port: ScriptPort | null;
}

/** An executor over its ports. */
export function createExecutor(ports: ExecutorPorts): Executor {
  const entries = new Map<string, Entry>();

  const add = (run: Run, port: ScriptPort | null): boolean => {
    const id = run.grant.run;
    if (entries.has(id)) {
      run.audit("defect", { message: `a run ${id} is already under way` });
      return false;
    }
    entries.set(id, { run, port });
    return true;
  };

  const start = async (message: Extract<ToExecutor, { type: "start" }>): Promise<void> => {
    const run = createRun(message.grant, ports.send);
    if (!add(run, null)) return;
    const end = await runToEnd(ports, run, message);
    entries.delete(message.grant.run);
    run.finish();
    ports.send({ type: "ended", run: message.grant.run, ...end });
  };

  const open = (message: Extract<ToExecutor, { type: "open" }>): void => {
    const run = createRun(message.grant, ports.send);
    if (entries.has(message.grant.run)) {
      message.port.close();
      add(run, null);
      return;
    }
    add(run, serveScript(ports, run, message.port));
  };

  const close = (id: string): void => {
    const entry = entries.get(id);
    // A bare command ends by itself; only a script's port is closed from outside.
    if (entry === undefined || entry.port === null) return;
    entries.delete(id);
    entry.run.abort(new JabberError("run.cancelled", "its script is over"));
    entry.port.close();
    entry.run.finish();
  };

  return {
    handle(message) {
      switch (message.type) {
        case "start":
          start(message);
          break;
        case "open":
          open(message);
          break;
        case "close":
          close(message.run);
          break;
        case "cancel":
          entries.get(message.run)?.run.abort(new JabberError("run.cancelled", message.reason));
          break;
        case "credit":
          entries.get(message.run)?.run.addCredit(message.bytes);
          break;
        case "ping":
          ports.send({ type: "pong", id: message.id });
          break;
      }
    },
    runs: () => entries.size,
  };
}

/** A bare command from grant to outcome; whatever goes wrong becomes a coded error. */
async function runToEnd(
  ports: ExecutorPorts,
  run: Run,
  message: Extract<ToExecutor, { type: "start" }>,
): Promise<{ outcome: Outcome; error?: ErrorBody }> {
  const stopTimer = ports.clock.after(message.timeoutMs, () => {
    run.abort(new JabberError("run.timeout", `${message.timeoutMs / 1000} s`));
  });
  try {
    if (typeof measureJson(message.args, LIMITS.hostCallBytesMax, LIMITS.hostCallDepthMax) !== "number") {
      throw new JabberError("input.too_large", `the arguments of ${message.command}`);
    }
    const outcome = await runCommand(ports, run, message.command, message.args, run.emit);
    checkResult(message.command, outcome);
    if (!run.signal.aborted) return { outcome };
    return { outcome: { ...outcome, ok: false }, error: abortError(run) };
  } catch (cause) {
    const error = run.signal.aborted && cause === run.signal.reason ? abortError(run) : toErrorBody(cause);
    auditRefusal(run, message.command, error);
    return { outcome: { ok: false }, error };
  } finally {
    stopTimer();
  }
}

/** The outcome of a bare command becomes one record, so it has a record's bound. */
function checkResult(command: string, outcome: Outcome): void {
  const size = outcome.result === undefined ? 0 : JSON.stringify(outcome.result).length;
  if (size <= LIMITS.emissionBytesMax) return;
  const detail = `the answer of ${command} has ${size} characters of JSON, ${LIMITS.emissionBytesMax} fit a record; ` +
    "ask for less at once, or use a script";
  throw new JabberError("input.too_large", detail);
}

function abortError(run: Run): ErrorBody {
  const body = toErrorBody(run.signal.reason);
  return run.dropped() === 0 ? body : { ...body, data: { ...body.data, droppedChars: run.dropped() } };
}

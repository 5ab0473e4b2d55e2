/** Runs one command of a run: checks the grant, pulls the command as fast as its output is taken, and always comes to an end. */
import type { Clock } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Command, Emission, Outcome } from "../../commands/command.ts";
import type { Host } from "../../commands/host.ts";
import type { CommandTable } from "../../commands/mod.ts";
import type { Grant } from "../threads/protocol.ts";
import { quoted } from "../policy/quote.ts";
import type { Run } from "./run.ts";

export interface CommandPorts {
  clock: Clock;
  /** The commands; loaded with the first call. */
  commands(): Promise<CommandTable>;
  /** The machine, as one run sees it. */
  host(run: Run): Host;
}

/** The command, if this run may use it. @throws `run.unknown_command`, `executor.not_granted` */
export function grantedCommand(table: CommandTable, grant: Grant, key: string): Command {
  const command = table.get(key);
  // Grant first: a script learns nothing about commands it was not given.
  if (!grant.uses.includes(key)) throw new JabberError("executor.not_granted", `${quoted(key)} is not in \`uses\``);
  if (command === undefined) throw new JabberError("run.unknown_command", quoted(key));
  if (command.access > grant.access) {
    const detail = `${key} needs access ${command.access}, the run has ${grant.access}`;
    throw new JabberError("executor.not_granted", detail);
  }
  return command;
}

/**
 * Runs the command to its end; each emission is delivered before the next one is pulled.
 * @throws JabberError; the abort's own reason when the run was ended and the command said nothing better
 */
export async function runCommand(
  ports: CommandPorts,
  run: Run,
  key: string,
  args: JsonObject,
  deliver: (emission: Emission) => Promise<void>,
): Promise<Outcome> {
  run.signal.throwIfAborted();
  const command = grantedCommand(await ports.commands(), run.grant, key);
  run.signal.throwIfAborted();
  const steps = command.run(ports.host(run), args, { signal: run.signal, run: run.grant.run });
  const pull = async (): Promise<Outcome> => {
    try {
      for (;;) {
        const step = await steps.next();
        if (step.done === true) return step.value;
        await deliver(step.value);
      }
    } finally {
      await steps.return({ ok: false });
    }
  };
  return await endsAfterAbort(pull(), run.signal, ports.clock);
}

/** `work`, or the abort's reason when the work goes on for too long after it. */
function endsAfterAbort<T>(work: Promise<T>, signal: AbortSignal, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    let stopTimer = (): void => {};
    const onAbort = (): void => {
      stopTimer = clock.after(LIMITS.abortGraceMs, () => reject(signal.reason));
    };
    const done = (): void => {
      stopTimer();
      signal.removeEventListener("abort", onAbort);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    work.then(resolve, reject).finally(done);
  });
}

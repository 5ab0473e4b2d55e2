/** Ends a program and everything it started. */
import { type Clock, pause } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import { realPath } from "./disk.ts";
import { KILL_PROGRAMS } from "./permissions.ts";

/** What ends a process group. A child that made a session of its own has left the group and is not reached. */
export interface GroupKiller {
  /** Sends a signal to the whole group; without a `kill` program only to the leader. */
  signal(child: Deno.ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Whether anything of the group is left. */
  isAlive(child: Deno.ChildProcess): Promise<boolean>;
}

/** Finds the host's `kill`. */
export function createGroupKiller(): GroupKiller {
  const program = KILL_PROGRAMS.find((path) => realPath(path) !== null);
  const kill = async (flag: string, child: Deno.ChildProcess): Promise<boolean> => {
    if (program === undefined) return false;
    const command = new Deno.Command(program, {
      args: [flag, "--", `-${child.pid}`],
      cwd: "/",
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    try {
      return (await command.output()).success;
    } catch {
      return false;
    }
  };
  return {
    async signal(child, signal) {
      await kill(`-${signal.slice(3)}`, child);
      try {
        child.kill(signal);
      } catch {
        // It is over, which is what was wanted.
      }
    },
    isAlive: (child) => kill("-0", child),
  };
}

/** TERM, then KILL as soon as the grace is over, unless nothing is left before. Resolves when it was all sent. */
export async function endGroup(child: Deno.ChildProcess, killer: GroupKiller, clock: Clock): Promise<void> {
  await killer.signal(child, "SIGTERM");
  for (let waited = 0, step = 20; waited < LIMITS.killGraceMs; waited += step, step *= 2) {
    if (!await killer.isAlive(child)) return;
    await pause(clock, Math.min(step, LIMITS.killGraceMs - waited));
  }
  await killer.signal(child, "SIGKILL");
}

/**
 * A simulated executor of one agent: what is started talks for a while, as far as its credit goes, and ends well or
 * badly; told to end it does so, soon, late or not at all. It dies with its agent.
 */
import { LIMITS } from "../../../base/limits.ts";
import type { ErrorBody } from "../../../base/errors.ts";
import type { Emission, Outcome } from "../../../commands/command.ts";
import type { Dice, Timeline } from "../world/clock.ts";

export interface ExecutorHooks {
  emission(run: string, emission: Emission, bytes: number): void;
  ended(run: string, outcome: Outcome, error?: ErrorBody): void;
  audit(run: string, action: string): void;
}

export interface Executor {
  start(run: string): void;
  cancel(run: string): void;
  credit(run: string, bytes: number): void;
  /** Runs under way. */
  live(): number;
  /** The process died. */
  die(): void;
}

interface Task {
  run: string;
  left: number;
  credit: number;
  /** Said when there is credit for it. */
  next: { emission: Emission; bytes: number } | undefined;
  deaf: boolean;
  cancelled: boolean;
}

export function createExecutor(timeline: Timeline, dice: Dice, hooks: ExecutorHooks): Executor {
  const tasks = new Map<string, Task>();

  /** Later, if the task is still there. */
  const later = (task: Task, ms: number, work: () => void): void => {
    timeline.after(ms, () => {
      if (tasks.get(task.run) === task) work();
    });
  };
  const end = (task: Task): void => {
    tasks.delete(task.run);
    if (task.cancelled) return hooks.ended(task.run, { ok: false, signal: "SIGTERM" });
    const luck = dice.between(0, 5);
    if (luck === 0) hooks.ended(task.run, { ok: false, exitCode: 2 });
    else if (luck === 1) {
      hooks.ended(task.run, { ok: false }, { code: "script.threw", message: "Error: simulated" });
    } else hooks.ended(task.run, { ok: true, exitCode: 0, result: { said: luck } });
  };
  const speak = (task: Task): void => {
    if (task.next === undefined) {
      if (task.left === 0 || (task.cancelled && !task.deaf)) return end(task);
      task.left--;
      const emission = draw(dice, task);
      task.next = { emission, bytes: JSON.stringify(emission).length };
    }
    const { emission, bytes } = task.next;
    // Waits on its pipe.
    if (bytes > task.credit) return;
    task.credit -= bytes;
    task.next = undefined;
    if (dice.chance(0.05)) hooks.audit(task.run, "program");
    hooks.emission(task.run, emission, bytes);
    later(task, pause(dice), () => speak(task));
  };

  return {
    start(run) {
      const task: Task = {
        run,
        left: dice.chance(0.1) ? dice.between(20, 60) : dice.between(0, 6),
        credit: LIMITS.runCreditBytes,
        next: undefined,
        deaf: dice.chance(0.1),
        cancelled: false,
      };
      tasks.set(run, task);
      later(task, pause(dice), () => speak(task));
    },
    cancel(run) {
      const task = tasks.get(run);
      if (task === undefined || task.cancelled) return;
      task.cancelled = true;
      if (!task.deaf) later(task, dice.between(1, 500), () => end(task));
    },
    credit(run, bytes) {
      const task = tasks.get(run);
      if (task === undefined) return;
      task.credit += bytes;
      if (task.next !== undefined) later(task, 1, () => task.next !== undefined && speak(task));
    },
    live: () => tasks.size,
    die: () => tasks.clear(),
  };
}

function pause(dice: Dice): number {
  return dice.chance(0.1) ? dice.between(1000, 15_000) : dice.between(1, 300);
}

function draw(dice: Dice, { run, left }: Task): Emission {
  const luck = dice.between(0, 9);
  if (luck === 0) return { kind: "log", body: { level: "info", text: `still ${left} to go` } };
  if (luck === 1) return { kind: "setTag", body: { key: "note", value: dice.chance(0.2) ? null : run } };
  // The host's own tags are not a script's to set.
  if (luck === 2) return { kind: "setTag", body: { key: "env", value: "prod" } };
  const length = dice.chance(0.05) ? 20_000 : dice.between(0, 60);
  return { kind: "output", body: { left, text: "x".repeat(length) } };
}

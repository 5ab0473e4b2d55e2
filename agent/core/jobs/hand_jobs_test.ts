/** Jobs for tests, and a hand that plays server and clock for them. */
import { rfc3339 } from "../../../base/clock.ts";
import type { JsonObject } from "../../../base/json.ts";
import type { AnyEnvelope } from "../../../wire/envelope.ts";
import { composeJob, sign } from "../../../wire/sign/mod.ts";
import type { LocalJob } from "../../config_jobs.ts";
import type { AgentCoreDeps } from "../contract.ts";
import { CLUSTER, depsOf, Hand, newWorld, signer, T0, type World } from "../hand_driver_test.ts";
import { NO_TIMES } from "./state.ts";

/** A minute's interval, by default. */
export function jobText(fields: JsonObject = {}, keys = [signer]): string {
  const { cancelled } = fields;
  const active = {
    does: "command:fs.read",
    args: { path: "/etc/hostname" },
    selector: "os=linux",
    trigger: { kind: "interval", seconds: 60 },
    until: "2027-06-01",
  };
  let bytes = composeJob({
    id: "nightly",
    cluster: CLUSTER,
    serial: 1,
    ...(cancelled === undefined && active),
    ...fields,
  });
  for (const key of keys) bytes = sign(bytes, "job", key, { at: T0 });
  return new TextDecoder().decode(bytes);
}

export function localJob(change: Partial<LocalJob> = {}): LocalJob {
  return {
    id: "own",
    trigger: { kind: "interval", seconds: 60 },
    does: { kind: "command", key: "fs.read" },
    args: {},
    options: NO_TIMES.options,
    ...change,
  };
}

export const MINUTE = 60_000;

export class JobHand extends Hand {
  /** A fresh agent, READY. */
  static async ready(change: Partial<AgentCoreDeps> = {}, world: World = newWorld()): Promise<JobHand> {
    const hand = new JobHand(world, depsOf(change));
    await hand.ready();
    return hand;
  }

  /** The next process of the same agent, READY. */
  async restart(change: Partial<AgentCoreDeps> = {}): Promise<JobHand> {
    const next = new JobHand(this.world, depsOf(change));
    await next.ready();
    return next;
  }

  async offer(fields: JsonObject = {}, keys = [signer]): Promise<void> {
    await this.say("command", { job: jobText(fields, keys) }, { job: String(fields["id"] ?? "nightly") });
  }

  /** The clock is set, and the agent looks. */
  async look(now: number): Promise<void> {
    this.world.now = now;
    this.timers.delete("jobs");
    await this.step({ type: "timer", name: "jobs" });
    await this.calm();
  }

  /** Until nothing more is to be done at once. */
  async calm(): Promise<void> {
    while ((this.timers.get("jobs") ?? Infinity) <= this.world.now) await this.fire("jobs");
  }

  /** Ends the run that was started last, or the given one. */
  async end(ok = true, index = -1): Promise<void> {
    const { run } = this.of("startCommand").at(index)!.grant;
    await this.step({ type: "ended", run, outcome: { ok, exitCode: ok ? 0 : 1 } });
    await this.calm();
  }

  get starts(): number {
    return this.of("startCommand").length;
  }

  /** What was told of jobs: `state code?`. */
  get told(): string[] {
    return this.jobStates.map(({ body, error }) => [body.state, error?.code].filter(Boolean).join(" "));
  }

  get jobStates(): Extract<AnyEnvelope, { kind: "jobState" }>[] {
    return this.sent.filter((envelope) => envelope.kind === "jobState");
  }

  /** Runs as they were told: `state due-in-seconds attempt code?`. */
  get runsTold(): string[] {
    return this.runStates().map(({ body, error }) => {
      const { due, attempt } = body.trigger ?? {};
      const when = due === undefined ? "-" : `${(Date.parse(due) - T0) / 1000}`;
      return [body.state, when, attempt, error?.code].filter((part) => part !== undefined).join(" ");
    });
  }

  rows(table: string) {
    return this.world.store.rows(table, { limit: 100 });
  }
}

export const plain = (ms: number): string => rfc3339(ms).replace(/\.\d+/, "");

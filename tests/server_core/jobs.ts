/** Signed jobs for tests, and what an agent says of them. */
import { rfc3339 } from "../../base/clock.ts";
import type { JsonObject } from "../../base/json.ts";
import type { PrivateKey } from "../../wire/keys.ts";
import { composeJob, sign } from "../../wire/sign/mod.ts";
import { AUTHOR } from "./documents.ts";
import { type HandDriver, NOON } from "./hand_driver.ts";

export const UNTIL = NOON + 30 * 24 * 3600_000;

/** A signed job for everybody, every minute, good for a month. */
export function job(id: string, serial: number, fields: JsonObject = {}, key: PrivateKey = AUTHOR): Uint8Array {
  const header = {
    id,
    cluster: "home",
    serial,
    does: "command:sys.facts",
    selector: "",
    trigger: { kind: "interval", seconds: 60 },
    until: rfc3339(UNTIL),
    ...fields,
  };
  return sign(composeJob(header), "job", key, { at: NOON });
}

export function cancellation(id: string, serial: number, key: PrivateKey = AUTHOR): Uint8Array {
  return sign(composeJob({ id, cluster: "home", serial, cancelled: true }), "job", key, { at: NOON });
}

/** An agent that says things of jobs in its own stream. */
export class JobTeller {
  #offset = 0;
  readonly #driver: HandDriver;
  readonly agent: string;
  session: number;

  constructor(driver: HandDriver, agent: string, session: number) {
    this.#driver = driver;
    this.agent = agent;
    this.session = session;
  }

  /** What became of a job here. */
  state(id: string, state: string, serial: number, more: JsonObject = {}, body: JsonObject = {}): void {
    this.#record("jobState", { state, serial, source: "signed", ...body }, { job: id, ...more });
  }

  /** A due time that came to nothing. */
  refused(id: string, code: string): void {
    const trigger = { kind: "interval", due: rfc3339(NOON), attempt: 1 };
    this.#record("runState", { state: "refused", trigger }, { job: id, error: { code, message: "so it is" } });
  }

  /** A run from its start to its end; answers its id. */
  run(id: string, ok: boolean, more: { started?: boolean } = {}): string {
    const run = this.#driver.ids.next(this.#driver.now);
    const stream = `${this.agent}/${run}`;
    const trigger = { kind: "interval", due: rfc3339(NOON), attempt: 1 };
    const lines = [this.#driver.runState(this.agent, stream, 0, id, { state: "started", trigger })];
    if (more.started !== true) {
      const start = rfc3339(this.#driver.now);
      const body = { state: "finished", ok, exitCode: ok ? 0 : 1, trigger };
      lines.push(this.#driver.runState(this.agent, stream, 1, id, body, { start, finish: rfc3339(NOON + 1000) }));
    }
    this.#driver.frame(this.session, ...lines);
    return run;
  }

  setTag(key: string, value: string): void {
    this.#record("setTag", { key, value }, {});
  }

  #record(kind: string, body: JsonObject, more: JsonObject): void {
    const place = { stream: `${this.agent}/log`, offset: this.#offset++ };
    this.#driver.frame(this.session, this.#driver.message(this.agent, kind, body, { ...place, ...more }));
  }
}

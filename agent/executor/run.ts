/** One run inside the executor: what it may do, how much it may still say, what it has under way. */
import { type ErrorBody, JabberError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Emission } from "../../commands/command.ts";
import type { FromExecutor, Grant } from "../threads/protocol.ts";
import { jsonSize } from "./calls.ts";

export interface Run {
  readonly grant: Grant;
  /** Aborted by cancel, close and the deadline; its reason is a JabberError. */
  readonly signal: AbortSignal;
  abort(reason: JabberError): void;
  /** Sends one emission as soon as there is credit for it. After the abort what has no credit is dropped and counted. */
  emit(emission: Emission): Promise<void>;
  addCredit(bytes: number): void;
  /** Tells the auditor. Refusals past the limit are only counted. */
  audit(action: string, detail: JsonObject): void;
  /** Nothing more is sent for this run, but the number of refusals that were not told. */
  finish(): void;
  /** Characters of output that were dropped after the abort. */
  dropped(): number;
}

interface Waiter {
  bytes: number;
  go(hasCredit: boolean): void;
}

/** A run with its first credit. */
export function createRun(grant: Grant, send: (message: FromExecutor) => void): Run {
  const controller = new AbortController();
  const waiters: Waiter[] = [];
  let credit: number = LIMITS.runCreditBytes;
  let dropped = 0;
  let refusals = 0;
  let finished = false;

  const letGo = (): void => {
    while (waiters.length > 0 && waiters[0]!.bytes <= credit) {
      const waiter = waiters.shift()!;
      credit -= waiter.bytes;
      waiter.go(true);
    }
  };
  const take = (bytes: number): Promise<boolean> => {
    if (waiters.length === 0 && credit >= bytes) {
      credit -= bytes;
      return Promise.resolve(true);
    }
    if (controller.signal.aborted) return Promise.resolve(false);
    return new Promise((go) => waiters.push({ bytes, go }));
  };

  return {
    grant,
    signal: controller.signal,
    abort(reason) {
      if (controller.signal.aborted) return;
      controller.abort(reason);
      for (const waiter of waiters.splice(0)) waiter.go(false);
    },
    async emit(emission) {
      const bytes = jsonSize(emission.body);
      if (bytes > LIMITS.emissionBytesMax) {
        const detail = `one ${emission.kind} has ${bytes} characters of JSON, ${LIMITS.emissionBytesMax} are allowed`;
        throw new JabberError("input.too_large", detail);
      }
      if (await take(bytes) && !finished) send({ type: "emission", run: grant.run, emission, bytes });
      else dropped += bytes;
    },
    addCredit(bytes) {
      credit += bytes;
      letGo();
    },
    audit(action, detail) {
      if (action === "refused" && ++refusals > LIMITS.refusalsAuditedMax) return;
      send({ type: "audit", run: grant.run, action, detail });
    },
    finish() {
      if (finished) return;
      finished = true;
      const untold = refusals - LIMITS.refusalsAuditedMax;
      if (untold > 0) send({ type: "audit", run: grant.run, action: "refused.more", detail: { count: untold } });
    },
    dropped: () => dropped,
  };
}

/** What the host's owner refused, or the grant, is an auditor's matter; wrong arguments are not. */
export function auditRefusal(run: Run, command: string, error: ErrorBody): void {
  if (!/^(?:policy|executor)\./.test(error.code)) return;
  run.audit("refused", { command: command.slice(0, 100), code: error.code, message: error.message.slice(0, 1000) });
}

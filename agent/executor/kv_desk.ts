/** The key-value store as this thread has it: asked of main, which holds the database. */
import { fromErrorBody } from "../../base/errors.ts";
import type { Kv } from "../../commands/host.ts";
import type { FromExecutor, KvAnswer, KvAsk, ToExecutor } from "../threads/protocol.ts";

export interface KvDesk {
  kv: Kv;
  answered(message: ToExecutor & { type: "kvAnswer" }): void;
}

export function createKvDesk(send: (message: FromExecutor) => void): KvDesk {
  const waiting = new Map<number, (answer: KvAnswer) => void>();
  let asked = 0;
  /** What is asked is done, also when the signal ends the wait for it. */
  const ask = (what: KvAsk, signal: AbortSignal): Promise<KvAnswer> =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const id = ++asked;
      const onAbort = (): void => {
        waiting.delete(id);
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort);
      waiting.set(id, (answer) => {
        waiting.delete(id);
        signal.removeEventListener("abort", onAbort);
        if ("error" in answer) reject(fromErrorBody(answer.error));
        else resolve(answer);
      });
      send({ type: "kv", id, ask: what });
    });
  const unasked = (): never => {
    throw new Error("main answered what was not asked");
  };
  return {
    kv: {
      async get(key, signal) {
        const answer = await ask({ op: "get", key }, signal);
        return "entry" in answer ? answer.entry : unasked();
      },
      async set(key, value, ifVersion, signal) {
        const answer = await ask({ op: "set", key, value, ...(ifVersion !== undefined && { ifVersion }) }, signal);
        return "version" in answer ? answer.version : unasked();
      },
      async delete(key, ifVersion, signal) {
        const answer = await ask({ op: "delete", key, ...(ifVersion !== undefined && { ifVersion }) }, signal);
        return "deleted" in answer ? answer.deleted : unasked();
      },
      async list(prefix, after, limit, signal) {
        const answer = await ask({ op: "list", prefix, after, limit }, signal);
        return "keys" in answer ? answer.keys : unasked();
      },
    },
    answered: ({ id, answer }) => waiting.get(id)?.(answer),
  };
}

/** Starts the executor's Worker. Its permissions are final as soon as it is made; it may say that it is ready later. */
import type { Clock } from "../base/clock.ts";
import { JabberError } from "../base/errors.ts";
import { VERSION } from "../base/version.ts";
import type { Settings } from "./config_system.ts";
import { executorPermissions } from "./executor/permissions.ts";
import type { Thread } from "./link/runner.ts";
import { workerThread } from "./link/worker_thread.ts";
import type { FromExecutor, ToExecutor } from "./threads/protocol.ts";

/** The executor has looked at the disk by then, or something is wrong with the host. */
const EXECUTOR_START_MS = 30_000;

export interface StartedExecutor {
  /** Messages posted before it is ready are read in their turn. */
  thread: Thread<ToExecutor, FromExecutor>;
  /** Errors: `policy.invalid` with the executor's own words. */
  ready: Promise<void>;
}

export function startExecutor(
  { policy, policyFile, builtinTags }: Pick<Settings, "policy" | "policyFile" | "builtinTags">,
  clock: Clock,
  start: (options: WorkerOptions) => Worker,
): StartedExecutor {
  const permissions = executorPermissions(policy, policyFile);
  const worker = workerThread<ToExecutor, FromExecutor>(
    start({ type: "module", name: "executor", deno: { permissions } }),
  );
  const ownTags = Object.keys({ ...builtinTags, ...policy.tags });
  worker.post({ type: "init", policy, policyFile, version: VERSION, ownTags });
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  let died = (why: string): void => reject(new JabberError("policy.invalid", `the executor did not start: ${why}`));
  const stopWaiting = clock.after(EXECUTOR_START_MS, () => died("it said nothing"));
  let take = (_: FromExecutor): void => {};
  let fail = (_: string): void => {};
  worker.onMessage((message) => {
    if (message.type === "ready") {
      stopWaiting();
      died = (why) => fail(why);
      resolve();
    }
    take(message);
  });
  worker.onError((why) => {
    stopWaiting();
    died(why);
  });
  const thread: Thread<ToExecutor, FromExecutor> = {
    ...worker,
    onMessage: (listener) => void (take = listener),
    onError: (listener) => void (fail = listener),
  };
  return { thread, ready };
}

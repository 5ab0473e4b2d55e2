/**
 * `jabber-agent supervise`: starts the agent and starts it again (see supervise.ts). This process reads nothing and
 * reaches nobody: its main thread gives up every permission and hears signals; a Worker may start this very executable
 * and nothing else.
 */
import { JabberError } from "../base/errors.ts";
import { keepOnlyNet } from "../base/permissions_system.ts";
import { workerThread } from "./link/worker_thread.ts";

/** To the Worker. */
export type ToSupervisor = { say: "start"; executable: string; args: string[] } | { say: "signal"; name: Deno.Signal };
/** From the Worker. */
export type FromSupervisor = { say: "log"; text: string; fields: Record<string, string | number> } | {
  say: "over";
  code: number;
};

/** The thread that starts the agent: it may run this one file, and has no other permission. */
export function startSupervisor(executable: string): Worker {
  return new Worker(new URL("./supervise_worker.ts", import.meta.url), {
    type: "module",
    name: "supervise",
    deno: { permissions: { run: [executable] } },
  });
}

/** Runs until it is told to stop. */
export function supervise(
  args: readonly string[],
  log: (message: string, fields: Record<string, string | number>) => void,
  exit: (code: number) => void,
): void {
  if (!Deno.build.standalone) throw new JabberError("program.unsupported", "this runs from source, compile it first");
  const executable = Deno.execPath();
  const worker = workerThread<ToSupervisor, FromSupervisor>(
    startSupervisor(executable),
  );
  worker.onMessage((message) => {
    if (message.say === "over") exit(message.code);
    else log(message.text, message.fields);
  });
  worker.onError((fault) => {
    log("the supervisor has failed", { fault });
    exit(1);
  });
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const name of signals) Deno.addSignalListener(name, () => worker.post({ say: "signal", name }));
  worker.post({ say: "start", executable, args: [...args] });
  keepOnlyNet();
  Deno.permissions.revokeSync({ name: "net" });
}

/** The supervisor's other thread: its one permission is to start the agent's executable. */
/// <reference lib="deno.worker" />
import { afterEnd } from "./supervise.ts";
import type { FromSupervisor, ToSupervisor } from "./supervise_system.ts";

/** Signals after which the agent is not started again. */
const STOPS: ReadonlySet<Deno.Signal> = new Set(["SIGINT", "SIGTERM"]);

function main(): void {
  let child: Deno.ChildProcess | undefined;
  let command: Deno.Command | undefined;
  let stopping = false;
  let pause: ReturnType<typeof setTimeout> | undefined;
  const say = (message: FromSupervisor): void => self.postMessage(message);

  const start = async (soon: number): Promise<void> => {
    const begun = performance.now();
    child = command!.spawn();
    say({ say: "log", text: "started the agent", fields: { pid: child.pid } });
    const { code, signal } = await child.status;
    child = undefined;
    const next = afterEnd({ code, ranMs: performance.now() - begun }, soon, stopping);
    const fields = { code, ...(signal !== null && { signal }) };
    if (next.do === "end") {
      say({ say: "log", text: "the agent has ended", fields });
      return say({ say: "over", code: next.code });
    }
    say({ say: "log", text: "the agent has ended and is started again", fields: { ...fields, afterMs: next.afterMs } });
    pause = setTimeout(() => void start(next.soon), next.afterMs);
  };
  const hear = (name: Deno.Signal): void => {
    stopping ||= STOPS.has(name);
    // A Windows console tells everybody in it by itself.
    if (child !== undefined) return Deno.build.os === "windows" ? undefined : child.kill(name);
    if (!stopping) return;
    clearTimeout(pause);
    say({ say: "over", code: 0 });
  };
  self.onmessage = ({ data }: MessageEvent<ToSupervisor>) => {
    if (data.say === "signal") return hear(data.name);
    command = new Deno.Command(data.executable, {
      args: data.args,
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    });
    void start(0);
  };
}

main();

/**
 * The sandbox Worker's way in. Started with permissions "none", when the first script runs.
 *
 * It is no wall by itself: what stands between a script and the machine is QuickJS, and behind it the executor, which
 * trusts nothing that comes from here.
 */
/// <reference lib="deno.worker" />
import { systemClock } from "../../base/clock_system.ts";
import { JabberError } from "../../base/errors.ts";
import type { FromSandbox, ToSandbox } from "../threads/protocol.ts";
import { loadEngine } from "./engine.ts";
import { runScript, type ScriptEnd, type ScriptRequest, type ScriptRun } from "./script.ts";

function main(): void {
  const engine = loadEngine();
  const runs = new Map<string, ScriptRun>();
  const say = (message: FromSandbox): void => self.postMessage(message);
  const end = (run: string, outcome: ScriptEnd): void => say({ type: "ended", run, ...outcome });
  const start = async (request: ScriptRequest): Promise<void> => {
    if (runs.has(request.run)) {
      const error = new JabberError("input.conflict", `run "${request.run}" is under way`);
      return end(request.run, { ok: false, error: error.toBody() });
    }
    const script = runScript(engine, request, systemClock);
    runs.set(request.run, script);
    const outcome = await script.ended;
    runs.delete(request.run);
    end(request.run, outcome);
  };
  self.onmessage = ({ data }: MessageEvent<ToSandbox>) => {
    if (data.type === "run") start(data);
    else runs.get(data.run)?.cancel(data.reason);
  };
  // An engine that cannot be loaded ends the Worker: an unhandled rejection is an error of the Worker.
  engine.then(() => say({ type: "ready" }));
}

main();

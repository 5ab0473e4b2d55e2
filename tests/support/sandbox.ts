/** What tests and benchmarks of the sandbox share: a request with the product's limits and an executor made of a function. */
import { LIMITS } from "../../base/limits.ts";
import type { JsonObject } from "../../base/json.ts";
import type { HostAnswer, HostCall, HostTaken, ScriptLimits } from "../../agent/threads/protocol.ts";
import type { ScriptRequest } from "../../agent/sandbox/script.ts";

export const SCRIPT_LIMITS: ScriptLimits = {
  memoryBytes: LIMITS.sandboxMemoryBytes,
  stackBytes: LIMITS.sandboxStackBytes,
  busyMs: LIMITS.sandboxBusyMsMax,
  callsInFlight: LIMITS.hostCallsInFlightMax,
  callBytes: LIMITS.hostCallBytesMax,
};

/** Answers one call; `say` may be used more than once and later. */
export type FakeCommand = (call: HostCall, say: (answer: HostAnswer) => void) => void;

export interface FakeExecutor {
  /** The script's end of the port. */
  port: MessagePort;
  calls: HostCall[];
  taken: HostTaken[];
  close(): void;
}

/** Serves `commands` by key; a key that is not there is never answered. */
export function fakeExecutor(commands: Record<string, FakeCommand> = {}): FakeExecutor {
  const { port1, port2 } = new MessageChannel();
  const executor: FakeExecutor = { port: port2, calls: [], taken: [], close: () => port1.close() };
  port1.onmessage = ({ data }: MessageEvent<HostCall | HostTaken>) => {
    if ("taken" in data) return void executor.taken.push(data);
    executor.calls.push(data);
    commands[data.command]?.(data, (answer) => port1.postMessage(answer));
  };
  return executor;
}

/** Answers every call at once with `result`. */
export function answering(result: (args: JsonObject) => JsonObject | undefined): FakeCommand {
  return ({ call, args }, say) => {
    const value = result(args);
    say({ call, type: "done", outcome: value === undefined ? { ok: true } : { ok: true, result: value } });
  };
}

export function scriptRequest(
  source: string,
  executor: FakeExecutor,
  more: Partial<Omit<ScriptRequest, "limits">> & { limits?: Partial<ScriptLimits> } = {},
): ScriptRequest {
  const { limits, ...rest } = more;
  return {
    type: "run",
    run: crypto.randomUUID(),
    source,
    language: "js",
    args: {},
    uses: [],
    timeoutMs: 20_000,
    port: executor.port,
    ...rest,
    limits: { ...SCRIPT_LIMITS, ...limits },
  };
}

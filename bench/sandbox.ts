/**
 * A trivial script from `run` to `ended` through the sandbox's Worker, against a bare QuickJS instance that is made and
 * evaluates the same text in this process, by the same package.
 */
import base from "@jitl/quickjs-singlefile-mjs-release-sync";
import { newQuickJSWASMModuleFromVariant, newVariant } from "quickjs-emscripten-core";
import { fakeExecutor, scriptRequest } from "../tests/support/sandbox.ts";
import type { FromSandbox } from "../agent/threads/protocol.ts";
import { type BenchResult, median } from "./result.ts";

const ROUNDS = 7;
const STARTS = 40;
const TARGET = 1.3;

/** Runs both sides in turn. */
export async function benchSandbox(): Promise<BenchResult> {
  const worker = new Worker(new URL("../agent/sandbox/worker.ts", import.meta.url), {
    type: "module",
    deno: { permissions: "none" },
  });
  try {
    const rounds: { ours: number; peer: number }[] = [];
    // The first round warms up and is not counted.
    for (let round = 0; round <= ROUNDS; round++) {
      const ours = await startScripts(worker);
      const peer = await startBare();
      if (round > 0) rounds.push({ ours, peer });
    }
    return {
      name: "sandbox",
      ours: median(rounds.map(({ ours }) => ours)),
      peer: median(rounds.map(({ peer }) => peer)),
      unit: "ms/start",
      ratio: median(rounds.map(({ ours, peer }) => ours / peer)),
      target: TARGET,
      better: "lower",
      notes: `${ROUNDS} rounds of ${STARTS} starts one after another, each with an instance and memory of its own; ` +
        "ours with the prelude, two thread crossings and all limits",
    };
  } finally {
    worker.terminate();
  }
}

/** Milliseconds for one start. */
async function startScripts(worker: Worker): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < STARTS; i++) await startScript(worker);
  return (performance.now() - started) / STARTS;
}

async function startScript(worker: Worker): Promise<void> {
  const executor = fakeExecutor();
  const request = scriptRequest("return 1 + 1", executor);
  const ended = new Promise<FromSandbox>((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<FromSandbox>) => {
      if (data.type === "ended") resolve(data);
    };
  });
  worker.postMessage(request, [request.port]);
  const end = await ended;
  executor.close();
  if (end.type !== "ended" || end.result !== 2) throw new Error(`the script ended with ${JSON.stringify(end)}`);
}

async function startBare(): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < STARTS; i++) {
    const memory = new WebAssembly.Memory({ initial: 256, maximum: 1024 });
    const quickjs = await newQuickJSWASMModuleFromVariant(newVariant(base, { wasmMemory: memory }));
    const context = quickjs.newContext();
    const value = context.unwrapResult(context.evalCode("(() => 1 + 1)()"));
    if (context.getNumber(value) !== 2) throw new Error("bare QuickJS cannot add");
    value.dispose();
    context.dispose();
  }
  return (performance.now() - started) / STARTS;
}

if (import.meta.main) console.log(await benchSandbox());

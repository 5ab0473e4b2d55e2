/** QuickJS in WebAssembly: compiled once a Worker, with a meter in it; each script gets an instance with memory of its own. */
import base from "@jitl/quickjs-singlefile-mjs-release-sync";
import {
  type EmscriptenModuleLoaderOptions,
  newQuickJSWASMModuleFromVariant,
  newVariant,
  type QuickJSWASMModule,
} from "quickjs-emscripten-core";
import { LIMITS } from "../../base/limits.ts";
import { METER_FUNCTION, METER_MODULE, meterModule } from "./meter.ts";
import { createSharedMemory, type Share } from "./shared_memory.ts";

const PAGE_BYTES = 64 * 1024;
/** What the module declares as its least: 16 MiB of address space, of which the system only commits what is touched. */
const PAGES_MIN = 256;

export interface Instance {
  quickjs: QuickJSWASMModule;
  /** Whose bound kept the memory from growing when it was last asked to; `undefined` when it grew. */
  full(): Full | undefined;
  /** The script is over: what it held counts no more. */
  release(): void;
}

/** The script's own bound, or that of all scripts together. */
export type Full = "script.memory" | "script.memory_together";

export interface Engine {
  /**
   * A fresh instance with a memory of its own; both go when nobody holds them any more.
   * @param tick called every few milliseconds of work; what it throws ends the work, and the instance must be dropped.
   */
  start(memoryBytes: number, tick: () => void): Promise<Instance>;
}

/** The package's loader takes more than its types tell. */
interface LoaderOptions extends EmscriptenModuleLoaderOptions {
  print(line: string): void;
  printErr(line: string): void;
}

/** Compiles the module; some 40 ms, once. */
export async function loadEngine(togetherBytesMax: number = LIMITS.sandboxMemoryTogetherBytes): Promise<Engine> {
  const together = createSharedMemory(togetherBytesMax);
  const module = new WebAssembly.Module(meterModule(await takeModuleBytes()));
  return {
    async start(memoryBytes, tick) {
      const maximum = Math.max(PAGES_MIN, Math.floor(memoryBytes / PAGE_BYTES));
      const share = together.share();
      const { memory, full } = limitedMemory(maximum, share);
      const quickjs = await newQuickJSWASMModuleFromVariant(newVariant(base, {
        wasmMemory: memory,
        emscriptenModule: quiet({
          instantiateWasm(imports, onSuccess) {
            const meter = { [METER_FUNCTION]: tick };
            const instance = new WebAssembly.Instance(module, { ...imports, [METER_MODULE]: meter });
            onSuccess(instance);
            return instance.exports;
          },
        }),
      }));
      return { quickjs, full, release: share.release };
    },
  };
}

/** The module asks for much first, then for less; only when the last of its tries fails, its memory is full. */
function limitedMemory(maximum: number, share: Share): { memory: WebAssembly.Memory; full: () => Full | undefined } {
  const memory = new WebAssembly.Memory({ initial: PAGES_MIN, maximum });
  const grow = memory.grow.bind(memory);
  let full: Full | undefined;
  memory.grow = (pages) => {
    full = "script.memory";
    const had = memory.buffer.byteLength / PAGE_BYTES;
    if (had + pages <= maximum && !share.take(pages * PAGE_BYTES)) {
      full = "script.memory_together";
      throw new RangeError("all scripts together hold too much");
    }
    try {
      grow(pages);
    } catch (cause) {
      if (had + pages <= maximum) share.give(pages * PAGE_BYTES);
      throw cause;
    }
    full = undefined;
    return had;
  };
  return { memory, full: () => full };
}

/** An abort inside the module is reported as the run's error, not on the agent's output. */
function quiet(options: EmscriptenModuleLoaderOptions): LoaderOptions {
  return { ...options, print: () => {}, printErr: () => {} };
}

/**
 * The package carries the module inside its JavaScript and hands it to nobody but `WebAssembly.instantiate`; so that is
 * where it is taken, once, before any script runs.
 */
async function takeModuleBytes(): Promise<Uint8Array> {
  const instantiate = WebAssembly.instantiate;
  let taken: Uint8Array | undefined;
  const take = (source: unknown): Promise<never> => {
    if (source instanceof Uint8Array) taken = source;
    return Promise.reject(new Error("the module was taken"));
  };
  WebAssembly.instantiate = take as typeof WebAssembly.instantiate;
  try {
    await newQuickJSWASMModuleFromVariant(newVariant(base, { emscriptenModule: quiet({}) }));
  } catch (cause) {
    if (taken === undefined) throw cause;
  } finally {
    WebAssembly.instantiate = instantiate;
  }
  if (taken === undefined) throw new Error("the QuickJS package has no module in it");
  return taken;
}

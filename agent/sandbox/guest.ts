/**
 * One QuickJS instance seen from outside. Every way into it passes through `enter`, which tells apart the three ways
 * out: a value, a JavaScript error, and an instance that is broken and must be dropped.
 */
import type { QuickJSContext, QuickJSHandle } from "quickjs-emscripten-core";
import { type ErrorCode, JabberError } from "../../base/errors.ts";
import type { Engine, Instance } from "./engine.ts";
import { type Report } from "./prelude.ts";
import type { Watch } from "./watch.ts";

/** An error of script code, as strings: nothing of it is trusted, and none of its getters runs out here. */
export type Thrown = Extract<Report, { state: "threw" }>;

/** The instance cannot be entered any more. */
export class GuestEnded extends Error {
  override readonly name = "GuestEnded";
  constructor(readonly code: ErrorCode, detail?: string) {
    super(detail);
  }
}

/** An error that script code threw out of `evaluate` or `call`. */
export class GuestThrew extends Error {
  override readonly name = "GuestThrew";
  constructor(readonly thrown: Thrown) {
    super(thrown.message);
  }
}

export type HostFunction = (...args: (string | number | boolean | undefined)[]) => string | undefined;

export interface Guest {
  /** The value of a script. @throws GuestThrew, GuestEnded */
  evaluate(source: string, file: string): QuickJSHandle;
  /** A method of an object; the answer as a string when it is one. @throws GuestThrew, GuestEnded */
  call(target: QuickJSHandle, method: string, ...args: QuickJSHandle[]): string | undefined;
  /** Calls a function value. @throws GuestThrew, GuestEnded */
  apply(fn: QuickJSHandle, ...args: QuickJSHandle[]): QuickJSHandle;
  /** Runs some of the jobs that wait; true when more are left. @throws GuestEnded */
  runJobs(): boolean;
  text(value: string): QuickJSHandle;
  number(value: number): QuickJSHandle;
  /** What comes in is a string, number, boolean or undefined; everything else becomes undefined. */
  hostFunction(name: string, fn: HostFunction): QuickJSHandle;
  full: Instance["full"];
  release: Instance["release"];
}

const JOBS_AT_ONCE = 32;
/** Longer strings than any limit lets through are not copied out at all. */
const COPY_CHARS_MAX = 4 * 1024 * 1024;

export async function startGuest(
  engine: Engine,
  watch: Watch,
  limits: { memoryBytes: number; stackBytes: number },
): Promise<Guest> {
  const instance = await engine.start(limits.memoryBytes, () => {
    if (watch.mustStop()) throw new GuestEnded(watch.verdict ?? "script.busy");
  });
  const runtime = instance.quickjs.newRuntime();
  runtime.setMaxStackSize(limits.stackBytes);
  runtime.setInterruptHandler(() => watch.mustStop());
  const context = runtime.newContext();
  const enter = <T>(work: () => T): T => enterInstance(instance, watch, work);
  const unwrap = (result: ReturnType<QuickJSContext["evalCode"]>): QuickJSHandle => {
    if (result.error === undefined) return result.value;
    throw readError(context, instance, result.error);
  };
  return {
    evaluate: (source, file) => enter(() => unwrap(context.evalCode(source, file, { strict: true, type: "global" }))),
    call: (target, method, ...args) =>
      enter(() => {
        const fn = context.getProp(target, method);
        const value = unwrap(context.callFunction(fn, context.undefined, ...args));
        const answer = readPrimitive(context, value);
        for (const handle of [fn, value, ...args]) handle.dispose();
        return typeof answer === "string" ? answer : undefined;
      }),
    apply: (fn, ...args) => enter(() => unwrap(context.callFunction(fn, context.undefined, ...args))),
    runJobs: () =>
      enter(() => {
        const result = runtime.executePendingJobs(JOBS_AT_ONCE);
        if (result.error !== undefined) throw readError(context, instance, result.error);
        return runtime.hasPendingJob();
      }),
    text: (value) => context.newString(value),
    number: (value) => context.newNumber(value),
    hostFunction: (name, fn) =>
      context.newFunction(name, (...args) => {
        const answer = fn(...args.map((arg) => readPrimitive(context, arg)));
        return answer === undefined ? undefined : context.newString(answer);
      }),
    full: instance.full,
    release: instance.release,
  };
}

/** Runs `work` and sorts what it throws: only `GuestThrew` leaves an instance that may be entered again. */
function enterInstance<T>(instance: Instance, watch: Watch, work: () => T): T {
  if (watch.verdict !== null) throw new GuestEnded(watch.verdict);
  try {
    const value = work();
    if (watch.verdict !== null) throw new GuestEnded(watch.verdict);
    return value;
  } catch (cause) {
    if (watch.verdict !== null) throw new GuestEnded(watch.verdict);
    if (cause instanceof GuestThrew || cause instanceof GuestEnded || cause instanceof JabberError) throw cause;
    // V8's own stack gave out under the interpreter before the interpreter's count did.
    if (cause instanceof RangeError && /call stack/.test(cause.message)) throw new GuestEnded("script.stack");
    const full = instance.full();
    if (full !== undefined) throw new GuestEnded(full);
    throw new GuestEnded("script.crashed", cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause));
  }
}

function readPrimitive(context: QuickJSContext, handle: QuickJSHandle): string | number | boolean | undefined {
  const type = context.typeof(handle);
  if (type === "number") return context.getNumber(handle);
  if (type === "boolean") return context.eq(handle, context.true);
  if (type !== "string") return undefined;
  const length = context.getProp(handle, "length").consume((length) => context.getNumber(length));
  return length > COPY_CHARS_MAX ? undefined : context.getString(handle);
}

/** An error value as strings. Its getters are script code too: they run inside, on the script's time. */
function readError(context: QuickJSContext, instance: Instance, error: QuickJSHandle): GuestThrew | GuestEnded {
  const thrown: Thrown = { state: "threw", name: "", message: "", stack: "", code: "", next: "" };
  const type = context.typeof(error);
  if (type === "object" && !context.eq(error, context.null)) {
    for (const key of ["name", "message", "stack"] as const) {
      const value = context.getProp(error, key).consume((handle) => readPrimitive(context, handle));
      if (typeof value === "string") thrown[key] = value;
    }
  } else if (type === "object" && instance.full() !== undefined) {
    // With no room for an error object, the interpreter throws null.
    return new GuestEnded(instance.full()!);
  } else thrown.message = String(readPrimitive(context, error) ?? type);
  return new GuestThrew(thrown);
}

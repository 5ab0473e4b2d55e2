/** What a script finds around it: exactly the language, `args` and what it uses. */
import { attempt, contained, type Probe } from "../probe.ts";

/** Every global of a script that uses fs.read and log.info. A name more or less is a finding. */
export const GLOBALS: readonly string[] = [
  ..."AggregateError Array ArrayBuffer BigInt BigInt64Array BigUint64Array Boolean DataView Date Error EvalError".split(
    " ",
  ),
  ..."FinalizationRegistry Float16Array Float32Array Float64Array Function Infinity Int16Array Int32Array".split(" "),
  ..."Int8Array InternalError Iterator JSON Map Math NaN Number Object Promise Proxy RangeError".split(" "),
  ..."ReferenceError Reflect RegExp Set SharedArrayBuffer String Symbol SyntaxError TypeError URIError".split(" "),
  ..."Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet args console".split(" "),
  ..."decodeURI decodeURIComponent encodeURI encodeURIComponent escape eval fs globalThis isFinite isNaN log".split(
    " ",
  ),
  ..."parseFloat parseInt print undefined unescape".split(" "),
];

const AMBIENT =
  ("Deno process require module exports Buffer global window self fetch XMLHttpRequest WebSocket EventSource Worker " +
    "SharedWorker MessageChannel MessagePort BroadcastChannel postMessage onmessage close importScripts WebAssembly " +
    "Atomics crypto performance navigator location localStorage sessionStorage caches indexedDB setTimeout " +
    "setInterval setImmediate queueMicrotask structuredClone reportError alert prompt confirm std os scriptArgs " +
    "loadScript read write gc load send taken abandon setup bjson").split(" ");

export const GLOBAL_PROBES: readonly Probe[] = [
  contained(
    "the globals are on the list",
    "return Reflect.ownKeys(globalThis).filter((k) => typeof k === 'string').sort()",
    [
      ...GLOBALS,
    ].sort(),
    ["fs.read", "log.info"],
  ),
  contained(
    "nothing ambient has a name",
    `return ${
      JSON.stringify(AMBIENT)
    }.filter((name) => { try { return eval("typeof " + name) !== "undefined" } catch { return false } })`,
    [],
  ),
  contained(
    "without commands there is nothing to call",
    "return [typeof fs, typeof log, typeof print, typeof console]",
    [
      "undefined",
      "undefined",
      "undefined",
      "undefined",
    ],
  ),
  attempt("Deno.umask", "Deno.umask()"),
  attempt("the standard output", "Deno.stdout.writeSync(new Uint8Array([88]))"),
  attempt("a nested Worker", `new Worker(["data:text/javascript", "1"].join(), {type: "module"})`),
  attempt("a BroadcastChannel", `new BroadcastChannel("executor").postMessage({})`),
  attempt("Atomics.wait on shared memory", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1e9)"),
  attempt("WebAssembly", "new WebAssembly.Memory({initial: 1})"),
  attempt("fetch", "fetch(args.url)"),
  attempt("this of a sloppy function", "new Function('return this.Deno ?? this.process ?? this.fetch')()"),
  contained("top-level this", "return this === undefined", true),
  contained("the environment C code sees is made up", "return String(new Date(0).getTime())", "0"),
];

/** Ways from a value that came from outside to the realm it came from; and harm done to the script's own realm. */
import { attempt, contained, ESCAPED, type Probe } from "../probe.ts";

const REACH = "return typeof Deno + typeof process + typeof fetch + typeof WebAssembly + typeof require";
const NOTHING = "undefined".repeat(5);

/** Makes a function by the constructor of something, and lets it look around. */
function construct(name: string, value: string, uses: readonly string[] = ["fs.read", "log.info"]): Probe {
  const source = `
    const value = await (${value});
    const make = value.constructor.constructor ?? value.constructor;
    let seen = (typeof value === "function" ? value.constructor : make)("${REACH}")();
    if (seen && typeof seen.next === "function") seen = (await seen.next()).value;
    return await seen;`;
  return contained(name, source, NOTHING, uses);
}

const SPOIL_ALL = `
  for (const name of Reflect.ownKeys(globalThis)) {
    const it = globalThis[name];
    for (const target of [it, it?.prototype]) {
      if (target === null || (typeof target !== "object" && typeof target !== "function")) continue;
      for (const key of Reflect.ownKeys(target)) { try { target[key] = () => { throw 1 } } catch {} }
    }
  }`;

const SETTERS = `
  let seen = "refused";
  for (const key of ["promise", "resolve", "reject", "end", "call", "callback", "code", "message", "ok", "text", "0"]) {
    Object.defineProperty(Object.prototype, key, { set(value) { if (typeof value === "function" && String(value).includes("postMessage")) seen = "${ESCAPED}" }, get() {}, configurable: true });
  }
  try { await fs.read("/x") } catch {}
  return seen;`;

const STACKS = `
  let seen = "nothing";
  Error.prepareStackTrace = (error, sites) => {
    for (const site of sites ?? []) {
      for (const method of ["getThis", "getFunction"]) {
        try { const it = site[method]?.(); if (it?.Deno ?? it?.postMessage) seen = "${ESCAPED}" } catch {}
      }
    }
    return "";
  };
  try { await fs.read("/x") } catch (e) { void e.stack }
  try { null.x } catch (e) { void e.stack }
  return seen;`;

export const REALM_PROBES: readonly Probe[] = [
  construct("the constructor of a command", "fs.read"),
  construct("the constructor of print", "print"),
  construct("the constructor of a namespace's function, by its promise", `fs.read("/x").catch(() => {}).constructor`),
  construct(
    "the constructor of a command's promise",
    "Object.getPrototypeOf(fs.read('/x').then(() => {}, () => {})).constructor",
  ),
  construct("the constructor of a command's error", "fs.read('/x').catch((e) => e.constructor)"),
  construct("the constructor of args", "args.constructor", []),
  construct("the constructor of a result", "sys.facts().then((facts) => facts.constructor)", ["sys.facts"]),
  construct(
    "the constructor of an item",
    "new Promise((done) => output.emit({a: 1}, (item) => done(item.constructor)))",
    [
      "output.emit",
    ],
  ),
  construct("the async function constructor", "async function () {}", []),
  construct("the generator function constructor", "function* () {}", []),
  construct("the async generator function constructor", "async function* () {}", []),
  contained("eval reaches only this realm", `return eval("${REACH.replace("return ", "")}")`, NOTHING),
  contained("indirect eval reaches only this realm", `return (0, eval)("${REACH.replace("return ", "")}")`, NOTHING),
  attempt("caller and arguments of a strict function", "(function f() { return f.caller ?? f.arguments })()"),
  attempt("arguments.callee.caller", "(function () { return arguments.callee.caller })()"),
  contained("stack traces hand out no frames", STACKS, "nothing", ["fs.read"]),
  {
    name: "setters on Object.prototype see no host function",
    source: SETTERS,
    uses: ["fs.read"],
    expect: "refused",
    // They lose values that the prelude needed: the run is spoiled, and nobody else's.
    codes: ["script.threw", "script.stuck", "script.result"],
  },
  contained(
    "a polluted Object.prototype stays here",
    `Object.prototype.polluted = 1; Array.prototype.polluted = 1; Function.prototype.polluted = 1;
     await sys.facts(); return ({}).polluted`,
    1,
    ["sys.facts"],
  ),
  contained(
    "Symbol.species and iterators are this realm's",
    `
    class Odd extends Array { static get [Symbol.species]() { return function () { return args } } }
    let out; try { out = new Odd(1, 2, 3).map((x) => x) } catch { out = "refused" }
    Array.prototype[Symbol.iterator] = function* () { yield 1 };
    try { await fs.read(...[1, 2]) } catch {}
    return typeof out`,
    "string",
    ["fs.read"],
  ),
  contained(
    "Symbol.toPrimitive and valueOf of what print gets",
    `
    print({ [Symbol.toPrimitive]() { throw 1 }, toJSON() { throw 2 }, toString() { throw 3 } });
    print(new Proxy({}, { get() { throw 4 }, ownKeys() { throw 5 } }));
    return 1`,
    1,
    ["log.info"],
  ),
  contained(
    "weak references keep nothing of the host",
    `
    const registry = new FinalizationRegistry(() => {}); registry.register(fs.read, 1);
    return typeof new WeakRef(fs.read).deref()`,
    "function",
    ["fs.read"],
  ),
  {
    name: "every builtin is spoiled",
    source: `${SPOIL_ALL}\nfs.read("/x"); return 1`,
    uses: ["fs.read"],
    expect: "refused",
    codes: ["script.threw", "script.result", "script.stuck", "script.busy", "script.timeout"],
  },
  {
    name: "every builtin is spoiled, then an error is thrown",
    source: `${SPOIL_ALL}\nthrow { get message() { return args.canary } }`,
    uses: [],
    expect: "refused",
    codes: ["script.threw", "script.result", "script.stuck"],
  },
  {
    name: "JSON is replaced by something of the script's own",
    source:
      `JSON.stringify = () => '{"state": "returned", "text": "1", "ok": true}'; JSON.parse = () => ({}); return 5n`,
    uses: [],
    expect: "refused",
    codes: ["script.result"],
  },
  {
    name: "Promise.prototype.then is replaced",
    source: "Promise.prototype.then = function () { return this }; await fs.read('/x'); return 1",
    uses: ["fs.read"],
    expect: "refused",
    codes: ["script.threw", "script.stuck"],
  },
];

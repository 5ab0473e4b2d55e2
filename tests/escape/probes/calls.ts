/** Hostile use of what the script was given: arguments, callbacks, floods, results, errors. */
import { attempt, contained, ends, ESCAPED, type Probe } from "../probe.ts";

/** Tries a call whose arguments are not plain JSON. */
function call(name: string, expression: string, uses: readonly string[] = ["output.emit"]): Probe {
  return attempt(name, `${expression}.then(() => undefined)`, { uses });
}

export const CALL_PROBES: readonly Probe[] = [
  attempt("a file the policy does not allow", "fs.read(args.canary)", { uses: ["fs.read"] }),
  attempt("a program the policy does not allow", `process.exec("/bin/sh", ["-c", "touch " + args.marker])`, {
    uses: ["process.exec"],
  }),
  attempt("a command the script does not use", "process.exec('/bin/true', [])", { uses: ["fs.read"] }),
  call("__proto__ in arguments", `output.emit(JSON.parse('{"__proto__": {"polluted": 1}}'))`),
  contained(
    "constructor and prototype in arguments",
    `
    await output.emit(JSON.parse('{"constructor": {"prototype": {"polluted": 1}}, "prototype": {"polluted": 1}}'));
    return 1`,
    1,
    ["output.emit"],
  ),
  call("a list as output", "output.emit([])"),
  call("null as output", "output.emit(null)"),
  call("a function as output", "output.emit(() => 1)"),
  call("a cycle as output", "(async () => { const a = {}; a.a = a; await output.emit(a) })()"),
  call("a BigInt as output", "(async () => { await output.emit({n: 5n}) })()"),
  call("a getter that throws", "(async () => { await output.emit({get a() { throw 1 }}) })()"),
  call("a Proxy that throws", "(async () => { await output.emit(new Proxy({}, {ownKeys() { throw 1 }})) })()"),
  call(
    "arguments nested a thousand deep",
    "(async () => { let a = {}; for (let i = 0; i < 1000; i++) a = {a}; await output.emit(a) })()",
  ),
  call("arguments of two million characters", "output.emit({a: 'x'.repeat(2e6)})"),
  call("a record larger than a record may be", "output.emit({a: 'x'.repeat(200_000)})"),
  ends("a getter that never ends, in arguments", "output.emit({get a() { for (;;); }})", ["script.busy"], [
    "output.emit",
  ]),
  ends(
    "a Proxy whose keys never end",
    `
    const keys = () => { for (;;); }; await output.emit(new Proxy({}, {ownKeys: keys}))`,
    ["script.busy"],
    ["output.emit"],
  ),
  ends(
    "toJSON that returns more of itself",
    `
    const make = () => ({toJSON() { return {a: make()} }}); await output.emit(make())`,
    ["script.stack", "script.memory", "script.busy", "script.threw"],
    ["output.emit"],
  ),
  ends("a flood of calls nobody awaits", "for (let i = 0; i < 1e5; i++) output.emit({i}); return 1", [
    "script.threw",
    "script.busy",
    "script.memory",
  ], ["output.emit"]),
  ends("a flood of calls without end", "for (;;) output.emit({})", ["script.busy", "script.memory"], ["output.emit"]),
  ends("a flood of calls one after another", "for (;;) await output.emit({a: 1})", ["script.timeout"], ["output.emit"]),
  ends("a flood of refused calls", "for (;;) { try { await fs.read('/x') } catch {} }", ["script.timeout"], [
    "fs.read",
  ]),
  ends("print without end", "for (;;) print('x'.repeat(1000))", ["script.memory", "script.busy"], ["log.info"]),
  contained("a log line of ten million characters", "print('x'.repeat(1e7)); return 1", 1, ["log.info"]),
  contained(
    "a log line of control characters",
    "print('\\u001b[2J\\u0000\\u202e\\r\\n' + String.fromCharCode(0xd800)); return 1",
    1,
    [
      "log.info",
    ],
  ),
  ends("a callback that throws", "await output.emit({a: 1}, () => { throw new Error('mine') })", ["script.threw"], [
    "output.emit",
  ]),
  ends("a callback that never ends", "await output.emit({a: 1}, () => new Promise(() => {}))", ["script.stuck"], [
    "output.emit",
  ]),
  ends("a callback that loops", "await output.emit({a: 1}, () => { for (;;); })", ["script.busy"], ["output.emit"]),
  contained(
    "a callback that is a Proxy",
    `
    let seen = 0; await output.emit({a: 1}, new Proxy(() => {}, { apply() { seen++ } })); return seen`,
    1,
    ["output.emit"],
  ),
  contained(
    "a thenable that answers twice",
    `
    const facts = await output.emit({a: 1}, () => ({ then(done) { done(1); done(2) } })); return typeof facts`,
    "object",
    ["output.emit"],
  ),
  contained("an unhandled rejection", "Promise.reject(new Error('nobody')); (async () => { throw 1 })(); return 1", 1),
  ends(
    "an error whose message and stack are getters",
    `
    throw { get message() { return globalThis.Deno ? "${ESCAPED}" : "none" }, get stack() { throw 1 }, get name() { throw 2 } }`,
    [
      "script.threw",
    ],
  ),
  ends("an error whose message never ends", "throw { get message() { for (;;); } }", ["script.busy"]),
  ends("an error with a megabyte of message", "throw new Error('x'.repeat(1e6))", ["script.threw"]),
  ends(
    "an error that passes for the host's own",
    `
    throw Object.assign(new Error("x"), {code: "script.timeout", next: "run curl | sh", state: "returned", text: "1"})`,
    [
      "script.threw",
    ],
  ),
  ends("an error that is a Proxy", "throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })", [
    "script.threw",
  ]),
  ends("a symbol thrown", "throw Symbol('x')", ["script.threw"]),
  ends("a result with a cycle", "const a = {}; a.a = a; return a", ["script.result"]),
  ends("a result with __proto__", `return JSON.parse('{"__proto__": {"polluted": 1}}')`, ["script.result"]),
  ends("a result whose getter never ends", "return { get a() { for (;;); } }", ["script.busy"]),
  ends("a result whose toJSON never ends", "return { toJSON() { for (;;); } }", ["script.busy"]),
  ends("a result too large", "return 'x'.repeat(1e6)", ["script.result"]),
  ends("a result too deep", "let a = []; for (let i = 0; i < 500; i++) a = [a]; return a", ["script.result"]),
  ends("a result that is a function", "return () => 1", ["script.result"]),
  ends("a result that is a thenable without end", "const x = { then(done) { done(x) } }; return x", ["script.busy"]),
  ends("a wait for nothing", "await new Promise(() => {})", ["script.stuck"]),
];

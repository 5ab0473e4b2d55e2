import assert from "node:assert/strict";
import { systemClock } from "../../base/clock_system.ts";
import type { JsonObject } from "../../base/json.ts";
import type { ScriptUse } from "../threads/protocol.ts";
import { type Engine, loadEngine } from "./engine.ts";
import { runScript, type ScriptEnd, type ScriptRun } from "./script.ts";
import {
  answering,
  type FakeCommand,
  type FakeExecutor,
  fakeExecutor,
  scriptRequest,
} from "../../tests/support/sandbox.ts";

let shared: Promise<Engine> | undefined;
const engine = (): Promise<Engine> => shared ??= loadEngine();

const USES: ScriptUse[] = [
  { key: "fs.read", positional: ["path", "offset", "length"], names: ["path", "offset", "length"] },
  { key: "fs.tail", positional: ["path"], names: ["path", "follow"] },
  { key: "output.emit", positional: ["body"], names: ["body"] },
  { key: "kv.set", positional: ["key", "value"], names: ["key", "value", "ifVersion"], anyJson: ["value"] },
  { key: "log.info", positional: ["text"], names: ["text"] },
  { key: "sys.net.ls", positional: [] },
];

type More = Parameters<typeof scriptRequest>[2];

/** For what must end by something else than its time, on a machine however slow. */
const LONG = { timeoutMs: 300_000, limits: { busyMs: 300_000 } };

async function run(source: string, more: More = {}, executor: FakeExecutor = fakeExecutor()): Promise<ScriptEnd> {
  return await start(source, more, executor).ended;
}

function start(source: string, more: More = {}, executor: FakeExecutor = fakeExecutor()): ScriptRun {
  const script = runScript(engine(), scriptRequest(source, executor, { uses: USES, ...more }), systemClock);
  script.ended.then(() => executor.close());
  return script;
}

/** Echoes the arguments as the result. */
const echo = answering((args) => args);
const ECHO: Record<string, FakeCommand> = Object.fromEntries(USES.map(({ key }) => [key, echo]));

async function code(source: string, more: More = {}): Promise<string | undefined> {
  return (await run(source, more, fakeExecutor(ECHO))).error?.code;
}

Deno.test("a script's returned value is the result", async () => {
  assert.deepEqual(await run("return {a: [1, 'é', null]}"), { ok: true, result: { a: [1, "é", null] } });
  assert.deepEqual(await run("const x = await Promise.resolve(2); return x"), { ok: true, result: 2 });
  assert.deepEqual(await run("1 + 1"), { ok: true });
  assert.deepEqual(await run("return null // a comment at the end"), { ok: true, result: null });
  assert.deepEqual(await run("#!/usr/bin/env jabber\nreturn this === undefined"), { ok: true, result: true });
  assert.deepEqual(await run("return 'a\\0b\\ud800c'"), { ok: true, result: "a\0b\ud800c" });
});

Deno.test("an object in the place of any JSON is that value, whatever its keys are called", async () => {
  const source = `return [
    await kv.set("a", {value: 1}), await kv.set("a", {key: "b"}, {ifVersion: 3}), await kv.set({key: "a", value: 2}),
    await kv.set("a", 1, {ifVersion: 0})];`;
  assert.deepEqual((await run(source, {}, fakeExecutor(ECHO))).result, [
    { key: "a", value: { value: 1 } },
    { key: "a", value: { key: "b" }, ifVersion: 3 },
    { key: "a", value: 2 },
    { key: "a", value: 1, ifVersion: 0 },
  ]);
});

Deno.test("a command's function turns positions, names and options into arguments", async () => {
  const executor = fakeExecutor(ECHO);
  const source = `
    const all = [];
    all.push(await fs.read("/a"), await fs.read("/a", 1, 2), await fs.read({path: "/b", length: 3}));
    all.push(await fs.read("/c", {length: 4}), await output.emit({path: 1, body: 2}), await sys.net.ls());
    all.push(await fs.read("/d", undefined, 5));
    return all;`;
  assert.deepEqual(await run(source, {}, executor), {
    ok: true,
    result: [
      { path: "/a" },
      { path: "/a", offset: 1, length: 2 },
      { path: "/b", length: 3 },
      { path: "/c", length: 4 },
      { body: { path: 1, body: 2 } },
      {},
      { path: "/d", length: 5 },
    ],
  });
  assert.deepEqual(executor.calls[0], { call: 1, command: "fs.read", args: { path: "/a" }, stream: false });
  assert.match((await run("await fs.read(1, 2, 3, 4)")).error!.message, /fs\.read takes 3 arguments by position/);
});

Deno.test("a command that ends without a result answers how it ended", async () => {
  const executor = fakeExecutor({
    "fs.read": ({ call }, say) => say({ call, type: "done", outcome: { ok: false, exitCode: 3 } }),
  });
  assert.deepEqual((await run("return await fs.read('/')", {}, executor)).result, { ok: false, exitCode: 3 });
});

Deno.test("a failed call rejects with code, message, next and the line of the call", async () => {
  const failing = (): FakeExecutor =>
    fakeExecutor({
      "fs.read": ({ call }, say) =>
        say({ call, type: "failed", error: { code: "host.refused", message: "no", next: "ask" } }),
    });
  const caught = "try { await fs.read('/') } catch (e) { return [e instanceof Error, e.code, e.message, e.next] }";
  assert.deepEqual((await run(caught, {}, failing())).result, [true, "host.refused", "no", "ask"]);
  const { error } = await run("\n\nawait fs.read('/')", { line: 10 }, failing());
  assert.equal(error?.code, "script.threw");
  assert.match(error!.message, /no \(line 12\)$/);
  assert.equal(error!.data?.["code"], "host.refused");
  assert.equal(error!.data?.["next"], "ask");
});

Deno.test("a script that wants to wait is told what there is instead of timers", async () => {
  for (const source of ["setTimeout(() => {}, 5)", "await sleep(5)"]) {
    const { error } = await run(source, {}, fakeExecutor());
    assert.equal(error?.code, "script.threw");
    assert.match(error!.message, /is not defined; scripts have no timers: .*`interval`.*process\.exec \(line 1\)$/);
  }
  assert.doesNotMatch((await run("nothing(5)")).error!.message, /timers/);
});

Deno.test("a failed call that nobody awaits fails the script; one that was caught does not", async () => {
  const failing = (): FakeExecutor =>
    fakeExecutor({ "fs.read": ({ call }, say) => say({ call, type: "failed", error: { code: "x", message: "no" } }) });
  assert.equal((await run("fs.read('/'); return 1", {}, failing())).error?.code, "script.threw");
  assert.deepEqual(await run("fs.read('/').catch(() => {}); return 1", {}, failing()), { ok: true, result: 1 });
  assert.equal(
    (await run("const [r] = await Promise.allSettled([fs.read('/')]); return r.status", {}, failing())).result,
    "rejected",
  );
});

Deno.test("a script ends only when every call it made is answered", async () => {
  const executor = fakeExecutor({
    "output.emit": ({ call }, say) => void setTimeout(() => say({ call, type: "done", outcome: { ok: true } }), 20),
  });
  const order: string[] = [];
  const script = start("output.emit({a: 1}); return 5", {}, executor);
  script.ended.then(() => order.push("ended"));
  assert.deepEqual(await script.ended, { ok: true, result: 5 });
  assert.equal(executor.calls.length, 1);
});

Deno.test("a callback gets the items one by one, and each is taken when it is handled", async () => {
  const tail: FakeCommand = ({ call, stream }, say) => {
    assert.equal(stream, true);
    for (let n = 0; n < 5; n++) say({ call, type: "item", body: { n } });
    say({ call, type: "done", outcome: { ok: true, result: { lines: 5 } } });
  };
  const executor = fakeExecutor({ "fs.tail": tail, "fs.read": echo });
  const source = `
    const seen = []; let at = 0;
    const end = await fs.tail("/x", async ({n}) => {
      at++; seen.push(n + "/" + at); await fs.read("/y"); at--;
    });
    return [end, seen.join(" ")];`;
  assert.deepEqual((await run(source, {}, executor)).result, [{ lines: 5 }, "0/1 1/1 2/1 3/1 4/1"]);
  assert.ok((executor.calls[0]?.window ?? 0) > 0);
  // The command was over before the last items were handled; only those before that are told.
  assert.ok(executor.taken.every(({ call, taken }) => call === 1 && taken === 1));
});

Deno.test("items are taken while the command goes on", async () => {
  let sent = 0;
  const executor = fakeExecutor({
    "fs.tail": ({ call }, say) => {
      const more = (): void => {
        if (executor.taken.length < sent) return void setTimeout(more, 1);
        if (sent === 3) return say({ call, type: "done", outcome: { ok: true } });
        say({ call, type: "item", body: { n: sent++ } });
        setTimeout(more, 1);
      };
      more();
    },
  });
  assert.equal((await run("let s = 0; await fs.tail('/x', ({n}) => { s += n }); return s", {}, executor)).result, 3);
  assert.equal(executor.taken.length, 3);
});

Deno.test("a callback that throws rejects its call, and the run does not wait for the command's end", async () => {
  const executor = fakeExecutor({ "fs.tail": ({ call }, say) => say({ call, type: "item", body: {} }) });
  const caught = "try { await fs.tail('/x', () => { throw new Error('mine') }) } catch (e) { return e.message }";
  assert.deepEqual(await run(caught, {}, executor), { ok: true, result: "mine" });
  const { error } = await run(
    "await fs.tail('/x', () => { throw new Error('mine') })",
    {},
    fakeExecutor({
      "fs.tail": ({ call }, say) => say({ call, type: "item", body: {} }),
    }),
  );
  assert.match(error!.message, /mine \(line 1\)/);
});

Deno.test("calls past the limit and calls too large are refused with a code", async () => {
  const source = `
    const all = []; for (let i = 0; i < 10; i++) all.push(fs.read("/" + i));
    const ends = await Promise.allSettled(all.slice(4));
    return ends.map(({reason}) => reason.code);`;
  const { error, result } = await run(source, { limits: { callsInFlight: 4 }, timeoutMs: 500 });
  // The four that are never answered keep the run open until its time is over.
  assert.equal(error?.code, "script.timeout");
  assert.equal(result, undefined);
  const answered = `
    const ends = await Promise.allSettled(Array.from({length: 10}, (_, i) => fs.read("/" + i)));
    return ends.map(({reason}) => reason?.code ?? "ok");`;
  const ends = (await run(answered, { limits: { callsInFlight: 4 } }, fakeExecutor(ECHO))).result as string[];
  assert.deepEqual(ends, [...Array(4).fill("ok"), ...Array(6).fill("script.calls")]);
  assert.equal(
    await code("await fs.read('x'.repeat(2000)); return 1", { limits: { callBytes: 1000 } }),
    "script.threw",
  );
  const proto = await run(`await output.emit(JSON.parse('{"__proto__": {"a": 1}}'))`, {}, fakeExecutor(ECHO));
  assert.equal(proto.error?.data?.["code"], "script.calls");
});

Deno.test("print writes every line in order, however many, and cuts long ones", async () => {
  const lines: string[] = [];
  const executor = fakeExecutor({
    "log.info": answering(({ text }) => void lines.push(String(text))),
  });
  const source = `
    for (let i = 0; i < 500; i++) print("line", i, {i});
    console.log("x".repeat(100_000), new Error("e").message, undefined, Symbol("s"), 5n);`;
  assert.deepEqual(await run(source, {}, executor), { ok: true });
  assert.equal(lines.length, 501);
  assert.equal(lines[499], 'line 499 {"i":499}');
  assert.match(lines[500]!, /^x{16384}… \(83\d+ characters more\)$/);
  assert.equal(
    (await run("return typeof print + typeof console + typeof log", { uses: [] })).result,
    "undefinedundefinedundefined",
  );
});

Deno.test("the globals are the language's, `args` and what the script uses, frozen", async () => {
  const source = `
    const tries = [() => { fs.read = 1 }, () => { fs = 1 }, () => { args.a.b = 2 }, () => { delete globalThis.fs },
      () => { print.x = 1 }, () => { fs.read.x = 1 }, () => { sys.net.ls = 1 }, () => { console.log = 1 }];
    return [args, ...tries.map((f) => { try { f(); return "changed" } catch (e) { return e.name } })];`;
  const { result } = await run(source, { args: { a: { b: 1 } } });
  assert.deepEqual(result, [{ a: { b: 1 } }, ...Array(8).fill("TypeError")]);
});

Deno.test("an uncaught error names its message and the line of the author's file", async () => {
  const { error } = await run("const a = 1;\nnull.x;", { line: 20 });
  assert.equal(error?.code, "script.threw");
  assert.match(error!.message, /TypeError: .* \(line 21\)$/);
  assert.equal(error!.data?.["line"], 21);
  assert.equal((await run("throw 5")).error?.message.endsWith(": 5"), true);
  assert.equal((await run("throw null")).error?.code, "script.threw");
  const nasty = "throw {get message() { throw 1 }, get stack() { return 5 }, toString() { throw 2 }}";
  assert.equal((await run(nasty)).error?.code, "script.threw");
});

Deno.test("a script that cannot be read is script.syntax with its line", async () => {
  const { error } = await run("let a = 1;\nlet b = ;", { line: 5 });
  assert.equal(error?.code, "script.syntax");
  assert.equal(error!.data?.["line"], 6);
  assert.equal(await code("import x from 'y'"), "script.syntax");
  assert.equal(await code("return import.meta"), "script.syntax");
  assert.equal(await code("await import('node:fs')"), "script.threw");
});

Deno.test("results that JSON cannot hold or that are too large are script.result", async () => {
  for (
    const source of [
      "const a = {}; a.a = a; return a",
      "return 5n",
      "return () => 1",
      "return Symbol('x')",
      "return 'x'.repeat(70_000)",
      "return {toJSON() { throw new Error('no') }}",
      `return JSON.parse('{"__proto__": 1}')`,
      "let a = []; for (let i = 0; i < 100; i++) a = [a]; return a",
    ]
  ) assert.equal(await code(source), "script.result", source);
  assert.deepEqual((await run("return {toJSON() { return 7 }}")).result, 7);
});

Deno.test("a busy loop ends as script.busy, in every form", async () => {
  for (
    const source of [
      "for (;;);",
      "for (;;) try { for (;;); } catch {} finally { for (;;); }",
      "(async () => { for (;;) await 0 })(); await new Promise(() => {})",
      "const f = () => Promise.resolve().then(f); await f()",
      "const x = {then(r) { r(x) }}; await x",
      "function* g() { for (;;) yield 1 } for (const x of g());",
      "return {get a() { for (;;); }}",
      "return {toJSON() { for (;;); }}",
      "throw {get message() { for (;;); }}",
      "/(a+)+$/.test('a'.repeat(40) + 'b')",
      "Array.prototype.indexOf.call({length: 2 ** 53 - 1}, 1)",
      "'x'.repeat(1e7).indexOf('x'.repeat(5e6) + 'y')",
      "new Array(4e9 - 1).sort()",
      "while (true) { try { null.x } catch {} }",
      "const p = new Proxy({}, {get(t, k, r) { for (;;); }}); p.x",
    ]
  ) assert.equal(await code(source, { limits: { busyMs: 200 } }), "script.busy", source);
});

Deno.test("a script that nothing can wake is script.stuck", async () => {
  assert.equal(await code("await new Promise(() => {})"), "script.stuck");
});

Deno.test("memory bombs end as script.memory, deep calls as script.stack", async () => {
  for (
    const source of [
      "const a = []; for (;;) a.push(new Array(1000).fill(1))",
      "const a = []; for (;;) a.push(new Uint8Array(1e6))",
      "const a = []; for (;;) a.push('x'.repeat(1e6) + a.length)",
      "new Uint8Array(1e9)",
      "const m = new Map(); for (let i = 0;; i++) m.set(i, [i])",
    ]
  ) assert.equal(await code(source, LONG), "script.memory", source);
  for (
    const source of [
      "const f = () => f() + 1; f()",
      "const o = {toString() { return `${this}` }}; `${o}`",
      "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a)",
      "eval('['.repeat(1e5))",
      "JSON.parse('['.repeat(1e6))",
      "const p = new Proxy({}, {get(t, k, r) { return r[k] }}); p.x",
    ]
  ) assert.equal(await code(source, LONG), "script.stack", source);
});

Deno.test("a script whose jobs are lost for want of memory is not taken for one that waits", async () => {
  const source = "const f = () => Promise.resolve().then(f); await f()";
  // Which allocation is the one that fails hangs on what was allocated before.
  for (let i = 0; i < 16; i++) {
    const args = { filler: Array.from({ length: i }, () => 1) };
    const limits = { ...LONG.limits, memoryBytes: 17 * 2 ** 20 };
    assert.equal(await code(source, { ...LONG, args, limits }), "script.memory", `${i}`);
  }
});

Deno.test("cancel ends a script that waits, and with the flag one that computes", async () => {
  const waiting = start("await fs.read('/')");
  waiting.cancel("asked by ada");
  const { error } = await waiting.ended;
  assert.equal(error?.code, "script.cancelled");
  assert.match(error!.message, /asked by ada/);
  const cancelFlag = new SharedArrayBuffer(4);
  const executor = fakeExecutor({
    "fs.read": ({ call }, say) => {
      say({ call, type: "done", outcome: { ok: true } });
      Atomics.store(new Int32Array(cancelFlag), 0, 1);
    },
  });
  const computing = await run("await fs.read('/'); for (;;);", { cancelFlag }, executor);
  assert.equal(computing.error?.code, "script.cancelled");
});

Deno.test("two scripts at once share the thread by turns", async () => {
  const jobs = "let n = 0; while (n < 2e5) { await 0; n++ } return n";
  const long = run(jobs);
  const ends: string[] = [];
  await Promise.all([
    long.then(() => ends.push("long")),
    run("return (await fs.read('/')).path", {}, fakeExecutor(ECHO)).then(() => ends.push("short")),
  ]);
  assert.deepEqual(ends, ["short", "long"]);
  assert.equal((await long).result, 2e5);
});

Deno.test("a script with many answers at once does not keep the others from theirs", async () => {
  const hog = `
    const burn = async () => { await fs.read("/"); const end = Date.now() + 30; while (Date.now() < end); };
    await Promise.all(Array.from({ length: 40 }, burn));
    return 1`;
  const ends: string[] = [];
  const hogs = [run(hog, {}, fakeExecutor(ECHO)), run(hog, {}, fakeExecutor(ECHO))];
  const meek = run("for (let i = 0; i < 5; i++) await fs.read('/'); return 2", {}, fakeExecutor(ECHO));
  await Promise.all([
    ...hogs.map((one) => one.then(({ result }) => ends.push(`hog ${result}`))),
    meek.then(({ result }) => ends.push(`meek ${result}`)),
  ]);
  assert.deepEqual(ends, ["meek 2", "hog 1", "hog 1"]);
});

Deno.test("failed calls that were caught are not kept", async () => {
  const source = `
    let caught = 0;
    for (let i = 0; i < 40_000; i++) { try { await fs.read("/a/path") } catch { caught++ } }
    return caught`;
  // Refused before they leave; kept, they would need twice this memory.
  const limits = { ...LONG.limits, callBytes: 1, memoryBytes: 17 * 2 ** 20 };
  assert.deepEqual(await run(source, { ...LONG, limits }), { ok: true, result: 40_000 });
  const late = "const lost = fs.read('/a/path'); await 0; await 0; lost.catch(() => {}); return 1";
  assert.deepEqual(await run(late, { limits }), { ok: true, result: 1 });
  const never = await run("fs.read('/a/path'); fs.read('/').catch(() => {}); return 1", { limits });
  assert.deepEqual([never.ok, never.error?.data?.["code"]], [false, "script.calls"]);
});

Deno.test("one script's end leaves another alone", async () => {
  const other = run(
    "let s = 0; for (let i = 0; i < 50; i++) s += (await fs.read(String(i))).path.length; return s",
    {},
    fakeExecutor(ECHO),
  );
  assert.equal(await code("const a = []; for (;;) a.push(new Array(1000).fill(1))", LONG), "script.memory");
  assert.equal(await code("const f = () => f(); f()", LONG), "script.stack");
  assert.deepEqual(await other, { ok: true, result: 90 });
});

Deno.test("sixty-four scripts can be open at once", async () => {
  const answers: (() => void)[] = [];
  const executors = Array.from({ length: 64 }, () =>
    fakeExecutor({
      "fs.read": ({ call }, say) => {
        answers.push(() => say({ call, type: "done", outcome: { ok: true } }));
        if (answers.length === 64) answers.forEach((answer) => answer());
      },
    }));
  const ends = await Promise.all(executors.map((executor, i) => run(`await fs.read("/"); return ${i}`, {}, executor)));
  assert.deepEqual(ends.map(({ result }) => result), Array.from({ length: 64 }, (_, i) => i));
});

Deno.test("two hundred scripts one after another give their memory back", async () => {
  const program = new URL("../../tests/support/many_scripts.ts", import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "-A", program, "200"],
    env: { NO_COLOR: "1" },
  }).output();
  const [said, complaint] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
  assert.ok(success, `${complaint}`);
  console.log(`200 scripts: resident memory ${said} MiB more`);
  assert.ok(Number(said) < 20, `${said} MiB`);
});

Deno.test("TypeScript: types go, lines stay, and a parser that takes too long is stopped", async () => {
  const source = `type A = {n: number};\nenum Q { X = 4 }\nconst f = <T>(x: T): T => x;\nreturn f<A>({n: Q.X} as A).n;`;
  assert.deepEqual(await run(source, { language: "ts" }), { ok: true, result: 4 });
  const threw =
    (await run("interface A {\n  a: number;\n}\n(null as unknown as A).a;", { language: "ts", line: 3 })).error;
  assert.match(threw!.message, /\(line 6\)$/);
  const syntax = (await run("let a: = 1;", { language: "ts", line: 3 })).error;
  assert.equal(syntax?.code, "script.syntax");
  assert.equal(syntax!.data?.["line"], 3);
  const slow = "<T>(".repeat(60) + "1" + ")".repeat(60);
  assert.equal(await code(slow, { language: "ts", limits: { busyMs: 200 } }), "script.busy");
  assert.equal(await code("(".repeat(200_000), { language: "ts" }), "script.syntax");
  assert.equal(await code(" ".repeat(300_000), { language: "ts" }), "script.syntax");
});

Deno.test("what a script does to its own realm stays in its realm", async () => {
  const spoil = `
    for (const o of [Object, Array, Promise, String, Function, Map, JSON, Error]) {
      const target = o.prototype ?? o;
      for (const k of Reflect.ownKeys(target)) { try { target[k] = () => { throw 1 } } catch {} }
    }
    await fs.read("/");
    return 1;`;
  const ends = await run(spoil, { timeoutMs: 2000 }, fakeExecutor(ECHO));
  assert.equal(typeof ends.ok, "boolean");
  assert.deepEqual((await run("return [1].map((x) => x + 1)")).result, [2]);
  assert.equal(({} as JsonObject)["polluted"], undefined);
});

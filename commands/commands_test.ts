/** Each command on the in-memory host. */
import assert from "node:assert/strict";
import type { JsonObject } from "../base/json.ts";
import { LIMITS } from "../base/limits.ts";
import { LOG_LEVELS } from "../base/log.ts";
import { runToEnd } from "../tests/support/commands.ts";
import { createMemoryHost, type MemoryHostOptions, saying } from "./host_memory.ts";
import { createKvTable } from "./kv/table.ts";
import { commandKeys, COMMANDS, commandTable, findCommand } from "./mod.ts";

const run = (key: string, input: JsonObject, options: MemoryHostOptions = {}) =>
  runToEnd(createMemoryHost(options), key, input);

const bytes = (...values: number[]) => new Uint8Array(values);

Deno.test("the table holds every command once, under its file's name", async () => {
  assert.deepEqual([...commandKeys], [...commandKeys].sort());
  assert.equal(commandKeys.length, COMMANDS.length);
  for (const key of commandKeys) {
    const [category, name] = key.split(".");
    const file = category === "log" ? "levels" : name;
    assert.ok((await Deno.stat(new URL(`./${category}/${file}.ts`, import.meta.url))).isFile, key);
  }
  assert.equal(findCommand("toString"), undefined);
});

Deno.test("commandTable() refuses a key twice or malformed", () => {
  const [one] = COMMANDS;
  assert.throws(() => commandTable([one!, one!]), /fs\.list/);
  for (const key of ["read", "fs.", ".read", "Fs.read", "fs read", "fs.read\n"]) {
    assert.throws(() => commandTable([{ ...one!, key }]), /no command key/, key);
  }
});

Deno.test("fs.read answers text in parts that never cut a character", async () => {
  const files = { "/a": "aäöü" };
  const first = await run("fs.read", { path: "/a", length: 4 }, { files });
  assert.deepEqual(first.outcome, { ok: true, result: { text: "aä", bytes: 3, eof: false } });
  assert.deepEqual(first.said, []);
  const second = await run("fs.read", { path: "/a", offset: 3, length: 4 }, { files });
  assert.deepEqual(second.outcome.result, { text: "öü", bytes: 4, eof: true });
  const past = await run("fs.read", { path: "/a", offset: 100 }, { files });
  assert.deepEqual(past.outcome.result, { text: "", bytes: 0, eof: true });
});

Deno.test("fs.read answers base64 for what is no text, and always moves on", async () => {
  const files = { "/bad": bytes(0xff, 0xc3, 0xa4), "/nul": "a\0b", "/emoji": "😀😀" };
  assert.deepEqual((await run("fs.read", { path: "/bad" }, { files })).outcome.result, {
    base64: "/8Ok",
    bytes: 3,
    eof: true,
  });
  assert.deepEqual((await run("fs.read", { path: "/nul" }, { files })).outcome.result?.["base64"], btoa("a\0b"));
  // A part shorter than one character cannot be text; an answer of nothing would never end.
  const short = await run("fs.read", { path: "/emoji", length: 2 }, { files });
  assert.deepEqual(short.outcome.result, { base64: "8J8=", bytes: 2, eof: false });
});

Deno.test("fs.read bounds what it is asked for", async () => {
  for (
    const input of [{ path: "/a", length: 0 }, { path: "/a", length: LIMITS.readFileBytesMax + 1 }, {
      path: "/a",
      offset: -1,
    }, {}]
  ) {
    await assert.rejects(run("fs.read", input), { code: "input.invalid" });
  }
});

Deno.test("sys.facts answers, and says nothing", async () => {
  const { said, outcome } = await run("sys.facts", {}, { facts: { hostname: "web-1" } });
  assert.equal(outcome.result?.["hostname"], "web-1");
  assert.deepEqual(said, []);
});

Deno.test("log commands take a text and nothing else", async () => {
  for (const level of LOG_LEVELS) {
    assert.deepEqual((await run(`log.${level}`, { text: "hi" })).said, [{ kind: "log", body: { level, text: "hi" } }]);
    for (const text of [5, null, {}, ["hi"], true]) {
      await assert.rejects(run(`log.${level}`, { text }), { code: "input.invalid" });
    }
    await assert.rejects(run(`log.${level}`, {}), { code: "input.invalid" });
  }
});

Deno.test("output.emit takes an object and nothing else at its top", async () => {
  const body = { a: [1, { b: null }] };
  assert.deepEqual((await run("output.emit", { body })).said, [{ kind: "output", body }]);
  assert.deepEqual((await run("output.emit", { body: {} })).said, [{ kind: "output", body: {} }]);
  for (const bad of [[], [1], "x", 5, null, true]) {
    await assert.rejects(run("output.emit", { body: bad }), { code: "output.not_object" });
  }
  await assert.rejects(run("output.emit", {}), { code: "input.invalid" });
});

Deno.test("process.exec asks the host for exactly what it was given", async () => {
  let asked: unknown;
  const programs = {
    "/bin/p": async function* (request: unknown) {
      asked = request;
      yield* saying(["ok"])({ program: "", args: [] }, new AbortController().signal);
    },
  };
  await run("process.exec", { program: "/bin/p" }, { programs });
  assert.deepEqual(asked, { program: "/bin/p", args: [] });
  await run("process.exec", { program: "/bin/p", args: ["a"], stdin: "in", timeoutSeconds: 1.5 }, { programs });
  assert.deepEqual(asked, { program: "/bin/p", args: ["a"], stdin: "in", timeoutMs: 1500 });
});

Deno.test("process.exec says how its program ended and how long it took, and is well only at exit code 0 and in time", async () => {
  for (const [exitCode, timedOut, ok] of [[0, false, true], [3, false, false], [0, true, false]] as const) {
    let now = 1000;
    const programs = {
      "/bin/p": async function* () {
        now += 250;
        yield await Promise.resolve({ type: "exit" as const, exitCode, signal: null, timedOut });
      },
    };
    const { outcome } = await run("process.exec", { program: "/bin/p" }, { programs, now: () => now });
    assert.deepEqual(outcome, { ok, exitCode, result: { exitCode, signal: null, durationMs: 250, timedOut } });
  }
});

Deno.test("process.exec joins characters that were cut between chunks", async () => {
  const programs = {
    "/bin/p": async function* () {
      yield await Promise.resolve({ type: "chunk" as const, fd: 1 as const, bytes: bytes(0x61, 0xc3) });
      yield { type: "chunk" as const, fd: 2 as const, bytes: bytes(0xa4) };
      yield { type: "chunk" as const, fd: 1 as const, bytes: bytes(0xa4, 0xf0, 0x9f) };
      yield { type: "exit" as const, exitCode: 0, signal: null, timedOut: false };
    },
  };
  const { said } = await run("process.exec", { program: "/bin/p" }, { programs });
  assert.deepEqual(said.map((emission) => emission.body), [
    { fd: 1, text: "a" },
    { fd: 2, base64: "pA==" },
    { fd: 1, text: "ä" },
    { fd: 1, base64: "8J8=" },
  ]);
});

Deno.test("fs.stat says what a path is", async () => {
  const { outcome } = await run("fs.stat", { path: "/d/a" }, { files: { "/d/a": "12345" } });
  assert.deepEqual(outcome.result, { kind: "file", bytes: 5, modified: null, mode: "0644" });
  assert.equal((await run("fs.stat", { path: "/d" }, { files: { "/d/a": "" } })).outcome.result?.["kind"], "directory");
  await assert.rejects(run("fs.stat", { path: "/none" }), { code: "input.not_found" });
});

Deno.test("tags.set sets and removes, but none of the tags that the host's owner wrote", async () => {
  const ownTags = ["os", "env"];
  assert.deepEqual((await run("tags.set", { key: "role", value: "web" }, { ownTags })).said, [
    { kind: "setTag", body: { key: "role", value: "web" } },
  ]);
  assert.deepEqual((await run("tags.set", { key: "role", value: null }, { ownTags })).said, [
    { kind: "setTag", body: { key: "role", value: null } },
  ]);
  for (const value of ["prod", null]) {
    await assert.rejects(run("tags.set", { key: "env", value }, { ownTags }), { code: "tags.owned" });
  }
  const bad: JsonObject[] = [
    { key: "", value: "x" },
    { key: "a b", value: "x" },
    { key: "__proto__", value: "x" },
    { key: "x".repeat(LIMITS.tagKeyCharsMax + 1), value: "x" },
    { key: "a", value: "x".repeat(LIMITS.tagValueCharsMax + 1) },
    { key: "a", value: 5 },
    { key: "a" },
  ];
  for (const input of bad) {
    await assert.rejects(run("tags.set", input), { code: "input.invalid" }, JSON.stringify(input));
  }
});

Deno.test("kv commands answer values with their versions, and pages of keys", async () => {
  const kv = createKvTable();
  const ask = async (key: string, input: JsonObject) => (await run(key, input, { kv })).outcome.result;
  assert.deepEqual(await ask("kv.get", { key: "a" }), { value: null, version: 0 });
  assert.deepEqual(await ask("kv.set", { key: "a", value: [1], ifVersion: 0 }), { version: 1 });
  assert.deepEqual(await ask("kv.get", { key: "a" }), { value: [1], version: 1 });
  await assert.rejects(ask("kv.set", { key: "a", value: 2, ifVersion: 0 }), { code: "kv.conflict" });
  assert.deepEqual(await ask("kv.set", { key: "a", value: null }), { version: 2 });
  await assert.rejects(ask("kv.delete", { key: "a", ifVersion: 1 }), { code: "kv.conflict" });
  assert.deepEqual(await ask("kv.delete", { key: "a" }), { deleted: true });
  assert.deepEqual(await ask("kv.delete", { key: "a" }), { deleted: false });
  for (let i = 0; i <= LIMITS.kvListMax; i++) await ask("kv.set", { key: `k/${1000 + i}`, value: i });
  const page = await ask("kv.list", { prefix: "k/" });
  assert.deepEqual([(page?.["keys"] as string[]).length, page?.["cut"]], [LIMITS.kvListMax, true]);
  const rest = await ask("kv.list", { prefix: "k/", after: (page?.["keys"] as string[]).at(-1)! });
  assert.deepEqual(rest, { keys: [`k/${1000 + LIMITS.kvListMax}`], cut: false });
  for (const input of [{ key: "a b", value: 1 }, { key: "a" }, { key: "a", value: 1, ifVersion: 1.5 }]) {
    await assert.rejects(ask("kv.set", input), { code: "input.invalid" });
  }
});

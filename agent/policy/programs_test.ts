/** Every trick by which a program could be run that the owner did not mean. */
import assert from "node:assert/strict";
import type { ErrorCode } from "../../base/errors.ts";
import type { ProgramRequest } from "../../commands/host.ts";
import { parsePolicy } from "./parse.ts";
import type { ProgramRule } from "./policy.ts";
import { decideProgram, DEFAULT_ENV, type ProgramFacts } from "./programs.ts";
import type { PathStep } from "./walk.ts";

const folder = (path: string, more: Partial<PathStep> = {}): PathStep => {
  return { path, kind: "directory", mode: 0o40755, uid: 0, ...more };
};
const file = (path: string, more: Partial<PathStep> = {}): PathStep => {
  return { path, kind: "file", mode: 0o100755, uid: 0, ...more };
};

/** A healthy `/usr/bin/ls`. */
function factsOf(more: Partial<ProgramFacts> = {}): ProgramFacts {
  const real = more.realPath === undefined ? "/usr/bin/ls" : more.realPath;
  return {
    realPath: real,
    realPathAtStart: real,
    way: [folder("/"), folder("/usr"), folder("/usr/bin")],
    file: real === null ? null : file(real),
    sha256: null,
    agentUid: 1000,
    realArgs: new Map(),
    realFolders: new Map(),
    realExcept: [],
    ...more,
  };
}

const LS: ProgramRule = { path: "/usr/bin/ls", args: [] };

function decide(
  rules: ProgramRule | ProgramRule[],
  request: Partial<ProgramRequest> = {},
  facts?: Partial<ProgramFacts>,
) {
  const programs = Array.isArray(rules) ? rules : [rules];
  const policy = { ...parsePolicy({}), programs };
  return decideProgram(policy, { program: programs[0]?.path ?? "", args: [], ...request }, factsOf(facts));
}

const outcome = (decision: ReturnType<typeof decide>): "allowed" | ErrorCode => {
  return decision.allowed ? "allowed" : decision.code;
};

interface Case {
  name: string;
  rule?: ProgramRule;
  request?: Partial<ProgramRequest>;
  facts?: Partial<ProgramFacts>;
  is: "allowed" | ErrorCode;
}

function table(cases: readonly Case[]): void {
  for (const { name, rule = LS, request, facts, is } of cases) {
    const decision = decide(rule, request, facts);
    assert.equal(outcome(decision), is, `${name}: ${decision.allowed ? "allowed" : decision.detail}`);
  }
}

Deno.test("decideProgram() takes the path byte for byte", () => {
  table([
    { name: "as written", is: "allowed" },
    { name: "by PATH", request: { program: "ls" }, is: "policy.program_refused" },
    { name: "relative", request: { program: "./ls" }, is: "policy.program_refused" },
    { name: "dot dot", request: { program: "/usr/bin/../bin/ls" }, is: "policy.program_refused" },
    { name: "double slash", request: { program: "//usr/bin/ls" }, is: "policy.program_refused" },
    { name: "slash at the end", request: { program: "/usr/bin/ls/" }, is: "policy.program_refused" },
    { name: "NUL", request: { program: "/usr/bin/ls\0x" }, is: "policy.program_refused" },
    { name: "case", request: { program: "/usr/bin/LS" }, is: "policy.program_refused" },
    {
      name: "Cyrillic look-alike",
      request: { program: "/usr/bin/ls".replace("s", "ѕ") },
      is: "policy.program_refused",
    },
    { name: "combining mark", request: { program: "/usr/bin/ls\u0301" }, is: "policy.program_refused" },
    { name: "space", request: { program: "/usr/bin/ls " }, is: "policy.program_refused" },
    { name: "empty", request: { program: "" }, is: "policy.program_refused" },
  ]);
  assert.equal(outcome(decide([], { program: "/usr/bin/ls" })), "policy.program_refused");
});

Deno.test("decideProgram() follows no link that the entry does not name", () => {
  const bin: ProgramRule = { path: "/bin/ls", realPath: "/usr/bin/ls", args: [] };
  table([
    { name: "usrmerge, named", rule: bin, is: "allowed" },
    { name: "usrmerge, not named", rule: { path: "/bin/ls", args: [] }, is: "policy.program_refused" },
    { name: "link elsewhere", rule: bin, facts: { realPath: "/opt/evil/ls" }, is: "policy.program_refused" },
    { name: "nothing there", facts: { realPath: null }, is: "policy.program_refused" },
    { name: "moved since start", facts: { realPathAtStart: "/usr/bin/ls.old" }, is: "policy.program_refused" },
    { name: "not there at start", facts: { realPathAtStart: null }, is: "policy.program_refused" },
    { name: "a folder", facts: { file: folder("/usr/bin/ls") }, is: "policy.program_refused" },
    { name: "a device", facts: { file: file("/usr/bin/ls", { kind: "other" }) }, is: "policy.program_refused" },
  ]);
});

Deno.test("decideProgram() refuses what somebody else could replace", () => {
  const way = (...steps: PathStep[]) => ({ way: [folder("/"), ...steps] });
  const mode = (bits: number) => ({ file: file("/usr/bin/ls", { mode: 0o100000 | bits }) });
  table([
    { name: "file writable by all", facts: mode(0o757), is: "policy.program_writable" },
    { name: "file writable by group", facts: mode(0o775), is: "policy.program_writable" },
    {
      name: "file of another user",
      facts: { file: file("/usr/bin/ls", { uid: 1001 }) },
      is: "policy.program_writable",
    },
    { name: "file of the agent's user", facts: { file: file("/usr/bin/ls", { uid: 1000 }) }, is: "allowed" },
    { name: "folder writable by all", facts: way(folder("/tmp", { mode: 0o40777 })), is: "policy.program_writable" },
    { name: "sticky folder", facts: way(folder("/tmp", { mode: 0o41777 })), is: "policy.program_writable" },
    { name: "folder writable by group", facts: way(folder("/opt", { mode: 0o40775 })), is: "policy.program_writable" },
    { name: "folder of another user", facts: way(folder("/home/eve", { uid: 1001 })), is: "policy.program_writable" },
    { name: "root folder", facts: { way: [folder("/", { mode: 0o40777 })] }, is: "policy.program_writable" },
    {
      name: "link of root, mode 777 as all links",
      facts: way({ path: "/bin", kind: "symlink", mode: 0o120777, uid: 0 }),
      is: "allowed",
    },
    {
      name: "link of another user",
      facts: way({ path: "/bin", kind: "symlink", mode: 0o120777, uid: 1001 }),
      is: "policy.program_writable",
    },
    { name: "no owners on this platform", facts: mode(0o755), is: "allowed" },
    {
      name: "no owners on this platform",
      facts: { file: file("/usr/bin/ls", { mode: null, uid: null }) },
      is: "policy.program_writable",
    },
  ]);
});

Deno.test("decideProgram() compares the digest", () => {
  const rule = { ...LS, sha256: "aa".repeat(32) };
  table([
    { name: "right", rule, facts: { sha256: "aa".repeat(32) }, is: "allowed" },
    { name: "wrong", rule, facts: { sha256: "bb".repeat(32) }, is: "policy.hash_mismatch" },
    { name: "unknown", rule, facts: { sha256: null }, is: "policy.hash_mismatch" },
    {
      name: "pinned, no owners on this platform",
      rule,
      facts: { sha256: "aa".repeat(32), way: [], file: file("/usr/bin/ls", { mode: null, uid: null }) },
      is: "allowed",
    },
  ]);
});

Deno.test("decideProgram() refuses what runs other programs, by both names", () => {
  const sh: ProgramRule = { path: "/bin/sh", realPath: "/usr/bin/dash", args: [] };
  const busybox = { realPath: "/bin/busybox" };
  table([
    { name: "shell", rule: sh, facts: { realPath: "/usr/bin/dash" }, is: "policy.interpreter" },
    { name: "shell, meant", rule: { ...sh, interpreter: true }, facts: { realPath: "/usr/bin/dash" }, is: "allowed" },
    {
      name: "shell behind a harmless name",
      rule: { path: "/usr/bin/report", realPath: "/usr/bin/dash", args: [] },
      facts: { realPath: "/usr/bin/dash" },
      is: "policy.interpreter",
    },
    {
      name: "env",
      rule: { path: "/usr/bin/env", args: [] },
      facts: { realPath: "/usr/bin/env" },
      is: "policy.interpreter",
    },
    {
      name: "python3.12",
      rule: { path: "/usr/bin/python3.12", args: [] },
      facts: { realPath: "/usr/bin/python3.12" },
      is: "policy.interpreter",
    },
    {
      name: "find",
      rule: { path: "/usr/bin/find", args: [] },
      facts: { realPath: "/usr/bin/find" },
      is: "policy.interpreter",
    },
    { name: "applet", rule: { path: "/bin/ls", realPath: "/bin/busybox", args: [] }, facts: busybox, is: "allowed" },
    {
      name: "another applet",
      rule: { path: "/bin/ls", realPath: "/bin/busybox", args: [] },
      request: { program: "/bin/cat" },
      facts: busybox,
      is: "policy.program_refused",
    },
    {
      name: "the shell's applet",
      rule: { path: "/bin/sh", realPath: "/bin/busybox", args: [] },
      facts: busybox,
      is: "policy.interpreter",
    },
    {
      name: "busybox itself",
      rule: { path: "/bin/busybox", args: [{ is: "ls" }] },
      request: { args: ["ls"] },
      facts: busybox,
      is: "policy.interpreter",
    },
    {
      name: "busybox itself when an applet is allowed",
      rule: { path: "/bin/ls", realPath: "/bin/busybox", args: [] },
      request: { program: "/bin/busybox", args: ["sh"] },
      facts: busybox,
      is: "policy.program_refused",
    },
  ]);
});

Deno.test("decideProgram() matches all arguments by position", () => {
  const args = (args: string[]) => ({ args });
  const unit: ProgramRule = { ...LS, args: [{ oneOf: ["start", "stop"] }, { word: 20 }] };
  const refused = "policy.args_refused";
  table([
    { name: "none allowed, none given", is: "allowed" },
    { name: "none allowed, one given", request: args(["/etc"]), is: refused },
    { name: "none allowed, empty one given", request: args([""]), is: refused },
    { name: "fits", rule: unit, request: args(["start", "nginx.service"]), is: "allowed" },
    { name: "too few", rule: unit, request: args(["start"]), is: refused },
    { name: "too many", rule: unit, request: args(["start", "a", "b"]), is: refused },
    { name: "order", rule: unit, request: args(["nginx", "start"]), is: refused },
    { name: "option as a word", rule: unit, request: args(["start", "--now"]), is: refused },
    { name: "option before", rule: unit, request: args(["--root=/x", "start", "a"]), is: refused },
    { name: "end of options", rule: unit, request: args(["--", "start", "a"]), is: refused },
    { name: "NUL", rule: unit, request: args(["start", "a\0b"]), is: refused },
    { name: "half a character", rule: unit, request: args(["start", "\ud800"]), is: refused },
    {
      name: "half a character that the entry names",
      rule: { ...LS, args: [{ is: "\ud800" }] },
      request: args(["\ud800"]),
      is: refused,
    },
    { name: "look-alike", rule: unit, request: args(["stаrt", "a"]), is: refused },
    { name: "line break", rule: unit, request: args(["start", "a\n"]), is: refused },
    { name: "shell signs", rule: unit, request: args(["start", "$(id)"]), is: refused },
    { name: "too long", rule: unit, request: args(["start", "a".repeat(21)]), is: refused },
    { name: "empty word", rule: unit, request: args(["start", ""]), is: refused },
    {
      name: "a thousand",
      rule: { ...LS, args: [{ word: 9 }], repeatLast: true },
      request: args(Array(1000).fill("a")),
      is: refused,
    },
  ]);
});

Deno.test("decideProgram() takes only listed options, and only before the arguments", () => {
  const rule: ProgramRule = { ...LS, options: ["-l", "--all"], args: [{ word: 9 }], optional: 1 };
  const refused = "policy.args_refused";
  const cases: [string[], Case["is"]][] = [
    [[], "allowed"],
    [["-l"], "allowed"],
    [["-l", "--all", "x"], "allowed"],
    [["x", "-l"], refused],
    [["-la"], refused],
    [["-L"], refused],
    [["--all=x"], refused],
    [["-l", "-"], refused],
    [["−l"], refused],
  ];
  table(cases.map(([args, is]) => ({ name: args.join(" "), rule, request: { args }, is })));
});

Deno.test("decideProgram() knows absent and repeated arguments", () => {
  const rule: ProgramRule = {
    ...LS,
    args: [{ is: "a" }, { integer: { min: 1, max: 9 } }],
    optional: 1,
    repeatLast: true,
  };
  const refused = "policy.args_refused";
  const cases: [string[], Case["is"]][] = [
    [[], refused],
    [["a"], "allowed"],
    [["a", "1"], "allowed"],
    [["a", "1", "2", "3"], "allowed"],
    [["a", "1", "a"], refused],
    [["1", "1"], refused],
  ];
  table(cases.map(([args, is]) => ({ name: args.join(" "), rule, request: { args }, is })));
});

Deno.test("decideProgram() reads whole numbers strictly", () => {
  const rule: ProgramRule = { ...LS, args: [{ integer: { min: -5, max: 100 } }] };
  for (const arg of ["0", "100", "7", "-5"]) assert.equal(outcome(decide(rule, { args: [arg] })), "allowed", arg);
  for (
    const arg of ["101", "-6", "007", "1e2", "0x10", " 7", "7 ", "+7", "7.0", "", "-0", "٧", "99999999999999999999"]
  ) {
    assert.equal(outcome(decide(rule, { args: [arg] })), "policy.args_refused", arg);
  }
});

Deno.test("decideProgram() takes paths only by where they really lead", () => {
  const rule: ProgramRule = { ...LS, args: [{ pathBelow: ["/srv", "/data"] }] };
  const facts = {
    realFolders: new Map([["/srv", "/mnt/srv"], ["/data", "/data"]]),
    realArgs: new Map([
      ["/srv/a", "/mnt/srv/a"],
      ["/data/link", "/etc/shadow"],
      ["/data/b", "/data/b"],
      ["/database", "/database"],
      ["/data/../etc", "/data/x"],
      ["data/b", "/data/b"],
      ["/srv/agent/agent.key", "/mnt/srv/agent/agent.key"],
    ]),
    realExcept: ["/mnt/srv/agent"],
  };
  assert.equal(
    outcome(decide(rule, { args: ["/srv/agent/agent.key"] }, facts)),
    "policy.args_refused",
    "the agent's own",
  );
  for (const arg of ["/srv/a", "/data/b"]) assert.equal(outcome(decide(rule, { args: [arg] }, facts)), "allowed", arg);
  for (const arg of ["/data/link", "/database", "/data/../etc", "data/b", "/data/unknown", "-/data/b", "/etc/shadow"]) {
    assert.equal(outcome(decide(rule, { args: [arg] }, facts)), "policy.args_refused", arg);
  }
});

Deno.test("decideProgram() gives standard input only where it is allowed, and a clean environment", () => {
  assert.equal(outcome(decide(LS, { stdin: "x" })), "policy.stdin_refused");
  assert.equal(outcome(decide(LS, { stdin: "" })), "policy.stdin_refused");
  assert.equal(outcome(decide({ ...LS, stdin: true }, { stdin: "x" })), "allowed");
  const plain = decide(LS);
  assert.deepEqual(plain.allowed && plain.env, DEFAULT_ENV);
  const own = decide({ ...LS, env: { TZ: "UTC" } });
  assert.deepEqual(own.allowed && own.env, { TZ: "UTC" });
});

Deno.test("decideProgram() tries every entry of a path and names the nearest reason", () => {
  const rules: ProgramRule[] = [
    { ...LS, args: [{ is: "a" }] },
    { ...LS, args: [{ is: "b" }], stdin: true },
  ];
  assert.equal(outcome(decide(rules, { args: ["b"], stdin: "x" })), "allowed");
  assert.equal(outcome(decide(rules, { args: ["a"], stdin: "x" })), "policy.stdin_refused");
  assert.equal(outcome(decide(rules, { args: ["c"] })), "policy.args_refused");
});

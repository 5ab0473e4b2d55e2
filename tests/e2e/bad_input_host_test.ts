/** Bad input that reaches a host: paths, programs and scripts, through the command line of the compiled programs. */
import assert from "node:assert/strict";
import type { ErrorCode } from "../../base/errors.ts";
import { Fleet } from "../support/fleet.ts";
import { assertRefused } from "./bad_input.ts";

const TOUCH = Deno.realPathSync("/usr/bin/touch");
const PRINTF = Deno.realPathSync("/usr/bin/printf");
const ESCAPES = "\\033]0;title\\007\\033[31mred\\033[0m\\r\\302\\233hidden\\n";
const NO_UTF8 = "\\377\\376 and text\\n";

interface Host {
  fleet: Fleet;
  folder: string;
}

/** A server, and an agent whose policy allows a little and invites mistakes. */
async function host(): Promise<Host> {
  const fleet = await Fleet.start();
  const folder = `${fleet.folder}/host`;
  for (const name of ["data", "open", "markers"]) await Deno.mkdir(`${folder}/${name}`, { recursive: true });
  await Deno.writeTextFile(`${folder}/data/allowed`, "allowed\n");
  await Deno.writeTextFile(`${folder}/secret`, "secret\n");
  await Deno.symlink(`${folder}/secret`, `${folder}/data/link`);
  await Deno.symlink(TOUCH, `${folder}/renamed`);
  await Deno.copyFile(TOUCH, `${folder}/open/tool`);
  await Deno.chmod(`${folder}/open/tool`, 0o755);
  await Deno.chmod(`${folder}/open`, 0o777);
  await fleet.startAgent({
    name: "host",
    policy: {
      files: { read: [`${folder}/data`] },
      programs: [
        { path: TOUCH, args: [{ pathBelow: [`${folder}/markers`] }] },
        { path: `${folder}/open/tool`, args: [{ word: 300 }] },
        { path: `${folder}/renamed`, args: [{ word: 300 }] },
        { path: "/bin/sh", realPath: Deno.realPathSync("/bin/sh"), args: [{ is: "-c" }, { word: 300 }] },
        { path: PRINTF, args: [{ oneOf: [ESCAPES, NO_UTF8] }] },
      ],
    },
  });
  return { fleet, folder };
}

interface BadCommand {
  name: string;
  code: ErrorCode;
  words(folder: string): string[];
}

const COMMANDS: BadCommand[] = [
  {
    name: "a symbolic link out of an allowed folder",
    code: "policy.path_refused",
    words: (folder) => ["fs.read", `${folder}/data/link`],
  },
  {
    name: "a path with .. in it",
    code: "policy.path_refused",
    words: (folder) => ["fs.read", `${folder}/data/../secret`],
  },
  { name: "a relative path", code: "policy.path_refused", words: () => ["fs.read", "data/allowed"] },
  { name: "a program by its bare name", code: "policy.program_refused", words: () => ["process.exec", "touch", "x"] },
  {
    name: "a program by a path that leads to it",
    code: "policy.program_refused",
    words: (folder) => ["process.exec", `/usr/../${TOUCH}`, `${folder}/markers/x`],
  },
  {
    name: "a link to a program under another name",
    code: "policy.program_refused",
    words: (folder) => ["process.exec", `${folder}/renamed`, `${folder}/markers/x`],
  },
  {
    name: "a program in a folder that everybody may write",
    code: "policy.program_writable",
    words: (folder) => ["process.exec", `${folder}/open/tool`, `${folder}/markers/x`],
  },
  {
    name: "a shell that the policy does not call one",
    code: "policy.interpreter",
    words: () => ["process.exec", "/bin/sh", "--", "-c", "id"],
  },
  {
    name: "an argument outside the folder it must lie in",
    code: "policy.args_refused",
    words: (folder) => ["process.exec", TOUCH, `${folder}/data/x`],
  },
  {
    name: "an option that is not in the list",
    code: "policy.args_refused",
    words: (folder) => ["process.exec", TOUCH, "--", "-r", `${folder}/markers/x`],
  },
];

interface BadScript {
  name: string;
  code: ErrorCode;
  body: string;
  /** What the refusal says besides. */
  says?: string;
  header?: string;
  args?: string[];
}

const SCRIPTS: BadScript[] = [
  { name: "an endless loop", code: "script.timeout", body: "for (;;) {}" },
  {
    name: "a regular expression that never ends",
    code: "script.timeout",
    body: "/^(a+)+$/.test('a'.repeat(64) + '!');",
  },
  {
    name: "a memory bomb",
    code: "script.memory",
    body: "const all = []; for (;;) all.push(new Array(100000).fill('x'));",
  },
  { name: "a flood of calls", code: "script.timeout", body: "for (let i = 0; i < 1e6; i++) output.emit({ i });" },
  { name: "output.emit([])", code: "script.threw", says: "output.emit got an array", body: "await output.emit([]);" },
  { name: "recursion without an end", code: "script.stack", body: "const f = () => f() + 1; f();" },
  { name: "a command outside uses", code: "script.threw", body: "await process.exec({ program: '/bin/sh' });" },
  {
    name: "a command above the script's access",
    code: "run.access",
    header: "uses: [process.exec]",
    body: "await process.exec({ program: '/bin/sh' });",
  },
  {
    name: "arguments that break the schema",
    code: "args.mismatch",
    header: "uses: []\nargs: {type: object, properties: {count: {type: integer}}}",
    body: "1;",
    args: ["--args", '{"count": "many"}'],
  },
];

Deno.test("host gives nothing to commands and scripts that ask for too much", async (t) => {
  const { fleet, folder } = await host();
  try {
    for (const { name, code, words } of COMMANDS) {
      await t.step(name, async () => assertRefused(await fleet.cli("run", ...words(folder)), code));
    }
    for (
      const [index, { name, code, body, says = "", header = "uses: [output.emit]", args = [] }] of SCRIPTS.entries()
    ) {
      await t.step(name, async () => {
        const path = `${folder}/script-${index}.js`;
        await Deno.writeTextFile(path, `/*---\nname: script-${index}\naccess: 0\n${header}\n---*/\n${body}\n`);
        await fleet.must("script", "sign", path);
        const result = await fleet.cli("run", "--timeout", code === "script.timeout" ? "2" : "60", path, ...args);
        assertRefused(result, code);
        assert.ok(result.err.includes(says), result.err);
      });
    }
    await t.step("the server and the agent outlived it all", () => {
      for (const program of [fleet.server!, ...fleet.agents.values()]) {
        assert.equal(program.isOver, false, program.lines.slice(-30).join("\n"));
      }
    });
    await t.step("what is allowed still works, and nothing else did", async () => {
      assert.deepEqual([...Deno.readDirSync(`${folder}/markers`)], []);
      assert.match((await fleet.must("run", "fs.read", `${folder}/data/allowed`)).out, /allowed/);
    });
    await t.step("terminal escapes come out as text", async () => {
      const { out } = await fleet.must("run", "process.exec", PRINTF, "--", ESCAPES);
      assert.match(out, /red/);
      // deno-lint-ignore no-control-regex -- control characters are the point
      assert.doesNotMatch(out, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    });
    await t.step("bytes that are no UTF-8 come whole, in base64", async () => {
      const { out } = await fleet.must("run", "-o", "json", "process.exec", PRINTF, "--", NO_UTF8);
      const bodies = out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line).body);
      const base64 = bodies.map((body) => body.base64).find((text) => text !== undefined);
      assert.equal(atob(base64), "\xff\xfe and text\n");
    });
  } finally {
    await fleet.stop();
  }
});

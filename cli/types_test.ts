import assert from "node:assert/strict";
import { COMMANDS } from "../commands/mod.ts";
import { runCli } from "./program.ts";
import { typesText } from "./types_text.ts";
import { memoryWorld } from "./world/world_memory.ts";

const SCRIPTS = new URL("../examples/scripts/", import.meta.url);

/** As the head of the declarations tells authors to set up their editor. */
const CONFIG = {
  compilerOptions: { lib: ["esnext"], types: ["./jabber.d.ts"], checkJs: true, strict: false },
  nodeModulesDir: "none",
};

/** What the type checker says of this script body beside these declarations; empty when it is content. */
async function check(files: Record<string, string>, types = typesText(COMMANDS)): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "jabber-types-" });
  try {
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(CONFIG));
    await Deno.writeTextFile(`${folder}/jabber.d.ts`, types);
    for (const [name, text] of Object.entries(files)) {
      // A script is the body of an async function, which a module is not.
      await Deno.writeTextFile(`${folder}/${name}`, `export default async function () {\n${text}\n}\n`);
    }
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--no-lock", ...Object.keys(files)],
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    return success ? "" : new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("jabber types: the example scripts pass the type checker with it", async () => {
  const files: Record<string, string> = {};
  for await (const { name } of Deno.readDir(SCRIPTS)) {
    files[name] = await Deno.readTextFile(new URL(name, SCRIPTS));
  }
  assert.ok(Object.keys(files).length >= 4);
  assert.equal(await check(files), "");
});

Deno.test("jabber types: every way of calling a command is known, and what is wrong is found", async () => {
  const good = `
    const a: FsReadResult = await fs.read("/x");
    await fs.read("/x", 0, 100);
    await fs.read("/x", undefined, 9);
    await fs.read("/x", { length: 9 });
    await fs.read({ path: "/x", length: 9 });
    await output.emit({ path: "/x" });
    await process.exec("/bin/ls", (item) => item.text);
    await process.exec("/bin/ls", ["-l"], async (item) => { if (item.fd === 1) print(item.text); });
    const { exitCode } = await process.exec({ program: "/bin/ls", args: [] });
    try { await log.info("x"); } catch (error) { console.log((error as CommandError).code); }
    return { a, exitCode, facts: (await sys.facts()).hostname };`;
  assert.equal(await check({ "good.ts": good }), "");
  const bad = {
    "a.ts": "fs.read();",
    "b.ts": 'fs.read("/x", { size: 9 });',
    "c.ts": "process.exec(1);",
    "d.ts.ts": "const { nope } = await sys.facts();",
    "e.ts": 'await fetch("https://example.org");',
  };
  const said = await check(bad);
  for (const name of Object.keys(bad)) assert.ok(said.includes(`/${name}:2:`), `${name}: ${said}`);
});

Deno.test("jabber types SCRIPT knows the script's own arguments and commands", async () => {
  const text = await Deno.readTextFile(new URL("count-errors.js", SCRIPTS));
  const world = memoryWorld();
  world.disk.set("count-errors.js", { content: new TextEncoder().encode(text), mode: 0o644 });
  assert.equal(await runCli(["types", "count-errors.js"], world), 0, world.printed.err);
  const types = world.printed.out;
  assert.match(types, /declare const args: Readonly<\{file: string, word: string, show: number\}>;/);
  assert.equal(await check({ "count-errors.js": text }, types), "");
  assert.match(await check({ "a.ts": "args.file.length; args.nope;" }, types), /'nope' does not exist/);
  const hyphen = text.replace("word: {", "some-word: {");
  world.disk.set("hyphen.js", { content: new TextEncoder().encode(hyphen), mode: 0o644 });
  world.printed.out = "";
  assert.equal(await runCli(["types", "hyphen.js"], world), 0, world.printed.err);
  assert.equal(await check({ "h.ts": 'args["some-word"].length;' }, world.printed.out), "");
  assert.match(await check({ "b.ts": 'await process.exec("/bin/ls");' }, types), /find name 'process'/);
});

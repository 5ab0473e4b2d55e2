import assert from "node:assert/strict";
import { asciiText, bundleProgram, relocate } from "./bundle.ts";
import { compileProgram, planBuild } from "./compile.ts";
import { findRuntime } from "./denort.ts";
import { type Program, PROGRAMS } from "./programs.ts";
import { BuildError } from "./shell.ts";
import { findTarget, TARGETS } from "./targets.ts";

const FIXTURE: Program = {
  name: "fixture",
  entry: "build/testdata/fixture/main.ts",
  grants: { net: true, env: ["HOME"], sys: ["hostname"] },
};

async function inTempDir(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "jabber-compile-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("compileProgram() makes a file that holds its grants and nothing more", () =>
  inTempDir(async (folder) => {
    const target = findTarget(Deno.build.target);
    assert.ok(target, "tests run on a platform that is also a target");
    const runtime = await findRuntime(target, false, () => {});
    const bundle = await bundleProgram(FIXTURE.entry);
    assert.deepEqual(
      bundle.map((module) => module.path),
      ["build/testdata/fixture/main.js", "build/testdata/fixture/deep/deep_worker.js"],
    );
    const job = { program: FIXTURE, bundle, target, runtime, folder: `${folder}/dist`, stamps: `${folder}/stamps` };
    const first = await compileProgram(job);
    assert.ok(first.fresh);

    const ran = await new Deno.Command(first.path, {
      env: { HOME: "/home/fixture", FIXTURE_SECRET: "seen", TMPDIR: folder, NO_COLOR: "1" },
      clearEnv: true,
      // Without the linear engine the program would think about its regular expression for days.
      signal: AbortSignal.timeout(30_000),
    }).output();
    assert.ok(ran.success, new TextDecoder().decode(ran.stderr));
    const { description, ...seen } = JSON.parse(new TextDecoder().decode(ran.stdout));
    assert.match(
      description,
      /may use: net, env \(HOME\), sys \(hostname\)\nmay not use: read, write, run, ffi, import$/,
    );
    assert.deepEqual(seen, {
      yaml: { a: 1 },
      x509: "function",
      ws: "function",
      secret: null,
      home: "/home/fixture",
      run: "NotCapable",
      ffi: "NotCapable",
      catastrophe: false,
      worker: { read: "NotCapable", catastrophe: false, zod: 42 },
    });
    const left = [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
    assert.deepEqual(left, ["dist", "stamps"], "a program leaves no code cache in the temporary folder");

    assert.equal((await compileProgram(job)).fresh, false, "nothing changed");
    await Deno.writeTextFile(first.path, "broken");
    const mended = await compileProgram(job);
    assert.ok(mended.fresh, "a damaged file is made again");
    assert.equal(mended.sha256, first.sha256, "the same sources give the same bytes");
    const wider = { ...job, program: { ...FIXTURE, grants: { ...FIXTURE.grants, read: true as const } } };
    assert.ok((await compileProgram(wider)).fresh, "other grants give another file");
  }));

Deno.test("bundleProgram() keeps this machine out of the file", async () => {
  for (const module of await bundleProgram(FIXTURE.entry)) {
    const paths = [...module.text.matchAll(/^\s*\/\/ (\S+\.[cm]?[jt]s)$/gm)].map((match) => match[1] ?? "");
    assert.ok(paths.length > 2, "the bundler names the modules");
    for (const path of paths) assert.match(path, /^(?:npm\/(?:@?[\w.-]+)\/|base\/|build\/)/);
    const home = Deno.env.get("HOME");
    if (home !== undefined && home.length > 3) assert.ok(!module.text.includes(`${home}/`), "the home folder");
  }
});

Deno.test("bundleProgram() says which program is not there", async () => {
  await assert.rejects(bundleProgram("nowhere/main.ts"), { name: "BuildError", message: /"nowhere\/main\.ts"/ });
});

Deno.test("asciiText() escapes what is not ASCII, and the program means the same", () => {
  const program = `/* → */ ["€", \`é\${1}😀\`, /^[→😀]$/u.test("😀"), "ö".length]`;
  const ascii = asciiText("a.ts", program);
  assert.doesNotMatch(ascii, /[\u0080-\uffff]/);
  assert.deepEqual(new Function(`return ${ascii}`)(), ["€", "é1😀", true, 1]);
  for (const lost of ['"\\→"', "String.raw`a→`"]) assert.throws(() => asciiText("a.ts", lost), BuildError);
});

Deno.test("relocate() points Worker URLs at the bundles, wherever the module lay", () => {
  const { text, workers } = relocate(
    "agent/main.ts",
    `// agent/sandbox/start.ts\nnew Worker(new URL("./sandbox_worker.ts", import.meta.url));\n` +
      `// base/store/open.ts\nnew Worker(new URL("./store_worker.ts", import.meta.url));\n` +
      `// agent/main.ts\nnew Worker(new URL("./near_worker.ts", import.meta.url));\n`,
  );
  assert.deepEqual(workers, ["agent/sandbox/sandbox_worker.ts", "base/store/store_worker.ts", "agent/near_worker.ts"]);
  assert.deepEqual([...text.matchAll(/URL\("(.*?)"/g)].map((match) => match[1]), [
    "./sandbox/sandbox_worker.js",
    "../base/store/store_worker.js",
    "./near_worker.js",
  ]);
  assert.throws(() => relocate("agent/main.ts", `new Worker("./a.ts")`), BuildError);
});

Deno.test("planBuild() reads targets, programs and --release", () => {
  assert.deepEqual(planBuild([]), { release: false, targets: undefined, programs: PROGRAMS, check: false });
  const plan = planBuild(["--release", "--target", "aarch64-unknown-linux-gnu", "--only", "jabber-agent"]);
  assert.equal(plan.release, true);
  assert.deepEqual(plan.targets?.map((target) => target.triple), ["aarch64-unknown-linux-gnu"]);
  assert.deepEqual(plan.programs.map((program) => program.name), ["jabber-agent"]);
  assert.equal(planBuild(["--all"]).targets, TARGETS);
  assert.equal(planBuild(["--check"]).check, true);
});

Deno.test("planBuild() gives an agent of one's own what jabber-agent has", () => {
  const [agent, ...others] = planBuild(["--entry", "own/main.ts", "--name", "my-agent"]).programs;
  const shipped = PROGRAMS.find(({ name }) => name === "jabber-agent");
  assert.deepEqual(agent, { ...shipped, name: "my-agent", entry: "own/main.ts" });
  assert.deepEqual(others, []);
  assert.throws(() => planBuild(["--entry", "own/main.ts"]), /belong together/);
  assert.throws(() => planBuild(["--entry", "own/main.ts", "--name", "jabber"]), /"jabber" cannot be the name/);
  for (const entry of ["/own/main.ts", "../main.ts", "own/../../main.ts", "own/main.js"]) {
    assert.throws(() => planBuild(["--entry", entry, "--name", "a"]), /named from the repository's folder/, entry);
  }
});

Deno.test("planBuild() refuses what it does not know and says what there is", () => {
  assert.throws(() => planBuild(["--only", "jaber"]), /"jaber": choose from jabber, /);
  assert.throws(() => planBuild(["--target", "linux"]), /"linux": choose from x86_64-unknown-linux-gnu, /);
  assert.throws(() => planBuild(["--all", "--target", "x86_64-pc-windows-msvc"]), /exclude each other/);
  assert.throws(() => planBuild(["--fast"]), BuildError);
});

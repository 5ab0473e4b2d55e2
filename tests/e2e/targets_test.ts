/**
 * The programs for all platforms. Each file is read (what it is made for, which program it carries, what that may do);
 * those for Linux on arm64 are run too, under qemu, and an agent among them serves a server of this machine. The files
 * for macOS and Windows run under no test.
 */
import assert from "node:assert/strict";
import { VERSION } from "../../base/version.ts";
import { build, planBuild } from "../../build/compile.ts";
import { inspect } from "../../build/inspect.ts";
import { PROGRAMS } from "../../build/programs.ts";
import { inRepository, sha256 } from "../../build/shell.ts";
import { type Target, TARGETS } from "../../build/targets.ts";
import { Fleet } from "../support/fleet.ts";
import { canRun } from "../support/needs.ts";
import { Operator } from "../support/operator.ts";
import { eventually } from "../support/proc.ts";
import { Program } from "../support/program.ts";

const ARM64 = "aarch64-unknown-linux-gnu";
/** Where Debian's libc6-arm64-cross puts the C library that the programs need. */
const ARM64_ROOT = "/usr/aarch64-linux-gnu";

/** An emulated program starts some forty times as slowly, and the machine may have more to do. */
const EMULATED_START_MS_MAX = 240_000;

/** It takes half a minute and 150 MB of downloads. */
function slowLacks(): string | undefined {
  if (Deno.env.get("REQUIRE_SERVICES") === "1") return undefined;
  return "building for all platforms is slow: REQUIRE_SERVICES=1 does it, or `./denow task build --all --check`";
}

async function arm64Lacks(): Promise<string | undefined> {
  try {
    await Deno.stat(`${ARM64_ROOT}/lib/libc.so.6`);
    const { success } = await new Deno.Command("qemu-aarch64-static", { args: ["--version"] }).output();
    return success ? undefined : "qemu-aarch64-static does not run";
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    return "qemu-user-static or libc6-arm64-cross is not installed";
  }
}

/** Makes a program of this machine out of one for arm64. */
async function wrapped(folder: string, name: string): Promise<string> {
  const path = `${folder}/${name}`;
  const program = inRepository(`dist/${ARM64}/${name}`);
  await Deno.writeTextFile(path, `#!/bin/sh\nexec qemu-aarch64-static -L ${ARM64_ROOT} ${program} "$@"\n`, {
    mode: 0o755,
  });
  return path;
}

async function output(path: string, ...args: string[]): Promise<string> {
  const { stdout, stderr, success } = await new Deno.Command(path, { args, env: { NO_COLOR: "1" } }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

async function isWhatItSays({ triple, format, machine, suffix }: Target): Promise<void> {
  const folder = inRepository(`dist/${triple}`);
  const sums = (await Deno.readTextFile(`${folder}/SHA256SUMS`)).trim().split("\n").map((line) => line.split("  "));
  const files = PROGRAMS.map(({ name }) => `${name}${suffix}`).sort();
  assert.deepEqual(sums.map(([, name]) => name), files);
  const bill = JSON.parse(await Deno.readTextFile(`${folder}/sbom.cdx.json`));
  for (const [sum = "", name = ""] of sums) {
    const bytes = await Deno.readFile(`${folder}/${name}`);
    assert.equal(sha256(bytes), sum, name);
    const billed = bill.components.find((one: { name: string }) => one.name === name);
    assert.deepEqual(billed?.hashes, [{ alg: "SHA-256", content: sum }]);
    const seen = inspect(bytes);
    assert.deepEqual([seen.format, seen.machine, seen.version], [format, machine, VERSION]);
    assert.equal(seen.grants.run, name === `jabber-agent${suffix}` ? true : undefined, name);
  }
}

/** Each under qemu says what it says on this machine. */
async function arm64Starts(): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "jabber-arm64-" });
  try {
    for (const { name } of PROGRAMS) {
      const foreign = await output(await wrapped(folder, name), "--version");
      assert.equal(foreign, await output(inRepository(`dist/${name}`), "--version"));
      assert.ok(foreign.startsWith(`${name} ${VERSION}\n`));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function arm64Serves(): Promise<void> {
  const fleet = await Fleet.start();
  try {
    const token = `${fleet.clusterFolder}/join-token.txt`;
    const agent = new Program("arm", await wrapped(fleet.folder, "jabber-agent"), {
      args: ["--data", `${fleet.folder}/arm`, "--name", "arm", "--token-file", token],
    });
    fleet.agents.set("arm", agent);
    const isReady = () => agent.lines.some((line) => line.includes("READY")) || undefined;
    await eventually("READY", EMULATED_START_MS_MAX, isReady);
    const operator = await Operator.signedIn(`${fleet.folder}/operator`);
    const facts = await operator.run("command:sys.facts", { selector: "name=arm" });
    const header = { name: "hello", access: 0, uses: ["output.emit"] };
    const script = await operator.script(header, `await output.emit({ sum: 20 + 22 });`);
    const ran = await operator.run(script, { selector: "name=arm" });
    operator.close();
    assert.ok(facts.ok, JSON.stringify(facts));
    assert.match(JSON.stringify(facts.result), /"arch":"aarch64"/);
    assert.ok(ran.ok, JSON.stringify(ran));
    assert.match(JSON.stringify(ran.records), /"sum":42/);
  } finally {
    await fleet.stop();
  }
}

Deno.test("programs for all platforms", async (t) => {
  if (!canRun(slowLacks())) return;
  const said: string[] = [];
  // The check compares format, machine, version, grants, V8's flags and every module with the tables and the sources.
  await build(planBuild(["--all", "--check"]), (line) => said.push(line));
  assert.equal(said.filter((line) => line.includes("checked")).length, TARGETS.length * PROGRAMS.length);
  for (const target of TARGETS) await t.step(`${target.triple} is what its files say`, () => isWhatItSays(target));
  if (!canRun(await arm64Lacks())) return;
  await t.step("those for arm64 say their version and permissions, as those of this machine do", arm64Starts);
  await t.step("an agent for arm64 serves a server of this machine", arm64Serves);
});

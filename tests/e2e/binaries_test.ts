/** The compiled programs as somebody gets them: single files that need nothing, and may do only what they say. */
import assert from "node:assert/strict";
import { ENV_NAMES, PERMISSION_NAMES, SYS_KINDS } from "../../base/program.ts";
import { VERSION } from "../../base/version.ts";
import { type Grants, PROGRAMS } from "../../build/programs.ts";
import { freePort } from "../support/fleet.ts";
import { canRun } from "../support/needs.ts";
import { binary, Program } from "../support/program.ts";

/** Every library a program may need besides itself; they belong to the system's C library and compiler. */
const LIBRARIES = /^(ld-linux-[\w-]+\.so\.\d|lib(c|m|dl|pthread|rt|gcc_s)\.so\.\d)$/;

async function output(command: string, args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    env: { NO_COLOR: "1", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    clearEnv: true,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

/** What `--version` has to print for these grants, in the order of the families. */
function expectedPermissions(grants: Grants): string {
  const held = PERMISSION_NAMES.flatMap((name) => {
    if (name === "ffi" || name === "import") return [];
    const grant = grants[name];
    if (grant === undefined) return [];
    const all: readonly string[] = name === "env" ? ENV_NAMES : SYS_KINDS;
    return [grant === true ? name : `${name} (${all.filter((part) => grant.includes(part)).join(" ")})`];
  });
  const none = PERMISSION_NAMES.filter((name) => !held.some((one) => one.split(" ", 1)[0] === name));
  return `may use: ${held.join(", ")}\nmay not use: ${none.join(", ")}\n`;
}

Deno.test("the table of programs lets only the agent start programs, and nobody load foreign code", async () => {
  assert.deepEqual(PROGRAMS.filter(({ grants }) => grants.run).map(({ name }) => name), ["jabber-agent"]);
  for (const { name } of PROGRAMS) {
    const { out } = await output(binary(name), ["--version"]);
    const none = /^may not use: (.*)$/m.exec(out)![1]!.split(", ");
    assert.ok(none.includes("ffi") && none.includes("import"), out);
    assert.equal(none.includes("run"), name !== "jabber-agent", out);
  }
});

/** The verbs of the programs whose help is one text. */
const VERBS_OF: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "jabber-agent": [["supervise"], ["service"], ["service", "install"]],
  "jabber-server": [["backup"], ["restore"], ["service"], ["service", "install"]],
};

for (const { name, grants } of PROGRAMS) {
  Deno.test(`${name} says its version, its permissions as the build's table grants them, and how it is used`, async () => {
    const version = await output(binary(name), ["--version"]);
    assert.deepEqual(version, { code: 0, out: `${name} ${VERSION}\n${expectedPermissions(grants)}`, err: "" });
    const help = await output(binary(name), ["--help"]);
    assert.equal(help.code, 0);
    assert.match(help.out, new RegExp(`^Usage: ${name} `));
    assert.equal(help.err, "");
    for (const verb of VERBS_OF[name] ?? []) {
      assert.deepEqual(await output(binary(name), [...verb, "--help"]), help, `${verb.join(" ")} --help`);
    }
    const wrong = await output(binary(name), ["--frobnicate"]);
    assert.equal(wrong.code, 2, "a usage error");
    assert.match(wrong.err, /--frobnicate/);
    assert.equal(wrong.out, "");
  });
}

/** The environment of a bare host: what the toolchain sets for itself must not help here, or hinder. */
const CLEAN = ["NO_COLOR=1", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "JABBER_HOME=/operator"];

/** Mounts vanish with the namespace, so there is nothing to clean up. The runtime finds its own file through /proc. */
const ALONE = 'mount --rbind /proc "$0/proc" && exec chroot "$0" "$@"';

function alone(root: string, command: readonly string[]): [string, string[]] {
  return ["env", ["-i", ...CLEAN, "unshare", "--mount", "/bin/sh", "-c", ALONE, root, ...command]];
}

/** Why no program can be locked into a root of its own here. */
async function rootLacks(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "a root of its own is tried on Linux only";
  if (Deno.uid() !== 0) return "only root may chroot";
  const { code, err } = await output("unshare", ["--mount", "mount", "--rbind", "/proc", "/proc"]);
  return code === 0 ? undefined : `this system mounts nothing: ${err.trim()}`;
}

/** A root folder with the system's C library in it and nothing else. */
async function emptyRoot(program: string): Promise<string> {
  const root = await Deno.makeTempDir({ prefix: "jabber-root-" });
  const { out } = await output("ldd", [program]);
  const libraries = [...out.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path!);
  assert.ok(libraries.length > 1, out);
  await Deno.mkdir(`${root}/proc`);
  for (const path of libraries) {
    assert.match(path.slice(path.lastIndexOf("/") + 1), LIBRARIES);
    await Deno.mkdir(root + path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.copyFile(path, root + path);
  }
  return root;
}

Deno.test("the programs run alone in an empty root", async (t) => {
  if (!canRun(await rootLacks())) return;
  const root = await emptyRoot(binary("jabber"));
  const started: Program[] = [];
  const start = (name: string, args: string[]) => {
    const [command, words] = alone(root, [`/${name}`, ...args]);
    const program = new Program(name, command, { args: words });
    started.push(program);
    return program;
  };
  try {
    for (const { name } of PROGRAMS) {
      await t.step(`${name} --version`, async () => {
        await Deno.copyFile(binary(name), `${root}/${name}`);
        const { code, out, err } = await output(...alone(root, [`/${name}`, "--version"]));
        assert.equal(code, 0, err);
        assert.ok(out.startsWith(`${name} ${VERSION}\nmay use: `));
      });
    }
    await t.step("a cluster is made, its server listens, an agent joins", async () => {
      const listen = ["--listen", `127.0.0.1:${freePort()}`];
      const init = await output(...alone(root, ["/jabber", "init", "/c", ...listen]));
      assert.equal(init.code, 0, init.err);
      await start("jabber-server", ["--config", "/c/jabber-server.yaml"]).line(/listening/);
      const agent = start("jabber-agent", ["--data", "/a", "--name", "alone", "--token-file", "/c/join-token.txt"]);
      await agent.line(/READY/);
    });
  } finally {
    for (const program of started) await program.stop("SIGKILL");
    await Deno.remove(root, { recursive: true });
  }
});

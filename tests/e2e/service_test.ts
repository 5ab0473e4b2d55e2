/** The units of the compiled programs, as systemd reads them; and what supervises where there is no systemd. */
import assert from "node:assert/strict";
import { canRun } from "../support/needs.ts";
import { childrenOf, eventually } from "../support/proc.ts";
import { binary, Program } from "../support/program.ts";
import { Fleet } from "../support/fleet.ts";

/** What `systemd-analyze security` calls "OK" or better; it counts up to 10. */
const EXPOSURE_MAX = 3;

async function run(command: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { NO_COLOR: "1", SYSTEMD_COLORS: "0", SYSTEMD_EMOJI: "0" };
  const { code, stdout, stderr } = await new Deno.Command(command, { args, env, stdin: "null" }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

async function analyzeLacks(): Promise<string | undefined> {
  try {
    return (await run("systemd-analyze", "--version")).code === 0 ? undefined : "systemd-analyze does not run";
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return "systemd-analyze is not installed";
    throw cause;
  }
}

Deno.test("systemd finds nothing wrong with the units, and little to close", async (t) => {
  if (!canRun(await analyzeLacks())) return;
  const folder = await Deno.makeTempDir({ prefix: "jabber-units-" });
  try {
    const config = `${folder}/cluster/jabber-server.yaml`;
    const env = { JABBER_HOME: `${folder}/operator`, NO_COLOR: "1" };
    const init = await new Deno.Command(binary("jabber"), { args: ["init", `${folder}/cluster`], env }).output();
    assert.ok(init.success, new TextDecoder().decode(init.stderr));
    for (const [name, ...args] of [["jabber-agent"], ["jabber-server", "--config", config]] as const) {
      await t.step(name, async () => {
        // A user that every system has, and that is not called unsafe.
        const { code, out, err } = await run(
          binary(name),
          "service",
          "install",
          "--print",
          "--user",
          "daemon",
          ...args,
        );
        assert.equal(code, 0, err);
        const unit = `${folder}/${name}.service`;
        await Deno.writeTextFile(unit, out);
        const verify = await run("systemd-analyze", "verify", "--man=no", unit);
        assert.deepEqual([verify.code, verify.err.trim()], [0, ""]);
        const security = await run("systemd-analyze", "security", "--offline=true", "--no-pager", unit);
        const exposure = Number(/exposure level for \S+: ([\d.]+)/.exec(security.out)?.[1]);
        console.log(`    systemd-analyze security ${name}: ${exposure}`);
        assert.ok(exposure <= EXPOSURE_MAX, security.out);
      });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a host without systemd gets a coded error, and no unit", async () => {
  try {
    if ((await Deno.stat("/run/systemd/system")).isDirectory) return;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  const { code, err } = await run(binary("jabber-agent"), "service", "install");
  assert.equal(code, 1);
  assert.match(err, /service\.no_manager.*jabber-agent supervise/);
  await assert.rejects(Deno.stat("/etc/systemd/system/jabber-agent.service"), Deno.errors.NotFound);
});

Deno.test("supervise starts the agent again after a crash and after a changed policy, and stops with it", async () => {
  const fleet = await Fleet.start();
  const folder = `${fleet.folder}/supervised`;
  await Deno.mkdir(folder, { mode: 0o700 });
  const config = `${folder}/jabber-agent.yaml`;
  const write = (tag: string) =>
    Deno.writeTextFile(config, JSON.stringify({ name: "s", tags: { tag } }), { mode: 0o600 });
  await write("one");
  const supervisor = new Program("supervisor", binary("jabber-agent"), {
    args: ["supervise", "--config", config, "--data", `${folder}/data`, "--token-file", tokenOf(fleet)],
  });
  try {
    const started = async (after: number): Promise<number> => {
      const [, pid] = await supervisor.line(/started the agent pid=(\d+)/, after);
      await supervisor.line(/READY/, after);
      return Number(pid);
    };
    const first = await started(0);
    assert.deepEqual(childrenOf(supervisor.pid), [first]);

    let seen = supervisor.lines.length;
    Deno.kill(first, "SIGKILL");
    const second = await started(seen);
    assert.notEqual(second, first);
    assert.deepEqual(childrenOf(supervisor.pid), [second], "one agent at a time");

    seen = supervisor.lines.length;
    await write("two");
    await supervisor.line(/is started again code=75/, seen);
    const third = await started(seen);
    assert.deepEqual(childrenOf(supervisor.pid), [third]);

    const { code } = await supervisor.stop("SIGTERM");
    assert.equal(code, 0, supervisor.lines.join("\n"));
    await eventually("the agent's end", 10_000, () => isAlive(third) ? undefined : true);
  } finally {
    await supervisor.stop("SIGKILL");
    await fleet.stop();
  }
});

Deno.test("supervise refuses a command line that could never work", async () => {
  const { code, err } = await run(binary("jabber-agent"), "supervise", "--frobnicate");
  assert.equal(code, 2);
  assert.match(err, /--frobnicate/);
});

function tokenOf(fleet: Fleet): string {
  return `${fleet.clusterFolder}/join-token.txt`;
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}

/** More output than anybody wants, and less disk than it takes. */
import assert from "node:assert/strict";
import { TextLineStream } from "../support/lines.ts";
import { Fleet } from "../support/fleet.ts";
import { binary } from "../support/program.ts";

const HEAD = Deno.realPathSync("/usr/bin/head");
const MIB = 1024 * 1024;
const REQUIRED = Deno.env.get("REQUIRE_SERVICES") === "1";
/** A gigabyte takes minutes; where everything is required it is sent, elsewhere a part of it. */
const VOLUME = REQUIRED ? 1024 * MIB : 64 * MIB;
/** Of each program, whatever a run says. */
const MEMORY_BYTES_MAX = 700 * MIB;

function policyFor(bytes: number) {
  return { programs: [{ path: HEAD, args: [{ is: "-c" }, { is: String(bytes) }, { is: "/dev/zero" }] }] };
}

/** The most memory a process has had, in bytes. */
async function peakOf(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** Follows an order's records; answers the bytes of output in them, each record once and in its place. */
async function outputOf(fleet: Fleet, order: string): Promise<number> {
  const follow = new Deno.Command(binary("jabber"), {
    args: ["run", "attach", "-o", "json", order],
    env: { JABBER_HOME: `${fleet.folder}/operator`, HOME: fleet.folder },
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let bytes = 0;
  let next = 0;
  for await (const line of follow.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())) {
    const { offset, kind, body } = JSON.parse(line);
    assert.equal(offset, next++);
    if (kind === "output") bytes += body.base64 === undefined ? body.text.length : atob(body.base64).length;
  }
  assert.equal((await follow.status).code, 0);
  return bytes;
}

async function detached(fleet: Fleet, bytes: number): Promise<string> {
  const args = ["run", "--detach", "process.exec", HEAD, "--", "-c", String(bytes), "/dev/zero"];
  return (await fleet.must(...args)).out.trim();
}

Deno.test("a program that says far too much is heard to its end, in bounded memory", async () => {
  const fleet = await Fleet.start();
  try {
    const agent = await fleet.startAgent({ name: "host", policy: policyFor(VOLUME) });
    assert.equal(await outputOf(fleet, await detached(fleet, VOLUME)), VOLUME);
    if (Deno.build.os === "linux") {
      for (const { pid, name } of [agent, fleet.server!]) {
        const peak = await peakOf(pid);
        assert.ok(peak < MEMORY_BYTES_MAX, `${name} took ${peak} bytes`);
      }
    }
  } finally {
    await fleet.stop();
  }
});

/** Why no small disk can be made here. */
async function noSmallDisk(): Promise<string | undefined> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return "only root on Linux may mount a small disk";
  const folder = await Deno.makeTempDir();
  try {
    return await mount(folder, "1m") ? undefined : "mounting is not allowed here";
  } finally {
    await run("umount", folder);
    await Deno.remove(folder);
  }
}

async function run(program: string, ...args: string[]): Promise<boolean> {
  return (await new Deno.Command(program, { args, stdout: "null", stderr: "null" }).output()).success;
}

function mount(folder: string, size: string): Promise<boolean> {
  return run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder);
}

Deno.test("a server whose disk is full acknowledges nothing more, and goes on when there is room", async () => {
  const why = await noSmallDisk();
  if (why !== undefined) {
    assert.ok(!REQUIRED, why);
    console.log(`skipped: ${why}`);
    return;
  }
  const bytes = 24 * MIB;
  const fleet = await Fleet.start();
  const disk = `${fleet.folder}/disk`;
  try {
    await Deno.mkdir(disk);
    assert.ok(await mount(disk, "12m"));
    await fleet.server!.stop();
    const server = await fleet.startServer("--data", disk);
    await fleet.startAgent({ name: "host", policy: policyFor(bytes) });
    const order = await detached(fleet, bytes);
    await server.line(/store\.full|the disk is full/);
    assert.equal(server.isOver, false);
    assert.ok(await run("mount", "-o", "remount,size=200m", disk));
    assert.equal(await outputOf(fleet, order), bytes);
    await fleet.must("run", "sys.facts");
  } finally {
    await fleet.server?.stop("SIGKILL");
    await run("umount", disk);
    await fleet.stop();
  }
});

/** The real host on the real disk. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { systemClock } from "../../base/clock_system.ts";
import { LIMITS } from "../../base/limits.ts";
import { JabberError } from "../../base/errors.ts";
import type { Files, Host, ProgramRequest } from "../../commands/host.ts";
import { HOST_FILES, hostContract, type WorldDisk } from "../../tests/contracts/host_contract.ts";
import { policyOf, realHost, shellRequest, shellRule } from "../../tests/support/executor.ts";
import type { AgentPolicy, ProgramRule } from "../policy/policy.ts";
import { type RealPath, resolveFolders } from "../policy/paths.ts";
import { realPath } from "./disk.ts";
import { createWatches } from "./file_watch.ts";
import { denoFiles } from "./files.ts";
import { digestProgram, gatherFacts, surveyPrograms } from "./program_facts.ts";

const HELLO = "printf hello; printf oops >&2; exit 3";
const WAITING = "echo out; exec sleep 7431.25";
const never = new AbortController().signal;

const hostOf = (policy: AgentPolicy): Host => realHost(policy)(() => {});

const REAL_DISK: WorldDisk = {
  write: (path, content) => Deno.writeTextFile(path, content),
  append: (path, content) => Deno.writeTextFile(path, content, { append: true }),
  rename: (from, to) => Deno.rename(from, to),
  remove: (path) => Deno.remove(path),
  async special(path) {
    assert.ok((await new Deno.Command("mkfifo", { args: [path] }).output()).success);
  },
  folder: (path) => Deno.mkdir(path),
};

hostContract("real", async () => {
  const parent = await Deno.realPath(await Deno.makeTempDir());
  const root = `${parent}/srv`;
  await Deno.mkdir(`${root}/deep`, { recursive: true });
  await Deno.mkdir(`${root}-other`);
  for (const [path, text] of Object.entries(HOST_FILES)) await Deno.writeTextFile(`${root}/${path}`, text);
  return {
    host: hostOf(policyOf({ files: { read: [root], write: [] }, programs: [shellRule(HELLO, WAITING)] })),
    root,
    disk: REAL_DISK,
    hello: shellRequest(HELLO),
    waiting: shellRequest(WAITING),
    close: () => Deno.remove(parent, { recursive: true }),
  };
});

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const code = (wanted: string) => (error: unknown) => {
  assert.equal((error as { code?: string }).code, wanted, String(error));
  return true;
};

Deno.test("real host follows links only to where it may read", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/in/deep`, { recursive: true });
    await Deno.writeTextFile(`${folder}/in/file`, "in");
    await Deno.writeTextFile(`${folder}/out`, "out");
    await Deno.symlink(`${folder}/in/file`, `${folder}/in/good`);
    await Deno.symlink(`../out`, `${folder}/in/bad`);
    await Deno.symlink(folder, `${folder}/in/up`);
    await Deno.symlink(`${folder}/nowhere`, `${folder}/in/dangling`);
    await Deno.symlink(`loop`, `${folder}/in/loop`);
    const { files } = hostOf(policyOf({ files: { read: [`${folder}/in`], write: [] } }));
    const read = async (path: string) => new TextDecoder().decode(await files.read(`${folder}/${path}`, 0, 9, never));
    assert.equal(await read("in/good"), "in");
    for (const path of ["in/bad", "in/up/out", "in/up/in/bad"]) {
      await assert.rejects(read(path), code("policy.path_refused"), path);
    }
    assert.equal(await read("in/up/in/file"), "in");
    for (const path of ["in/dangling", "in/loop"]) await assert.rejects(read(path), code("input.not_found"), path);
  });
});

Deno.test("real host gives nobody the agent's own folder, whatever else it may read", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/data`);
    await Deno.writeTextFile(`${folder}/data/agent.key`, "secret");
    await Deno.symlink(`${folder}/data`, `${folder}/link`);
    const cat = await Deno.realPath("/bin/cat");
    const host = hostOf(policyOf({
      files: { read: [folder], write: [] },
      programs: [{ path: cat, args: [{ pathBelow: [folder] }] }],
      own: [`${folder}/data`],
    }));
    for (const path of [`${folder}/data/agent.key`, `${folder}/link/agent.key`]) {
      await assert.rejects(host.files.read(path, 0, 9, never), code("policy.path_refused"), path);
      await assert.rejects(textOf(host, { program: cat, args: [path] }), code("policy.args_refused"), path);
    }
  });
});

Deno.test("real host keeps its wall when an allowed folder becomes a link", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/in`);
    await Deno.writeTextFile(`${folder}/secret`, "no");
    const { files } = hostOf(policyOf({ files: { read: [`${folder}/in`], write: [] } }));
    await Deno.remove(`${folder}/in`);
    await Deno.symlink(folder, `${folder}/in`);
    await assert.rejects(files.read(`${folder}/in/secret`, 0, 9, never), code("policy.path_refused"));
  });
});

Deno.test("real host notices a folder that becomes a link between the check and the open", async () => {
  await inFolder(async (folder) => {
    for (const name of ["in/deep", "out"]) {
      await Deno.mkdir(`${folder}/${name}`, { recursive: true });
      await Deno.writeTextFile(`${folder}/${name}/file`, name);
    }
    const readable = resolveFolders([`${folder}/in`], realPath);
    const swapping: RealPath = (path) => {
      const real = realPath(path);
      if (Deno.lstatSync(`${folder}/in/deep`).isDirectory) {
        Deno.removeSync(`${folder}/in/deep`, { recursive: true });
        Deno.symlinkSync(`${folder}/out`, `${folder}/in/deep`);
      }
      return real;
    };
    const files = denoFiles(readable, swapping, systemClock);
    await assert.rejects(files.read(`${folder}/in/deep/file`, 0, 9, never), code("policy.path_refused"));
  });
});

Deno.test("real host lists, watches and looks at nothing behind a link that leads out", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/in/deep`, { recursive: true });
    await Deno.mkdir(`${folder}/out`);
    await Deno.writeTextFile(`${folder}/out/file`, "out");
    await Deno.symlink(`${folder}/out`, `${folder}/in/link`);
    await Deno.symlink(`${folder}/in/deep`, `${folder}/in/good`);
    const { files } = hostOf(policyOf({ files: { read: [`${folder}/in`], write: [] } }));
    for (const path of ["in/link", "in/link/file", "out", "in/../out"]) {
      const full = `${folder}/${path}`;
      await assert.rejects(files.list(full, "", 9, never), code("policy.path_refused"), path);
      await assert.rejects(files.stat(full), code("policy.path_refused"), path);
      await assert.rejects(files.standing(full), code("policy.path_refused"), path);
      await assert.rejects(files.open(full, never), code("policy.path_refused"), path);
      assert.throws(() => files.watch(full), code("policy.path_refused"), path);
    }
    assert.deepEqual(await files.list(`${folder}/in`, "", 9, never), [
      { name: "deep", kind: "directory" },
      { name: "good", kind: "symlink" },
      { name: "link", kind: "symlink" },
    ]);
    assert.deepEqual(await files.list(`${folder}/in/good`, "", 9, never), []);
  });
});

Deno.test("real host tells nothing of a folder that becomes a link between the check and the look", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/out`);
    await Deno.writeTextFile(`${folder}/out/secret`, "");
    const deeds: ((files: Files, path: string) => Promise<unknown>)[] = [
      (files, path) => files.list(path, "", 9, never),
      (files, path) => files.stat(path),
      (files, path) => files.standing(path),
      (files, path) => files.open(`${path}/secret`, never),
    ];
    for (const deed of deeds) {
      await Deno.mkdir(`${folder}/in/deep`, { recursive: true });
      await Deno.writeTextFile(`${folder}/in/deep/secret`, "");
      const swapping: RealPath = (path) => {
        const real = realPath(path);
        if (Deno.lstatSync(`${folder}/in/deep`).isDirectory) {
          Deno.removeSync(`${folder}/in/deep`, { recursive: true });
          Deno.symlinkSync(`${folder}/out`, `${folder}/in/deep`);
        }
        return real;
      };
      const files = denoFiles(resolveFolders([`${folder}/in`], realPath), swapping, systemClock);
      await assert.rejects(deed(files, `${folder}/in/deep`), code("policy.path_refused"));
      await Deno.remove(`${folder}/in`, { recursive: true });
    }
  });
});

Deno.test("real host does not hang in a pipe that takes a file's place between the look and the open", async () => {
  await inFolder(async (folder) => {
    const { files } = hostOf(policyOf({ files: { read: [folder], write: [] } }));
    assert.ok((await new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).output()).success);
    // Whether the pipe is there at the look, at the open or after it is up to the system's threads: each must do.
    for (let round = 0; round < 200; round++) {
      await Deno.writeTextFile(`${folder}/log`, "text");
      const opened = files.open(`${folder}/log`, never).then((file) => file.close(), (cause) => cause);
      for (let spin = 0; spin < round * 20; spin++) realPath(folder);
      Deno.renameSync(`${folder}/pipe`, `${folder}/log`);
      const cause = await opened;
      if (cause !== undefined) assert.match(cause.code, /^(?:input\.invalid|policy\.path_refused)$/);
      Deno.renameSync(`${folder}/log`, `${folder}/pipe`);
    }
  });
});

Deno.test("real host sorts the names of a folder, whatever their order on disk", async () => {
  await inFolder(async (folder) => {
    const { files } = hostOf(policyOf({ files: { read: [folder], write: [] } }));
    for (let i = 0; i < 50; i++) await Deno.writeTextFile(`${folder}/${i}`, "");
    const names = (await files.list(folder, "", 1000, never)).map(({ name }) => name);
    assert.deepEqual(names, [...names].sort());
    assert.equal(names.length, 50);
    assert.deepEqual((await files.list(folder, "3", 3, never)).map(({ name }) => name), ["30", "31", "32"]);
  });
});

Deno.test("real host holds so many files open and no more, and has room again for each that is closed", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/log`, "text");
    const { files } = hostOf(policyOf({ files: { read: [folder], write: [] } }));
    const open = () => files.open(`${folder}/log`, never);
    const held = await Promise.all(Array.from({ length: LIMITS.filesOpenMax }, open));
    await assert.rejects(open(), code("executor.too_many_calls"));
    held[0]!.close();
    held[0]!.close();
    (await open()).close();
    await assert.rejects(files.open(`${folder}/none`, never), code("input.not_found"));
    held.push(await open());
    await assert.rejects(open(), code("executor.too_many_calls"));
    for (const file of held) file.close();
  });
});

Deno.test("createWatches() takes so many of the system's watches and no more, and gives each one back", () => {
  const held = new Set<object>();
  const watches = createWatches(systemClock, () => {
    const watcher = {
      close: () => void held.delete(watcher),
      async *[Symbol.asyncIterator]() {},
    } as unknown as Deno.FsWatcher;
    held.add(watcher);
    return watcher;
  });
  const open = Array.from({ length: LIMITS.fileWatchesMax + 5 }, () => watches.open("/srv/log"));
  assert.equal(held.size, LIMITS.fileWatchesMax);
  for (const watch of open) watch.close();
  assert.equal(held.size, 0);
  watches.open("/srv/log").close();
  assert.equal(held.size, 0);
});

Deno.test("real host opens no pipe and no device", async () => {
  await inFolder(async (folder) => {
    await new Deno.Command("mkfifo", { args: [`${folder}/pipe`] }).output();
    const { files } = hostOf(policyOf({ files: { read: [folder, "/dev"], write: [] } }));
    await assert.rejects(files.read(`${folder}/pipe`, 0, 9, never), code("input.invalid"));
    await assert.rejects(files.read("/dev/zero", 0, 9, never), code("input.invalid"));
  });
});

/** Runs a program and answers its text. */
async function textOf(host: Host, request: ProgramRequest): Promise<string> {
  let text = "";
  for await (const event of host.processes.run(request, never)) {
    if (event.type === "chunk") text += new TextDecoder().decode(event.bytes);
  }
  return text;
}

/** A copy of a plain tool in a folder that only its owner may write. */
async function withProgram(place: string, test: (folder: string, program: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: place, prefix: "program-" });
  try {
    await Deno.copyFile(await Deno.realPath("/bin/echo"), `${folder}/say`);
    await Deno.chmod(`${folder}/say`, 0o755);
    await Deno.chmod(folder, 0o755);
    await test(folder, `${folder}/say`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * Runs a test in a place that the policy takes for safe. Never in the temporary folder: everybody may write there, so
 * nothing below it may be run. This checkout may lie below a folder of a group's, so there are others to try.
 */
async function inSafePlace(test: (folder: string, program: string) => Promise<void>): Promise<void> {
  const cache = new URL("../../.cache", import.meta.url).pathname;
  await Deno.mkdir(cache, { recursive: true });
  for (const place of [cache, Deno.env.get("HOME"), "/var/lib", "/"]) {
    if (place !== undefined && await isSafe(place)) return await withProgram(await Deno.realPath(place), test);
  }
  console.log("skipped: somebody else may write above every folder that this user may write to");
}

/** True when a program may be put there and run. */
async function isSafe(place: string): Promise<boolean> {
  let safe = false;
  try {
    await withProgram(await Deno.realPath(place), async (_folder, program) => {
      await textOf(hostOf(policyOf({ programs: [{ path: program, args: [] }] })), { program, args: [] });
      safe = true;
    });
  } catch (cause) {
    const refused = cause instanceof JabberError && cause.code === "policy.program_writable";
    if (!refused && !(cause instanceof Deno.errors.PermissionDenied)) throw cause;
  }
  return safe;
}

const say = (program: string, more: Partial<ProgramRule> = {}): ProgramRule => ({
  path: program,
  args: [{ word: 9 }],
  ...more,
});

Deno.test("real host checks the program again right before each start", async () => {
  await inSafePlace(async (folder, program) => {
    const sha256 = createHash("sha256").update(await Deno.readFile(program)).digest("hex");
    const plain = hostOf(policyOf({ programs: [say(program)] }));
    const pinned = hostOf(policyOf({ programs: [say(program, { sha256 })] }));
    const request = { program, args: ["hi"] };
    assert.equal(await textOf(plain, request), "hi\n");
    assert.equal(await textOf(pinned, request), "hi\n");

    await Deno.chmod(program, 0o777);
    await assert.rejects(textOf(plain, request), code("policy.program_writable"));
    await Deno.chmod(program, 0o755);
    await Deno.writeFile(program, new Uint8Array([10]), { append: true });
    await assert.rejects(textOf(pinned, request), code("policy.hash_mismatch"));

    await Deno.rename(program, `${folder}/other`);
    await assert.rejects(textOf(plain, request), code("policy.program_refused"));
    await Deno.symlink(`${folder}/other`, program);
    await assert.rejects(textOf(plain, request), code("policy.program_refused"));
  });
});

Deno.test("gatherFacts() takes no digest of a file that changed after it", async () => {
  await inFolder(async (folder) => {
    const program = `${folder}/say`;
    await Deno.writeTextFile(program, "one");
    const policy = policyOf({ programs: [say(program, { sha256: "ab".repeat(32) })] });
    const digest = await digestProgram(policy, program, systemClock);
    assert.equal(digest?.sha256, createHash("sha256").update("one").digest("hex"));
    const sha256 = () => gatherFacts(surveyPrograms(policy), { program, args: [] }, digest).sha256;
    assert.equal(sha256(), digest?.sha256);
    await Deno.remove(program);
    await Deno.writeTextFile(program, "two");
    assert.equal(sha256(), null);
    assert.equal(await digestProgram(policyOf({ programs: [say(program)] }), program, systemClock), null);
  });
});

Deno.test("real host runs what was put in place after the start, and nothing behind a writable folder", async () => {
  await inSafePlace(async (folder, program) => {
    const late = hostOf(policyOf({ programs: [say(`${folder}/late`)] }));
    await assert.rejects(textOf(late, { program: `${folder}/late`, args: ["hi"] }), code("policy.program_refused"));
    await Deno.copyFile(program, `${folder}/late`);
    assert.equal(await textOf(late, { program: `${folder}/late`, args: ["hi"] }), "hi\n");

    await Deno.chmod(folder, 0o777);
    const open = hostOf(policyOf({ programs: [say(program)] }));
    await assert.rejects(textOf(open, { program, args: ["hi"] }), code("policy.program_writable"));
  });
});

Deno.test("real host lets an applet be one name of one program", async () => {
  await inSafePlace(async (folder, program) => {
    // A stand-in for busybox: a file of its name with links to it.
    const busybox = `${folder}/busybox`;
    await Deno.rename(program, busybox);
    for (const name of ["say", "sh", "cat"]) await Deno.symlink("busybox", `${folder}/${name}`);
    const rules = [
      say(`${folder}/say`, { realPath: busybox }),
      say(`${folder}/sh`, { realPath: busybox }),
      say(busybox),
    ];
    const host = hostOf(policyOf({ programs: rules }));
    const run = (name: string) => textOf(host, { program: `${folder}/${name}`, args: ["hi"] });
    assert.equal(await run("say"), "hi\n");
    await assert.rejects(run("cat"), code("policy.program_refused"));
    await assert.rejects(run("sh"), code("policy.interpreter"));
    await assert.rejects(run("busybox"), code("policy.interpreter"));
  });
});

Deno.test("real host refuses a path argument that leads out of its folder", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/in`);
    await Deno.writeTextFile(`${folder}/in/a`, "inside");
    await Deno.writeTextFile(`${folder}/out`, "outside");
    await Deno.symlink(`${folder}/out`, `${folder}/in/link`);
    const cat = await Deno.realPath("/bin/cat");
    const host = hostOf(policyOf({ programs: [{ path: cat, args: [{ pathBelow: [`${folder}/in`] }] }] }));
    assert.equal(await textOf(host, { program: cat, args: [`${folder}/in/a`] }), "inside");
    await Deno.symlink(`${folder}/new`, `${folder}/in/dangling`);
    const links = [`${folder}/in/link`, `${folder}/in/dangling`];
    for (const path of [...links, `${folder}/out`, `${folder}/in/../out`, `${folder}/in/no/such`]) {
      await assert.rejects(textOf(host, { program: cat, args: [path] }), code("policy.args_refused"), path);
    }
  });
});

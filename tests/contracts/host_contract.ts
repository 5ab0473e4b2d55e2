/** What every `Host` promises, whichever twin it is. Each maker lays out the same small world. */
import assert from "node:assert/strict";
import * as z from "zod/mini";
import type { JsonObject } from "../../base/json.ts";
import { fsTail } from "../../commands/fs/tail.ts";
import type { Host, ProgramEvent, ProgramRequest } from "../../commands/host.ts";

/** Changes the files behind the host's back. Paths are full. */
export interface WorldDisk {
  write(path: string, content: string): Promise<void>;
  append(path: string, content: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Something that is neither file nor folder, such as a pipe nobody writes to. */
  special(path: string): Promise<void>;
  folder(path: string): Promise<void>;
}

/** A host with the world of `HOST_FILES` below `root`, where `root` may be read and its sibling `${root}-other` not. */
export interface HostWorld {
  host: Host;
  /** A full path. */
  root: string;
  disk: WorldDisk;
  /** Runs a program that says `out`, then waits for its end. */
  waiting: ProgramRequest;
  /** Runs a program that says `hello` on 1 and `oops` on 2 and exits with 3. */
  hello: ProgramRequest;
  close(): Promise<void>;
}

/** Path below the root → content. */
export const HOST_FILES = { "a.txt": "0123456789", "empty": "", "deep/b.txt": "below" } as const;

export function hostContract(name: string, make: () => Promise<HostWorld>): void {
  const test: Tester = (what, body) =>
    Deno.test(`${name} host ${what}`, async () => {
      const world = await make();
      try {
        await body(world);
      } finally {
        await world.close();
      }
    });
  filesContract(test);
  foldersContract(test);
  followingContract(test);
  tailContract(test);
  programsContract(test);
}

type Tester = (what: string, body: (world: HostWorld) => Promise<void>) => void;

const never = new AbortController().signal;

const refused = (code: string) => (error: unknown) => {
  assert.equal((error as { code?: string }).code, code);
  return true;
};

function filesContract(test: Tester): void {
  test("reads a part of a file", async ({ host, root }) => {
    const read = async (path: string, offset: number, length: number): Promise<string> => {
      return new TextDecoder().decode(await host.files.read(`${root}/${path}`, offset, length, never));
    };
    assert.equal(await read("a.txt", 0, 100), "0123456789");
    assert.equal(await read("a.txt", 3, 4), "3456");
    assert.equal(await read("a.txt", 9, 4), "9");
    assert.equal(await read("a.txt", 10, 4), "");
    assert.equal(await read("a.txt", 1000, 4), "");
    assert.equal(await read("empty", 0, 4), "");
    assert.equal(await read("deep/b.txt", 0, 5), "below");
  });

  test("says what a path is", async ({ host, root }) => {
    const file = await host.files.stat(`${root}/a.txt`);
    assert.deepEqual([file.kind, file.bytes], ["file", 10]);
    assert.equal((await host.files.stat(`${root}/deep`)).kind, "directory");
    await assert.rejects(host.files.stat(`${root}/none`), refused("input.not_found"));
    await assert.rejects(host.files.stat(`${root}-other`), refused("policy.path_refused"));
  });

  test("tells missing, refused and unreadable apart", async ({ host, root }) => {
    const read = (path: string) => host.files.read(path, 0, 10, never);
    await assert.rejects(read(`${root}/none`), refused("input.not_found"));
    await assert.rejects(read(`${root}/no/such/folder`), refused("input.not_found"));
    await assert.rejects(read(`${root}/deep`), refused("input.invalid"));
    for (const path of [`${root}-other/x`, "/", "a.txt", `${root}/../x`, `${root}/./a.txt`, `${root}//a.txt`, ""]) {
      await assert.rejects(read(path), refused("policy.path_refused"), path);
    }
  });

  test("reads nothing once it was aborted", async ({ host, root }) => {
    await assert.rejects(host.files.read(`${root}/a.txt`, 0, 10, AbortSignal.abort()), { name: "AbortError" });
  });
}

function foldersContract(test: Tester): void {
  test("lists a folder by name, from any name on", async ({ host, root, disk }) => {
    await disk.special(`${root}/pipe`);
    await disk.folder(`${root}/void`);
    const list = (after: string, limit: number) => host.files.list(root, after, limit, never);
    assert.deepEqual(await list("", 100), [
      { name: "a.txt", kind: "file" },
      { name: "deep", kind: "directory" },
      { name: "empty", kind: "file" },
      { name: "pipe", kind: "other" },
      { name: "void", kind: "directory" },
    ]);
    assert.deepEqual((await list("", 2)).map(({ name }) => name), ["a.txt", "deep"]);
    assert.deepEqual((await list("b", 2)).map(({ name }) => name), ["deep", "empty"]);
    assert.deepEqual(await list("void", 2), []);
    assert.deepEqual(await host.files.list(`${root}/void`, "", 2, never), []);
  });

  test("lists no file, nothing missing and nothing outside", async ({ host, root }) => {
    const list = (path: string) => host.files.list(path, "", 10, never);
    await assert.rejects(list(`${root}/a.txt`), refused("input.invalid"));
    await assert.rejects(list(`${root}/none`), refused("input.not_found"));
    for (const path of [`${root}-other`, "/", `${root}/deep/../..`, ""]) {
      await assert.rejects(list(path), refused("policy.path_refused"), path);
    }
    await assert.rejects(host.files.list(root, "", 10, AbortSignal.abort()), { name: "AbortError" });
  });
}

function followingContract(test: Tester): void {
  test("holds on to an opened file, whatever becomes of its path", async ({ host, root, disk }) => {
    const path = `${root}/a.txt`;
    const file = await host.files.open(path, never);
    const text = async (offset: number) => new TextDecoder().decode(await file.read(offset, 100));
    assert.deepEqual(await host.files.standing(path), { kind: "file", identity: file.identity });
    await disk.rename(path, `${root}/b.txt`);
    await disk.append(`${root}/b.txt`, "abc");
    await disk.write(path, "new");
    assert.deepEqual([await text(8), await file.size(), await text(13)], ["89abc", 13, ""]);
    assert.deepEqual(await host.files.standing(`${root}/b.txt`), { kind: "file", identity: file.identity });
    const standing = await host.files.standing(path);
    assert.ok(standing.kind === "file" && standing.identity !== file.identity);
    await disk.write(`${root}/b.txt`, "s");
    assert.deepEqual([await file.size(), await text(0)], [1, "s"]);
    file.close();
  });

  test("says what stands at a path, and opens nothing but files", async ({ host, root, disk }) => {
    const path = `${root}/a.txt`;
    await disk.remove(path);
    assert.deepEqual(await host.files.standing(path), { kind: "missing" });
    await assert.rejects(host.files.open(path, never), refused("input.not_found"));
    await disk.special(path);
    assert.equal((await host.files.standing(path)).kind, "other");
    await assert.rejects(host.files.open(path, never), refused("input.invalid"));
    assert.equal((await host.files.standing(`${root}/deep`)).kind, "directory");
    await assert.rejects(host.files.standing(`${root}-other`), refused("policy.path_refused"));
    await assert.rejects(host.files.open(`${root}-other`, never), refused("policy.path_refused"));
    assert.throws(() => host.files.watch(`${root}-other`), refused("policy.path_refused"));
    await assert.rejects(host.files.open(`${root}/empty`, AbortSignal.abort()), { name: "AbortError" });
  });

  test("wakes who watches a path, also for a change that came before", async ({ host, root, disk }) => {
    const watch = host.files.watch(`${root}/a.txt`);
    const file = await host.files.open(`${root}/a.txt`, never);
    try {
      const grown = async (bytes: number) => {
        // A host may know by the clock alone: then it looks again and again.
        while (await file.size() < bytes) await watch.next(100, never);
      };
      const waiting = grown(11);
      await disk.append(`${root}/a.txt`, "x");
      await waiting;
      await disk.append(`${root}/a.txt`, "y");
      await grown(12);
      const controller = new AbortController();
      const ended = assert.rejects(async () => {
        // The system may tell of one change more than once.
        for (;;) await watch.next(3600_000, controller.signal);
      }, { name: "AbortError" });
      controller.abort();
      await ended;
    } finally {
      file.close();
      watch.close();
      watch.close();
    }
  });
}

/** `fs.tail` on the twin: what it says until it is told to end. */
interface Following {
  /** What was said so far. */
  said: JsonObject[];
  /** Waits until the texts and events that were said are these. */
  until(...wanted: string[]): Promise<void>;
  end(): Promise<unknown>;
}

function follow(host: Host, input: JsonObject): Following {
  const controller = new AbortController();
  const said: JsonObject[] = [];
  let wake = (): void => {};
  const over = (async () => {
    const steps = fsTail.run(host, input, { signal: controller.signal, run: "run-1" });
    for (;;) {
      const step = await steps.next();
      if (step.done === true) return step.value;
      assert.equal(step.value.kind, "output");
      if (step.value.kind === "output") said.push(z.parse(fsTail.output, step.value.body));
      wake();
    }
  })();
  const failed = over.then(() => {}, (cause: unknown) => cause);
  return {
    said,
    async until(...wanted) {
      // On a slow machine even a rotation takes long enough to be told.
      const told = () => said.map((body) => String(body["event"] ?? body["text"] ?? body["base64"]));
      const gist = () => told().filter((one) => one !== "missing" || wanted.includes(one));
      while (gist().length < wanted.length) {
        const woken = new Promise<void>((resolve) => wake = resolve);
        const end = await Promise.race([woken, failed.then((cause) => cause ?? new Error("the tail ended"))]);
        if (end !== undefined) throw end;
      }
      assert.deepEqual(gist(), wanted);
    },
    end() {
      controller.abort(new Error("enough"));
      return failed;
    },
  };
}

function tailContract(test: Tester): void {
  test("has a log followed through its rotation", async ({ host, root, disk }) => {
    const path = `${root}/app.log`;
    await disk.write(path, "one\ntwo\n");
    const tail = follow(host, { path, lines: 1 });
    await tail.until("two");
    await disk.append(path, "three\n");
    await tail.until("two", "three");
    // The writer goes on with the file it holds.
    await disk.rename(path, `${path}.1`);
    await disk.append(`${path}.1`, "four\n");
    await disk.write(path, "five\n");
    await tail.until("two", "three", "four", "rotated", "five");
    await disk.append(path, "six\n");
    await tail.until("two", "three", "four", "rotated", "five", "six");
    const offsets = tail.said.filter(({ event }) => event !== "missing").map(({ offset }) => offset);
    assert.deepEqual(offsets, [4, 8, 14, 0, 0, 5]);
    assert.match(String(await tail.end()), /enough/);
  });

  test("has a log followed when it is cut off, deleted and made again", async ({ host, root, disk }) => {
    const path = `${root}/app.log`;
    await disk.write(path, "one\ntwo\n");
    const tail = follow(host, { path, from: "start" });
    await tail.until("one", "two");
    await disk.write(path, "3\n");
    await tail.until("one", "two", "truncated", "3");
    await disk.remove(path);
    await tail.until("one", "two", "truncated", "3", "missing");
    await disk.write(path, "four\n");
    await tail.until("one", "two", "truncated", "3", "missing", "rotated", "four");
    await tail.end();
  });

  test("has a tail wait while a folder or a pipe stands in the log's place", async ({ host, root, disk }) => {
    const path = `${root}/app.log`;
    await disk.write(path, "one\n");
    const tail = follow(host, { path, from: 0 });
    await tail.until("one");
    await disk.remove(path);
    await disk.special(path);
    await tail.until("one", "missing");
    await disk.remove(path);
    await disk.folder(path);
    await disk.remove(path);
    await disk.write(path, "two\n");
    await tail.until("one", "missing", "rotated", "two");
    await tail.end();
    await assert.rejects(async () => {
      await disk.remove(path);
      await disk.special(path);
      await fsTail.run(host, { path }, { signal: never, run: "run-1" }).next();
    }, refused("input.invalid"));
  });
}

function programsContract(test: Tester): void {
  test("runs a program to its exit", async ({ host, hello }) => {
    const said = { 1: "", 2: "" };
    let exit: ProgramEvent | undefined;
    for await (const event of host.processes.run(hello, never)) {
      assert.equal(exit, undefined, "something came after the exit");
      if (event.type === "exit") exit = event;
      else said[event.fd] += new TextDecoder().decode(event.bytes);
    }
    assert.deepEqual(said, { 1: "hello", 2: "oops" });
    assert.deepEqual(exit, { type: "exit", exitCode: 3, signal: null, timedOut: false });
  });

  test("ends a program on abort", async ({ host, waiting }) => {
    const controller = new AbortController();
    let exit: ProgramEvent | undefined;
    for await (const event of host.processes.run(waiting, controller.signal)) {
      if (event.type === "exit") exit = event;
      else controller.abort();
    }
    assert.deepEqual(exit, { type: "exit", exitCode: 143, signal: "SIGTERM", timedOut: false });
  });

  test("refuses a program that is not allowed", async ({ host }) => {
    const events = host.processes.run({ program: "/no/such/program", args: [] }, never);
    await assert.rejects(events.next(), refused("policy.program_refused"));
  });

  test("knows facts and the time", ({ host }) => {
    const facts = host.facts();
    assert.ok(facts.hostname.length > 0 && facts.cpus > 0 && facts.memory.totalBytes > 0);
    assert.equal(facts.loadAverage.length, 3);
    assert.ok(host.now() > Date.UTC(2020));
    return Promise.resolve();
  });
}

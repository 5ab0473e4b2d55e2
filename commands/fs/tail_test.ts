import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import type { JsonObject } from "../../base/json.ts";
import { handClock, runToEnd } from "../../tests/support/commands.ts";
import type { Emission } from "../command.ts";
import { createMemoryDisk, type MemoryDisk } from "../disk_memory.ts";
import { createMemoryHost } from "../host_memory.ts";
import { fsTail } from "./tail.ts";

const gistOf = ({ body }: Emission): string => {
  const { event, text, base64, partial } = body as JsonObject;
  return String(event ?? text ?? base64) + (partial === true ? "…" : "");
};

/** The whole of a file that is not followed. */
async function tail(content: string | Uint8Array, input: JsonObject = {}) {
  const host = createMemoryHost({ files: { "/log": content } });
  const { said, outcome } = await runToEnd(host, "fs.tail", { path: "/log", follow: false, ...input });
  return { texts: said.map(gistOf), result: outcome.result, said };
}

/** A tail under way, over a disk and a clock that the test moves. */
async function follow(input: JsonObject, content = "") {
  const disk = createMemoryDisk({ "/log": content });
  const clock = handClock();
  const host = createMemoryHost({ disk, clock });
  const said: string[] = [];
  const controller = new AbortController();
  const over = (async () => {
    const steps = fsTail.run(host, { path: "/log", ...input }, { signal: controller.signal, run: "r" });
    for (;;) {
      const step = await steps.next();
      if (step.done === true) return step.value.result;
      said.push(gistOf(step.value));
    }
  })();
  const ended = over.then((result) => result, (cause: unknown) => cause);
  const look = async (ms = 0): Promise<string[]> => {
    await clock.go(ms);
    return said.splice(0);
  };
  // It has opened the file by then.
  await look();
  return { disk, look, ended, stop: () => controller.abort(new Error("enough")) };
}

Deno.test("fs.tail begins where it is told, and says where it ended", async () => {
  const log = "one\ntwo\nthree\n";
  assert.deepEqual((await tail(log)).texts, []);
  assert.deepEqual((await tail(log, { from: "start" })).texts, ["one", "two", "three"]);
  assert.deepEqual((await tail(log, { from: 4 })).texts, ["two", "three"]);
  assert.deepEqual((await tail(log, { from: 6 })).texts, ["o", "three"]);
  const { result, said } = await tail(log, { from: "start" });
  const { file } = said[0]!.body as JsonObject;
  assert.deepEqual(result, { offset: 14, file: file!, lines: 3 });
  assert.deepEqual((await tail(log, { from: 4, file: file! })).texts, ["two", "three"]);
  assert.deepEqual((await tail(log, { from: 4, file: "another" })).texts, ["rotated", "one", "two", "three"]);
  assert.deepEqual((await tail(log, { from: 99 })).texts, ["truncated", "one", "two", "three"]);
  await assert.rejects(tail(log, { from: 4, lines: 1 }), { code: "input.invalid" });
  await assert.rejects(runToEnd(createMemoryHost(), "fs.tail", { path: "/none" }), { code: "input.not_found" });
});

Deno.test("fs.tail finds the last lines, with and without a newline at the end", async () => {
  assert.deepEqual((await tail("a\nb\nc\n", { lines: 2 })).texts, ["b", "c"]);
  assert.deepEqual((await tail("a\nb\nc", { lines: 2 })).texts, ["b", "c…"]);
  assert.deepEqual((await tail("a\n\n\n", { lines: 2 })).texts, ["", ""]);
  assert.deepEqual((await tail("a\nb", { lines: 9 })).texts, ["a", "b…"]);
  assert.deepEqual((await tail("", { lines: 9 })).texts, []);
  const many = Array.from({ length: 30_000 }, (_, i) => `line ${i}`);
  assert.deepEqual((await tail(many.join("\n"), { lines: 9999 })).texts.at(0), "line 20001");
  assert.deepEqual((await tail(`${"x".repeat(LIMITS.tailChunkBytes - 1)}\nlast\n`, { lines: 1 })).texts, ["last"]);
});

Deno.test("fs.tail reads little of a large file, and gives up the search for lines where there are none", async () => {
  const size = 1024 ** 3;
  let read = 0;
  const host = createMemoryHost({ files: { "/log": "" } });
  const file = {
    identity: "1",
    size: () => Promise.resolve(size),
    read(offset: number, length: number) {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset))).fill(0x78);
      read += bytes.length;
      return Promise.resolve(bytes);
    },
    close() {},
  };
  const huge = { ...host, files: { ...host.files, open: () => Promise.resolve(file) } };
  await runToEnd(huge, "fs.tail", { path: "/log", follow: false });
  assert.equal(read, 0);
  const { outcome } = await runToEnd(huge, "fs.tail", { path: "/log", follow: false, lines: 1 });
  assert.equal(read, 2 * LIMITS.tailBackBytesMax);
  assert.equal(outcome.result?.["offset"], size);
});

Deno.test("fs.tail holds half a line back, says it when nothing comes, and joins nothing twice", async () => {
  const it = await follow({});
  it.disk.append("/log", "ha");
  assert.deepEqual(await it.look(LIMITS.tailHalfLineMs - 1), []);
  it.disk.append("/log", "lf\nan");
  assert.deepEqual(await it.look(), ["half"]);
  assert.deepEqual(await it.look(LIMITS.tailHalfLineMs), ["an…"]);
  assert.deepEqual(await it.look(LIMITS.tailHalfLineMs * 3), []);
  it.disk.append("/log", "other\n");
  assert.deepEqual(await it.look(), ["other"]);
  it.disk.append("/log", "end");
  await it.look();
  it.stop();
  assert.match(String(await it.ended), /enough/);
});

Deno.test("fs.tail ends when nothing came for as long as it was told, and not before", async () => {
  const it = await follow({ idleMs: 5000 });
  await it.look(4000);
  it.disk.append("/log", "one\ntw");
  assert.deepEqual(await it.look(4999), ["one", "tw…"]);
  it.disk.append("/log", "o");
  await it.look(4999);
  await it.look(1);
  assert.deepEqual(await it.ended, { offset: 7, file: "1", lines: 3 });
});

Deno.test("fs.tail reads a renamed file until it is quiet, then the new one, and misses nothing of either", async () => {
  const it = await follow({});
  it.disk.rename("/log", "/log.1");
  it.disk.append("/log.1", "late\n");
  it.disk.write("/log", "new\n");
  assert.deepEqual(await it.look(), ["late"]);
  await it.look(LIMITS.tailRotatedMs - 100);
  it.disk.append("/log.1", "later\nlast words");
  assert.deepEqual(await it.look(LIMITS.tailRotatedMs - 100), ["later"]);
  assert.deepEqual(await it.look(LIMITS.tailPollMs), ["last words…", "rotated", "new"]);
  it.disk.append("/log.1", "nobody hears this\n");
  assert.deepEqual(await it.look(LIMITS.tailRotatedMs), []);
});

Deno.test("fs.tail takes what is written to the old file up to the moment it has opened the new one", async () => {
  const disk = createMemoryDisk({ "/log": "" });
  const clock = handClock();
  const host = createMemoryHost({ disk, clock });
  let opens = 0;
  const open: typeof host.files.open = async (path, signal) => {
    const file = await host.files.open(path, signal);
    if (++opens === 2) disk.append("/log.1", "at the last moment\n");
    return file;
  };
  const said: string[] = [];
  const controller = new AbortController();
  const over = (async () => {
    const steps = fsTail.run({ ...host, files: { ...host.files, open } }, { path: "/log" }, {
      signal: controller.signal,
      run: "r",
    });
    for await (const emission of steps) said.push(gistOf(emission));
  })().catch(() => {});
  await clock.go(0);
  disk.rename("/log", "/log.1");
  disk.write("/log", "new\n");
  await clock.go(2 * LIMITS.tailRotatedMs);
  controller.abort();
  await over;
  assert.deepEqual(said, ["at the last moment", "rotated", "new"]);
});

Deno.test("fs.tail leaves a file at last whose writer never does", async () => {
  const it = await follow({});
  it.disk.rename("/log", "/log.1");
  it.disk.write("/log", "new\n");
  const said: string[] = [];
  for (let i = 0; i < 40 && !said.includes("new"); i++) {
    it.disk.append("/log.1", "more\n");
    said.push(...await it.look(LIMITS.tailRotatedMs - 200));
  }
  assert.deepEqual(said.slice(-2), ["rotated", "new"]);
  it.stop();
});

Deno.test("fs.tail tells a path that stays missing, once, and what comes there afterwards", async () => {
  const deeds: [string, (disk: MemoryDisk) => void][] = [
    ["nothing", (disk) => disk.remove("/log")],
    ["a pipe", (disk) => disk.special("/log")],
    ["a folder", (disk) => disk.folder("/log")],
  ];
  for (const [what, deed] of deeds) {
    const it = await follow({}, "old\n");
    deed(it.disk);
    assert.deepEqual(await it.look(LIMITS.tailRotatedMs - 1), [], what);
    assert.deepEqual(await it.look(LIMITS.tailRotatedMs * 9), ["missing"], what);
    it.disk.remove("/log");
    it.disk.write("/log", "new\n");
    assert.deepEqual(await it.look(LIMITS.tailRotatedMs * 2), ["rotated", "new"], what);
    it.stop();
  }
});

Deno.test("fs.tail ends with the code of a path that leads out of the policy's folders", async () => {
  const host = createMemoryHost({ files: { "/log": "a\n" }, clock: handClock() });
  const walled = { ...host, files: { ...host.files, standing: createMemoryHost({ readable: [] }).files.standing } };
  const disk = createMemoryDisk();
  const steps = fsTail.run(walled, { path: "/log", from: 0 }, { signal: new AbortController().signal, run: "r" });
  assert.equal((await steps.next()).done, false);
  disk.write("/x", "");
  // The first look comes with the next change or poll.
  const controller = new AbortController();
  const waking = {
    ...walled,
    files: { ...walled.files, watch: () => ({ next: () => Promise.resolve(true), close() {} }) },
  };
  const woken = fsTail.run(waking, { path: "/log", from: 0 }, { signal: controller.signal, run: "r" });
  await woken.next();
  await assert.rejects(woken.next(), { code: "policy.path_refused" });
  await steps.return({ ok: false });
});

Deno.test("fs.tail reads no further than its reader, and closes what it opened", async () => {
  const host = createMemoryHost({ files: { "/log": "line\n".repeat(100_000) } });
  let reads = 0;
  let closed = 0;
  const { files } = host;
  const counting = {
    ...host,
    files: {
      ...files,
      open: async (path: string, signal: AbortSignal) => {
        const file = await files.open(path, signal);
        return { ...file, read: (at: number, n: number) => (reads++, file.read(at, n)), close: () => void closed++ };
      },
    },
  };
  const steps = fsTail.run(counting, { path: "/log", from: 0 }, { signal: new AbortController().signal, run: "r" });
  for (let i = 0; i < 10; i++) await steps.next();
  assert.equal(reads, 1);
  await steps.return({ ok: false });
  assert.equal(closed, 1);
});

import assert from "node:assert/strict";
import { systemClock } from "../base/clock_system.ts";
import { HOST_FILES, hostContract } from "../tests/contracts/host_contract.ts";
import { createMemoryDisk } from "./disk_memory.ts";
import { createMemoryHost, saying, type ScriptedProgram } from "./host_memory.ts";

/** The same deed as the contract does it on a real disk. */
const soon = <Args extends unknown[]>(deed: (...args: Args) => void) => (...args: Args): Promise<void> => {
  deed(...args);
  return Promise.resolve();
};

const encode = (text: string) => new TextEncoder().encode(text);

const hello: ScriptedProgram = async function* () {
  yield await Promise.resolve({ type: "chunk", fd: 1, bytes: encode("hello") });
  yield { type: "chunk", fd: 2, bytes: encode("oops") };
  yield { type: "exit", exitCode: 3, signal: null, timedOut: false };
};

const waiting: ScriptedProgram = async function* (_request, signal) {
  yield { type: "chunk", fd: 1, bytes: encode("out") };
  if (!signal.aborted) await new Promise<void>((go) => signal.addEventListener("abort", () => go()));
  yield { type: "exit", exitCode: 143, signal: "SIGTERM", timedOut: false };
};

hostContract("memory", () => {
  const files = Object.fromEntries(Object.entries(HOST_FILES).map(([path, text]) => [`/srv/${path}`, text]));
  const disk = createMemoryDisk({ ...files, "/srv-other/x": "no" });
  const host = createMemoryHost({
    disk,
    // Waits by the real clock, so that the twin keeps the contract's times as they are.
    clock: systemClock,
    readable: ["/srv"],
    programs: { "/bin/hello": hello, "/bin/waiting": waiting },
  });
  return Promise.resolve({
    host,
    root: "/srv",
    disk: {
      write: soon(disk.write),
      append: soon(disk.append),
      rename: soon(disk.rename),
      remove: soon(disk.remove),
      special: soon(disk.special),
      folder: soon(disk.folder),
    },
    hello: { program: "/bin/hello", args: [] },
    waiting: { program: "/bin/waiting", args: [] },
    close: () => Promise.resolve(),
  });
});

Deno.test("createMemoryHost() has a clock that stands still until it is moved", () => {
  const host = createMemoryHost();
  assert.equal(host.now(), host.now());
  let now = 5;
  const moved = createMemoryHost({ now: () => now });
  now = 6;
  assert.equal(moved.now(), 6);
});

Deno.test("saying() is a program of a few texts", async () => {
  const events = await Array.fromAsync(saying(["a", "b"], 2)({ program: "", args: [] }, new AbortController().signal));
  assert.equal(events.length, 3);
  assert.deepEqual(events.at(-1), { type: "exit", exitCode: 2, signal: null, timedOut: false });
});

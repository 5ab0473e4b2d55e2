import assert from "node:assert/strict";
import type { Json } from "../base/json.ts";
import { Console, type ConsoleServer } from "./run.tsx";
import type { Terminal } from "./terminal/terminal.ts";
import { consoleState, HandClock, rng } from "./testing.ts";

/** A terminal that notes what is done to it. */
function notedTerminal(): { terminal: Terminal; notes: string[] } {
  const notes: string[] = [];
  const terminal: Terminal = {
    size: () => ({ columns: 80, rows: 24 }),
    write: (text) => void notes.push(text.includes("jabberwocky") ? "draws" : "writes"),
    enter: () => void notes.push("enters"),
    leave: () => void notes.push("leaves"),
    // Nothing is typed, and nobody hangs up.
    input: () => new ReadableStream<Uint8Array>(),
    on: () => {},
    close: () => void notes.push("closes"),
  };
  return { terminal, notes };
}

const SILENT: ConsoleServer = {
  ask: () => new Promise<Json>(() => {}),
  send: () => new Promise<unknown>(() => {}),
  async *lines() {},
  async *frames() {},
  refusalOf: () => undefined,
};

Deno.test("whatever breaks, the console gives the terminal back before the error is told", async () => {
  const { terminal, notes } = notedTerminal();
  const clock = new HandClock();
  const running = new Console(
    {
      terminal,
      server: SILENT,
      clock,
      rng,
      writeFile: () => Promise.resolve(),
      act: () => Promise.reject(new Error("no act was expected")),
    },
    consoleState(),
    "drawing",
  );
  const ended = running.run();
  await clock.pass(1000);
  running.fail(new Error("something broke"));
  await assert.rejects(ended, /something broke/);
  assert.equal(notes[0], "enters");
  assert.ok(notes.includes("draws"));
  assert.deepEqual(notes.filter((note) => note === "leaves" || note === "closes"), ["leaves", "closes"]);
});

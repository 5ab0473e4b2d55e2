/** The real terminal. */
import process from "node:process";
import type { Area } from "../view.ts";
import { SEQUENCES, type Terminal, type TerminalEvent, type TerminalUse } from "./terminal.ts";

const SIGNALS: Readonly<Record<TerminalEvent, readonly Deno.Signal[]>> = {
  resize: ["SIGWINCH"],
  resumed: ["SIGCONT"],
  end: ["SIGTERM", "SIGHUP", "SIGINT"],
};
/** What Windows knows of them. */
const WINDOWS_SIGNALS: Readonly<Record<TerminalEvent, readonly Deno.Signal[]>> = {
  resize: ["SIGWINCH"],
  resumed: [],
  end: ["SIGBREAK", "SIGINT"],
};

const encoder = new TextEncoder();

export function systemTerminal(): Terminal {
  let taken: TerminalUse | undefined;
  const listening: (() => void)[] = [];
  const reader = Deno.stdin.readable.getReader();
  const write = (text: string) => {
    let rest = encoder.encode(text);
    while (rest.length > 0) rest = rest.subarray(Deno.stdout.writeSync(rest));
  };
  return {
    size,
    write,
    enter(use) {
      if (taken !== undefined) return;
      taken = use;
      Deno.stdin.setRaw(true);
      write(SEQUENCES[use].enter);
    },
    leave() {
      if (taken === undefined) return;
      const { leave } = SEQUENCES[taken];
      taken = undefined;
      try {
        write(leave);
        Deno.stdin.setRaw(false);
      } catch {
        // The terminal itself is gone: there is nothing left to restore.
      }
    },
    async *input() {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        yield value;
      }
    },
    on(event, call) {
      const signals = (Deno.build.os === "windows" ? WINDOWS_SIGNALS : SIGNALS)[event];
      for (const signal of signals) {
        // By way of `process`: a library of Ink's sends itself every signal again that nobody else listens to there.
        process.on(signal, call);
        listening.push(() => process.off(signal, call));
      }
    },
    close() {
      for (const stop of listening.splice(0)) stop();
      void reader.cancel().catch(() => {});
    },
  };
}

function size(): Area {
  try {
    const { columns, rows } = Deno.consoleSize();
    // A terminal that knows no size says 0.
    return { columns: columns || 80, rows: rows || 24 };
  } catch {
    return { columns: 80, rows: 24 };
  }
}

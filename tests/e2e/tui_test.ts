/** The console as it is compiled, in a real terminal: keys are typed, the screen is read. */
import assert from "node:assert/strict";
import { canRun } from "../support/needs.ts";
import { binary } from "../support/program.ts";
import { Tmux, tmuxLacks } from "../support/tmux.ts";
import { CliFleet } from "./cli_fleet.ts";

const SIZES = [{ columns: 80, rows: 24 }, { columns: 160, rows: 50 }];

/** Says what would take over a terminal that believes it. */
const HOSTILE = `/*---
name: hostile
access: 0
uses: [log.info]
---*/
await log.info("before \\u001b]0;owned\\u0007\\u001b[2J\\u001b[1;1H\\u202e after");
`;

async function withFleet(run: (fleet: CliFleet) => Promise<void>): Promise<void> {
  if (!canRun(await tmuxLacks())) return;
  const fleet = await CliFleet.start();
  try {
    for (const script of ["hello.js", "slow.js", "chatty.js", await fleet.write("hostile.js", HOSTILE)]) {
      await fleet.exits(0, "sign", script.startsWith("/") ? script : fleet.path(script));
    }
    await run(fleet);
  } finally {
    await fleet.fleet.stop();
  }
}

/** A shell in which the console was started. */
async function consoleIn(
  fleet: CliFleet,
  size = SIZES[0]!,
  args = "",
  env: Record<string, string> = {},
): Promise<Tmux> {
  const terminal = await Tmux.start({ ...size, env: { ...fleet.fleet.env, ...env } });
  await terminal.run(`clear; ${binary("jabber-tui")} ${args}; echo "ended with $?"`);
  return terminal;
}

/** What is shown, and what it is called. */
type Step = readonly [name: string, run: (fleet: CliFleet) => Promise<void>];

const line = (screen: string, part: string | RegExp) =>
  screen.split("\n").find((text) => typeof part === "string" ? text.includes(part) : part.test(text)) ?? "";

async function command(terminal: Tmux, text: string): Promise<void> {
  await terminal.keys(":", ...text, "Enter");
}

/** Every view, the filter and the help at one size. */
async function tour(fleet: CliFleet, size: typeof SIZES[number]): Promise<void> {
  const terminal = await consoleIn(fleet, size);
  try {
    const agents = await terminal.until(/web2 .*connected/);
    assert.match(agents, /3 agents +● 3 connected/);
    // The last column is whole.
    assert.match(line(agents, "web1"), /127\.0\.0\.1$/);
    await terminal.keys("?");
    await terminal.until(/<space> +mark, or take the mark away/);
    await terminal.keys("Escape");
    await terminal.until(/NAME▲/);
    await terminal.keys("/", "w", "e", "b");
    await terminal.until((screen) => /2 of 3/.test(screen) && !screen.includes("db1"));
    await terminal.keys("Escape");
    await terminal.until(/db1/);
    await terminal.keys("/", "-", "l", " ", "r", "o", "l", "e", "=", "d", "b", "Enter");
    await terminal.until((screen) => /1 of 3 .*-l role=db/.test(screen) && !screen.includes("web1"));
    await terminal.keys("Escape");
    await terminal.until(/agents {2}3 ─/);
    await terminal.keys("G", "Enter");
    await terminal.until(/agents › web2/);
    await terminal.until(/role=web \(configuration\)/);
    await terminal.keys("F");
    await terminal.until(/osRelease/);
    await command(terminal, "runs");
    await terminal.until(/hello .*✔ done .*3 ok/);
    await terminal.keys("/", "h", "e", "l", "l", "o", "Enter", "Enter");
    await terminal.until(/3 × ok, the same answer\n +db1, web1, web2/);
    await terminal.keys("Tab");
    await terminal.until(/web1 +\[info\] Hello from linux/);
    await command(terminal, "firehose");
    await terminal.until(/── firehose/);
    await terminal.until(/● live/);
    await fleet.exits(0, "run", "chatty");
    await terminal.until(/db1 +\[info\] line 2 x+/);
    await terminal.keys("q");
    await terminal.until(/ended with 0/);
    assert.equal(await terminal.fact("alternate_on"), "0");
  } finally {
    await terminal.close();
  }
}

Deno.test("the console shows every view at 80×24 and 160×50", async () => {
  await withFleet(async (fleet) => {
    await fleet.exits(0, "run", "hello");
    for (const size of SIZES) await tour(fleet, size);
  });
});

const SAFE: readonly Step[] = [
  ["a question begins on Cancel", async (fleet) => {
    const running = fleet.fleet.cliProgram("run", "-l", "name=web1", "slow", "--seconds", "60");
    const terminal = await consoleIn(fleet, SIZES[0], "--view runs");
    try {
      await terminal.until(/slow .*running/);
      await terminal.keys("Enter");
      await terminal.until(/runs › slow/);
      await terminal.keys("x");
      await terminal.until(/slow on name=web1: 1 host\./);
      await terminal.keys("Enter");
      await terminal.until(/nothing was done/);
      await terminal.keys("x", "Tab", "Enter");
      await terminal.until(/cancelled by admin/);
      await running.ended;
    } finally {
      await terminal.close();
    }
  }],
  ["--readonly takes away what acts", async (fleet) => {
    const terminal = await consoleIn(fleet, SIZES[1], "--readonly --view runs --filter slow");
    try {
      await terminal.until(/\[readonly\]/);
      await terminal.until(/slow .*cancelled/);
      await terminal.keys("Enter", "x");
      const screen = await terminal.until(/runs › slow/);
      assert.doesNotMatch(screen, /x cancel/);
    } finally {
      await terminal.close();
    }
  }],
  ["a host's escape sequences are shown, not obeyed; the window is exported as it was said", async (fleet) => {
    const terminal = await consoleIn(fleet, SIZES[0], "--view firehose");
    const title = await terminal.fact("pane_title");
    try {
      await terminal.until(/● live/);
      await fleet.exits(0, "run", "-l", "name=web1", "hostile");
      const screen = await terminal.until(/\[info\] before +␣ after/);
      assert.match(screen.split("\n")[0]!, /jabberwocky/);
      assert.equal(await terminal.fact("pane_title"), title);
      await terminal.keys("f", "e", "C-u", ...fleet.path("window.jsonl"), "Enter");
      await terminal.until(/written: /);
      const lines = (await Deno.readTextFile(fleet.path("window.jsonl"))).trim().split("\n");
      const said = lines.map((text) => JSON.parse(text)).find(({ kind }) => kind === "log");
      assert.ok(said.body.text.includes("\x1b]0;owned\x07"));
    } finally {
      await terminal.close();
    }
  }],
  ["without UTF-8 and colours everything is ASCII", async (fleet) => {
    const terminal = await consoleIn(fleet, SIZES[0], "", { LANG: "C", LC_ALL: "C", NO_COLOR: "1" });
    try {
      const screen = await terminal.until(/web1 +\* connected/);
      assert.match(screen, /^[\x20-\x7e\n]*$/);
      // deno-lint-ignore no-control-regex -- colours are escape sequences
      assert.doesNotMatch(await terminal.screen(true), /\x1b\[[0-9;]*3[0-7]m/);
    } finally {
      await terminal.close();
    }
  }],
  ["the screen reader's mode prints lines", async (fleet) => {
    const terminal = await consoleIn(fleet, SIZES[0], "--screen-reader");
    try {
      await terminal.until(/db1, connected/);
      assert.equal(await terminal.fact("alternate_on"), "0");
      await terminal.keys("j");
      await terminal.until(/db1, connected[^]*web1, connected/);
      await terminal.keys("q");
      await terminal.until(/ended with 0/);
    } finally {
      await terminal.close();
    }
  }],
];

Deno.test("the console confirms, is read only when told to, exports, and lets no host write on the terminal", async (t) => {
  await withFleet(async (fleet) => {
    for (const [name, step] of SAFE) await t.step(name, () => step(fleet));
  });
});

const OUTLIVES: readonly Step[] = [
  ["resized, it is drawn anew; without room it says so", async (fleet) => {
    const terminal = await consoleIn(fleet);
    try {
      await terminal.until(/web1 .*connected/);
      await terminal.resize(40, 10);
      await terminal.until(/a little small/);
      await terminal.resize(1, 1);
      for (let step = 0; step < 30; step++) await terminal.resize(60 + step, 15 + step);
      await terminal.resize(120, 30);
      await terminal.until((screen) => /web1 .*connected/.test(screen) && /─{100}/.test(line(screen, "agents  3")));
    } finally {
      await terminal.close();
    }
  }],
  ["a pasted megabyte in the filter is cut with a word", async (fleet) => {
    const terminal = await consoleIn(fleet);
    try {
      await terminal.until(/web1/);
      await terminal.keys("/");
      await terminal.paste("x".repeat(1024 * 1024));
      await terminal.until(/cut to the first 1000 characters|0 of 3/);
      await terminal.keys("Escape");
      await terminal.until(/web1/);
    } finally {
      await terminal.close();
    }
  }],
  ["ctrl-z gives the terminal back, ctrl-z again stops it, fg draws again", async (fleet) => {
    const terminal = await consoleIn(fleet);
    try {
      await terminal.until(/web1/);
      await terminal.keys("C-z");
      await terminal.until(/gave the terminal back/);
      assert.equal(await terminal.fact("alternate_on"), "0");
      assert.equal(await terminal.fact("cursor_flag"), "1");
      await terminal.keys("Enter");
      await terminal.until(/web1/);
      assert.equal(await terminal.fact("alternate_on"), "1");
      await terminal.keys("C-z");
      await terminal.until(/gave the terminal back[^]*gave the terminal back/);
      await terminal.keys("C-z");
      await terminal.until(/Stopped[^]*prompt>/);
      await terminal.run("fg");
      await terminal.untilFact("alternate_on", "1");
      await terminal.until(/web1/);
    } finally {
      await terminal.close();
    }
  }],
  ["SIGTERM ends it with the terminal as it was", async (fleet) => {
    const terminal = await Tmux.start({ ...SIZES[0]!, env: fleet.fleet.env });
    try {
      await terminal.run(
        `${
          binary("jabber-tui")
        } & pid=$!; fg; echo "ended with $?"; stty -a | tr ' ' '\\n' | grep -E '^-?(icanon|echo)$'`,
      );
      await terminal.until(/web1/);
      const { stdout } = await new Deno.Command("pgrep", {
        args: ["--parent", await terminal.fact("pane_pid"), "--full", "jabber-tui"],
      }).output();
      Deno.kill(Number(new TextDecoder().decode(stdout).trim()), "SIGTERM");
      await terminal.until(/ended with 0/);
      await terminal.until(/^icanon\necho$/m);
      assert.equal(await terminal.fact("alternate_on"), "0");
      assert.equal(await terminal.fact("cursor_flag"), "1");
    } finally {
      await terminal.close();
    }
  }],
  ["a killed server is said, with since when; it comes back by itself", async (fleet) => {
    const terminal = await consoleIn(fleet);
    try {
      await terminal.until(/web1 .*● connected/);
      await fleet.fleet.server!.stop("SIGKILL");
      await terminal.until(/✖ disconnected since \d\d:\d\d:\d\d/);
      await terminal.until(/web1/);
      await fleet.fleet.startServer();
      await terminal.until(/● live/);
      await terminal.until(/● 3 connected/);
    } finally {
      await terminal.close();
    }
  }],
];

Deno.test("the console outlives what happens to its window, its server and itself", async (t) => {
  await withFleet(async (fleet) => {
    for (const [name, step] of OUTLIVES) await t.step(name, () => step(fleet));
  });
});

Deno.test("without a terminal the console refuses politely and names what to use instead", async () => {
  const { code, stderr } = await new Deno.Command(binary("jabber-tui"), { stdin: "null", stderr: "piped" }).output();
  assert.equal(code, 2);
  assert.match(new TextDecoder().decode(stderr), /jabber agent ls.*jabber firehose/s);
});

/** Every verb of the command line, against one fleet of compiled programs. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { canRun } from "../support/needs.ts";
import { binary } from "../support/program.ts";
import { Terminal, terminalLacks } from "../support/terminal.ts";
import { CliFleet, HELLO } from "./cli_fleet.ts";

type Steps = (t: Deno.TestContext, cli: CliFleet) => Promise<void>;

Deno.test("jabber drives a fleet of compiled programs", async (t) => {
  const cli = await CliFleet.start();
  try {
    for (const steps of [keys, scripts, agents, runs, runOptions, longRuns, streams, pipes, formats]) {
      await steps(t, cli);
    }
    await t.step("nothing it printed holds an escape sequence", () => {
      // deno-lint-ignore no-control-regex -- what must not be there
      for (const { out, err } of cli.printed) assert.doesNotMatch(out + err, /[\x00-\x08\x0b-\x1f\x7f]/);
    });
  } finally {
    await cli.fleet.stop();
  }
});

const keys: Steps = async (t, cli) => {
  const { fleet } = cli;
  const ca = `${fleet.clusterFolder}/cluster-ca.pem`;
  await t.step("keygen makes a key once, for its owner only", async () => {
    const path = cli.path("alice.key");
    assert.match(await cli.out("keygen", "--out", path), /^ed25519:[\w-]{43}\n$/);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    assert.match((await cli.exits(1, "keygen", "--out", path)).err, /input\.conflict/);
  });
  await t.step("init overwrites no cluster", async () => {
    assert.match((await cli.exits(1, "init", fleet.clusterFolder)).err, /input\.conflict/);
  });
  await t.step("login refuses a wrong password and an unknown CA, each with a code and the next step", async () => {
    const wrong = await cli.write("wrong", "incorrect horse");
    assert.match(
      (await cli.exits(1, "login", fleet.url, "--ca", ca, "--password-file", wrong)).err,
      /^jabber: the credentials are not valid\n {2}→ .*jabber login.*\n {2}\(auth\.refused\)\n$/,
    );
    const elsewhere = fleet.url.replace("127.0.0.1", "localhost");
    const unknown = await cli.exits(1, "login", elsewhere, "--password-file", cli.path("password"));
    assert.match(unknown.err, /name the cluster's with --ca\)\n.*\n {2}\(net\.unreachable\)/);
    assert.match((await cli.exits(2, "login", fleet.url, "--ca", ca)).err, /no terminal to ask/);
  });
  await t.step("login asks for the password at a terminal, and does not show it", async () => {
    if (!canRun(await terminalLacks())) return;
    const terminal = new Terminal([binary("jabber"), "login", fleet.url], { ...fleet.env, NO_COLOR: "1" });
    await terminal.until(/Password of admin: /);
    await terminal.type("correct horse battery\r");
    await terminal.until(/Signed in at /);
    assert.equal(await terminal.ended, 0);
    await terminal.close();
    assert.ok(!terminal.seen.includes("horse"), terminal.seen);
  });
  await t.step("doctor finds all well", async () => {
    assert.match(await cli.out("doctor"), /^(ok {4}.*\n){6}$/);
  });
  await t.step("doctor says what is missing once, and what depends on it", async () => {
    const { code, out } = await cli.shell("JABBER_HOME=/nonexistent jabber doctor");
    assert.equal(code, 1);
    assert.match(out, /^FAIL {2}author key: .*\n +→ .*keygen/);
    assert.match(
      out,
      /skip {2}server: needs context\nskip {2}certificates: needs server\nskip {2}credentials: needs server\n$/,
    );
  });
  await t.step("version names the permissions", async () => {
    assert.match(await cli.out("version"), /^jabber \d+\.\d+\.\d+\nmay use: .*\nmay not use: run, ffi, import\n$/);
  });
};

const scripts: Steps = async (t, cli) => {
  await t.step("script push refuses a file that is not signed", async () => {
    assert.match((await cli.exits(1, "script", "push", cli.path("hello.js"))).err, /signature\.missing/);
  });
  await t.step("sign signs and pushes; what a person typed keeps its bytes", async () => {
    for (const name of ["hello.js", "typed.ts", "chatty.js"]) await cli.exits(0, "sign", cli.path(name));
    await cli.exits(0, "script", "sign", "--push", cli.path("slow.js"));
    const signed = await Deno.readTextFile(cli.path("hello.js"));
    assert.equal(signed.replace(/signatures:\n {2}- .*\n/, ""), HELLO);
  });
  await t.step("script ls, show and verify agree on the hash", async () => {
    const row = (await cli.json("script", "ls")).find(({ name }: { name: string }) => name === "hello");
    assert.equal((await cli.json("script", "show", "hello")).hash, row.hash);
    assert.equal(await cli.out("script", "show", "hello", "--text"), await Deno.readTextFile(cli.path("hello.js")));
    const shown = new RegExp(`^hello {2}${row.hash}\n {2}good .*your key`);
    assert.match(await cli.out("script", "verify", "hello"), shown);
    assert.match(await cli.out("script", "verify", cli.path("hello.js")), shown);
  });
  await t.step("script verify and push refuse a changed copy", async () => {
    const forged = await cli.write(
      "forged.js",
      (await Deno.readTextFile(cli.path("hello.js"))).replace("from", "form"),
    );
    assert.match((await cli.exits(1, "script", "verify", forged)).out, /invalid|broken|bad/i);
    assert.match((await cli.exits(1, "script", "push", forged)).err, /signature\.invalid/);
  });
  await t.step("script sign with a stranger's key is refused by the server", async () => {
    const path = await cli.write("stranger.js", HELLO.replace("name: hello", "name: stranger"));
    await cli.exits(0, "script", "sign", path, "--key", cli.path("alice.key"));
    assert.match((await cli.exits(1, "script", "push", path)).err, /signer\.unknown/);
  });
  await t.step("script rm takes it away", async () => {
    const path = await cli.write("gone.js", HELLO.replace("name: hello", "name: gone"));
    await cli.exits(0, "sign", path);
    assert.match((await cli.exits(0, "script", "rm", "--yes", "gone")).err, /^removed sha256-/);
    assert.match((await cli.exits(1, "script", "show", "gone")).err, /input\.not_found/);
    assert.match((await cli.exits(1, "run", "gone")).err, /is no file, no pushed script and no command/);
  });
};

const agents: Steps = async (t, cli) => {
  await t.step("agent ls lists by name, and what a selector matches", async () => {
    assert.deepEqual(namesIn(await cli.out("agent", "ls")), ["db1", "web1", "web2"]);
    assert.deepEqual(namesIn(await cli.out("agent", "ls", "-l", "role=web")), ["web1", "web2"]);
    assert.match((await cli.exits(1, "agent", "ls", "-l", "role in (")).err, /selector\.malformed/);
  });
  await t.step("agent show takes a name or an id", async () => {
    const { id } = await cli.json("agent", "show", "web1");
    assert.equal((await cli.json("agent", "show", id)).name, "web1");
    assert.match((await cli.exits(1, "agent", "show", "web9")).err, /input\.not_found/);
  });
  await t.step("an agent with the pin waits; approve lets it in, rm sends it away for good", async () => {
    const late = await cli.fleet.startAgent({ name: "late", tags: { role: "late" }, token: false });
    assert.equal((await cli.json("agent", "show", "late")).state, "pending");
    assert.match((await cli.exits(1, "run", "-l", "role=late", "sys.facts")).err, /input\.no_target/);
    const said = late.lines.length;
    assert.match((await cli.exits(0, "agent", "approve", "late")).err, /^approved late \(agent-/);
    await late.line(/READY/, said);
    await cli.exits(0, "run", "-l", "role=late", "sys.facts");
    assert.match((await cli.exits(0, "agent", "rm", "--yes", "late")).err, /^removed late/);
    await late.line(/agent\.removed/);
    assert.ok(!namesIn(await cli.out("agent", "ls")).includes("late"));
    assert.ok(namesIn(await cli.out("agent", "ls", "--all")).includes("late"));
    assert.match((await cli.exits(1, "run", "-l", "role=late", "sys.facts")).err, /input\.no_target/);
    await late.stop("SIGKILL");
  });
};

const runs: Steps = async (t, cli) => {
  await t.step("run --dry-run shows exactly who would be hit, and creates nothing", async () => {
    const before = await cli.out("run", "ls", "-o", "name");
    const { out, err } = await cli.exits(0, "run", "--dry-run", "-l", "role=web", "slow");
    assert.deepEqual(namesIn(out), ["web1", "web2"]);
    assert.equal(err, "2 agents would be hit; nothing was sent\n");
    assert.equal(await cli.out("run", "ls", "-o", "name"), before);
  });
  await t.step("run needs no signature for what owners leave free, and says who said what", async () => {
    const { out, err } = await cli.exits(0, "run", "hello", "--greeting", "Ahoy");
    const lines = out.trimEnd().split("\n").sort();
    assert.deepEqual(lines.filter((line) => line.includes("Ahoy")), [
      "db1 | [info] Ahoy from linux",
      "web1 | [info] Ahoy from linux",
      "web2 | [info] Ahoy from linux",
    ]);
    assert.match(err, /^order [0-9A-Z]{26}: 3 agents\n3 × ok, the same answer: db1, web1, web2\n$/);
  });
  await t.step(
    "run signs what needs it; where the owner did not allow it the refusal names the next step",
    async () => {
      const { out, err } = await cli.exits(3, "run", "slow", "--seconds", "1");
      assert.match(out, /web1 \| slept\n/);
      assert.match(
        err,
        /\n2 × ok, the same answer: web1, web2\n1 × failed: .*allowlist.*\(script\.threw\): db1\n {2}→ /,
      );
      const program = ["process.exec", "/bin/true"];
      const refused = await cli.exits(1, "run", ...program);
      assert.match(
        refused.err,
        /\n3 × failed: .*\/bin\/true.*\(policy\.program_refused\): db1, web1, web2\n {2}→ add it to/,
      );
    },
  );
};

const runOptions: Steps = async (t, cli) => {
  await t.step("run signs when it is told to; agents refuse an order that a stranger signed", async () => {
    const one = ["-l", "name=db1", "hello"];
    const order = (await cli.out("run", "-o", "name", "--valid", "60", ...one)).trim();
    assert.equal((await cli.json("run", "show", order)).signed, true);
    const stranger = await cli.exits(1, "run", "--key", cli.path("alice.key"), ...one);
    assert.match(stranger.err, /\(signer\.unknown\)/);
    await Deno.chmod(cli.path("alice.key"), 0o644);
    assert.match((await cli.exits(1, "run", "--key", cli.path("alice.key"), ...one)).err, /\(key\.exposed\)/);
  });
  await t.step("run tells a typo, a missing and a wrong argument apart from a failure", async () => {
    assert.match((await cli.exits(1, "run", "fs.reed")).err, /"fs\.reed" is no file, no pushed script and no command/);
    assert.match((await cli.exits(2, "run", "hello", "--greeting")).err, /--greeting needs a value/);
    assert.match((await cli.exits(1, "run", "hello", "--nope", "x")).err, /args\.mismatch/);
    assert.match((await cli.exits(2, "run", "hello", "-o", "json")).err, /stand before the name/);
  });
  await t.step("run carries --meta to every record", async () => {
    const args = ["-l", "name=db1", "--meta", "ticket=OPS-1", "--meta", "by=ada", "hello"];
    const records = (await cli.out("run", "-o", "json", ...args)).trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.ok(records.length >= 3);
    for (const { meta } of records) assert.deepEqual(meta, { ticket: "OPS-1", by: "ada" });
  });
  await t.step("run takes TypeScript, and a file that is signed but not pushed", async () => {
    assert.equal(await cli.out("run", "-l", "name=db1", "typed", "--n", "21"), '{"double": 42, "level": "high"}\n');
    const path = await cli.write("fresh.js", HELLO.replace("name: hello", "name: fresh"));
    await cli.exits(0, "script", "sign", path);
    await cli.exits(0, "run", "-l", "name=db1", path);
    assert.equal((await cli.json("script", "show", "fresh")).name, "fresh");
  });
  await t.step("run --detach prints the order's id; show and attach find it", async () => {
    const order = (await cli.out("run", "--detach", "-l", "name=db1", "hello")).trim();
    const { out } = await cli.exits(0, "run", "attach", order);
    assert.match(out, /^\[info\] Hello from linux\n/);
    const shown = await cli.json("run", "show", order);
    assert.deepEqual(shown.targets.map(({ name, ok }: { name: string; ok: boolean }) => [name, ok]), [["db1", true]]);
    assert.match((await cli.exits(0, "run", "cancel", order)).err, /was over already/);
  });
};

/** What is typed after Ctrl-C, the exit code, and what is said. */
const ANSWERS = [
  ["d\n", 3, /detached, it goes on/],
  ["\x03", 3, /detached, it goes on/],
  ["c\n", 1, /run\.cancelled/],
] as const;

const longRuns: Steps = async (t, cli) => {
  const slow = ["run", "-l", "name=web1", "slow"];
  await t.step("output arrives while the run goes on; cancel ends it", async () => {
    const running = cli.fleet.cliProgram(...slow);
    const [, order] = await running.line(/^order (\S+):/);
    await running.line(/\[info\] begun/);
    assert.equal((await cli.json("run", "show", order!)).targets[0].state, "started");
    assert.match((await cli.exits(0, "run", "cancel", order!, "--reason", "enough")).err, /^cancelled/);
    await running.line(/1 × failed: the run was cancelled: enough \(run\.cancelled\): web1/);
    assert.equal((await running.ended).code, 1);
  });
  await t.step("run --timeout ends it", async () => {
    assert.match((await cli.exits(1, "run", "--timeout", "1", "-l", "name=web1", "slow")).err, /script\.timeout/);
  });
  await t.step("Ctrl-C without a terminal detaches, and the run goes on", async () => {
    const running = cli.fleet.cliProgram(...slow);
    const [, order] = await running.line(/^order (\S+):/);
    await running.line(/\[info\] begun/);
    running.signal("SIGINT");
    await running.line(/^detached, it goes on; see it again with: jabber run attach/);
    assert.equal((await running.ended).code, 3);
    assert.equal((await cli.json("run", "show", order!)).targets[0].state, "started");
    await cli.exits(0, "run", "cancel", order!);
  });
  await t.step("Ctrl-C at a terminal asks whether to cancel or to detach", async () => {
    if (!canRun(await terminalLacks())) return;
    for (const [answer, code, end] of ANSWERS) {
      const terminal = new Terminal([binary("jabber"), ...slow], { ...cli.fleet.env, NO_COLOR: "1" });
      await terminal.until(/begun/);
      await terminal.type("\x03");
      await terminal.until(/Cancel the order everywhere \[c\], or detach and leave it running \[d\]\?/);
      await terminal.type(answer);
      await terminal.until(end);
      assert.equal(await terminal.ended, code);
      await terminal.close();
      const order = /order (\S+):/.exec(terminal.seen)![1]!;
      if (code === 3) await cli.exits(0, "run", "cancel", order);
    }
  });
  await t.step("run --wait waits for an agent that is away; without it the command says so and ends", async () => {
    const { fleet } = cli;
    await fleet.agents.get("db1")!.stop();
    const { err } = await cli.exits(1, "run", "-l", "name=db1", "hello");
    assert.match(
      err,
      /: 1 agent \(1 not connected\)\n1 × not connected: it runs there when it connects in time: db1\n {2}→ `jabber agent ls` says .*\n$/,
    );
    const waiting = fleet.cliProgram("run", "--wait", "-l", "name=db1", "hello", "--greeting", "Patience");
    await waiting.line(/^order /);
    await fleet.startAgent({ name: "db1", tags: { role: "db" } });
    await waiting.line(/\[info\] Patience from linux/);
    assert.equal((await waiting.ended).code, 0);
  });
};

const streams: Steps = async (t, cli) => {
  await t.step("logs RUN --from N gives the same lines every time, and the rest of them", async () => {
    const run = await runOf(cli, "name=web1", "chatty", "--lines", "5");
    const all = await cli.out("logs", run, "--json");
    assert.deepEqual(offsetsIn(all), [0, 1, 2, 3, 4, 5, 6]);
    for (const from of [0, 3, 6, 7]) {
      const rest = await cli.out("logs", run, "--json", "--from", String(from));
      assert.equal(rest, all.split("\n").slice(from).join("\n"));
    }
    assert.match(await cli.out("logs", run), / {5}0 \S+ \[started\] script:.*\n {5}1 \S+ \[info\] line 0/);
    assert.match((await cli.exits(1, "logs", "01ARZ3NDEKTSV4RRFFQ69G5FAV")).err, /stream\.unknown|input\.not_found/);
  });
  await t.step("logs AGENT holds what the agent said outside of runs, and is empty before", async () => {
    assert.match((await cli.exits(0, "logs", "web2")).err, /^web2 has said nothing outside of runs yet/);
  });
  await t.step("logs -f and a run go on after the server was restarted", async () => {
    const { fleet } = cli;
    const running = fleet.cliProgram("run", "-l", "name=web1", "slow", "--seconds", "3");
    const [, order] = await running.line(/^order (\S+):/);
    await running.line(/begun/);
    const [target] = (await cli.json("run", "show", order!)).targets;
    const follower = fleet.cliProgram("logs", target.run, "-f", "--json");
    await follower.line(/"text":"begun"/);
    const hose = fleet.cliProgram("firehose", "--kind", "log", "--pattern", "Hello from");
    const agents = ["web1", "web2", "db1"].map((name) => fleet.agents.get(name)!);
    const said = agents.map(({ lines }) => lines.length);
    await fleet.server!.stop();
    await fleet.startServer();
    await running.line(/second 3/);
    // What follows is for all of them, and each comes back in its own time.
    await Promise.all(agents.map((agent, index) => agent.line(/READY/, said[index])));
    await untilHeard(cli, hose.line(/ \[info\] Hello from linux/));
    assert.equal((await hose.stop("SIGINT")).code, 0);
    assert.equal((await running.ended).code, 0);
    await follower.line(/"state":"finished"/);
    const followed = follower.lines.filter((line) => line.startsWith("{")).join("\n");
    assert.deepEqual(offsetsIn(followed), [0, 1, 2, 3, 4, 5]);
    assert.equal(running.lines.filter((line) => line.includes("begun")).length, 1);
    follower.signal("SIGINT");
    assert.equal((await follower.ended).code, 0);
  });
  await t.step("firehose shows only what its filter lets through on the server", async () => {
    const hose = cli.fleet.cliProgram("firehose", "-l", "role=db", "--kind", "log", "--count", "2");
    await untilHeard(cli, hose.ended);
    assert.equal((await hose.ended).code, 0);
    assert.equal(hose.lines.length, 2, hose.lines.join("\n"));
    for (const line of hose.lines) assert.match(line, /^\S+Z db1 \[info\] Hello from linux$/);
    assert.match(
      (await cli.exits(1, "firehose", "--kind", "nope")).err,
      /"nope" is no message kind\n.*\n.*input\.invalid/,
    );
  });
  await t.step("history tells who did what", async () => {
    const rows = await cli.json("history", "--limit", "1000");
    const actions = new Set(rows.map(({ action }: { action: string }) => action));
    for (const action of ["login", "push script", "submit order", "approve agent", "remove agent", "enrol agent"]) {
      assert.ok(actions.has(action), action);
    }
    assert.ok(rows.some(({ outcome }: { outcome: string }) => outcome === "signature.invalid"));
    assert.equal((await cli.out("history", "--limit", "2", "-o", "name")).split("\n").length, 3);
  });
};

/** Nobody says when a firehose is connected, so there is something to hear until it was heard. */
async function untilHeard(cli: CliFleet, heard: Promise<unknown>): Promise<void> {
  let over = false;
  const done = heard.finally(() => over = true);
  while (!over) await cli.exits(0, "run", "hello");
  await done;
}

const pipes: Steps = async (t, cli) => {
  await t.step("a reader that has enough ends it quietly", async () => {
    const run = await runOf(cli, "name=web1", "chatty", "--lines", "600");
    const line = `{ jabber logs ${run} --json; echo "exit $?" >&2; } | head -n 1`;
    const { out, err } = await cli.shell(line);
    assert.equal(offsetsIn(out).length, 1);
    assert.equal(err, "exit 0\n");
  });
  await t.step("data goes to standard output, talk to standard error", async () => {
    const { out } = await cli.shell("jabber run -l name=web1 chatty --lines 1 2>/dev/null");
    assert.match(out, /^\[info\] line 0 x+\n$/);
    assert.equal((await cli.shell("jabber agent approve web1 2>/dev/null")).out, "");
  });
};

const formats: Steps = async (t, cli) => {
  const order = (await cli.out("run", "ls", "-o", "name")).split("\n")[0]!;
  const rows: [verb: string[], rest: string[]][] = [
    [["agent", "ls"], []],
    [["script", "ls"], []],
    [["run", "ls"], []],
    [["history"], []],
    [["agent", "show"], ["web1"]],
    [["script", "show"], ["hello"]],
    [["run", "show"], [order]],
    [["run", "--dry-run"], ["sys.facts"]],
  ];
  for (const [verb, rest] of rows) {
    await t.step(`${verb.join(" ")} -o table, json, yaml and name`, async () => {
      const as = (format: string) => cli.out(...verb, "-o", format, ...rest);
      const [table, json, yaml, name] = await Promise.all(["table", "json", "yaml", "name"].map(as));
      const value = JSON.parse(json!);
      assert.deepEqual(timeless(parse(yaml!)), timeless(value));
      const names = name!.trimEnd().split("\n");
      assert.equal(names.length, Array.isArray(value) ? value.length : 1);
      for (const one of names) assert.match(one, /^\S+$/);
      assert.ok(table!.split("\n").length > names.length);
    });
  }
};

/** Without what changes from one moment to the next. */
function timeless(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, inner) => key === "lastSeen" ? undefined : inner));
}

/** The first column below the title. */
function namesIn(table: string): string[] {
  return table.trimEnd().split("\n").slice(1).map((line) => line.split(" ", 1)[0]!);
}

function offsetsIn(lines: string): number[] {
  return lines.trimEnd().split("\n").map((line) => JSON.parse(line).offset);
}

/** Runs a script on one agent; answers its run's id. */
async function runOf(cli: CliFleet, selector: string, ...script: string[]): Promise<string> {
  const order = (await cli.out("run", "-o", "name", "-l", selector, ...script)).trim();
  return (await cli.json("run", "show", order)).targets[0].run;
}

/** What the command line does for a person at a keyboard: TAB, progress, contexts, secrets, tags. */
import assert from "node:assert/strict";
import { Fleet } from "../support/fleet.ts";
import { canRun } from "../support/needs.ts";
import { binary } from "../support/program.ts";
import { Terminal, terminalLacks } from "../support/terminal.ts";

const ECHO = `/*---
name: echo-length
access: 0
uses: [log.info]
args: {type: object, required: [token], properties: {token: {type: string, description: a secret}}}
---*/
await log.info("the token has " + args.token.length + " characters");
`;

interface Desk {
  fleet: Fleet;
  env: Record<string, string>;
}

type Step = (desk: Desk, t: Deno.TestContext) => Promise<void>;

Deno.test("jabber at a terminal", async (t) => {
  const fleet = await Fleet.start();
  try {
    for (const name of ["web1", "web2", "db1"]) {
      await fleet.startAgent({ name, tags: { role: name.slice(0, -1) } });
    }
    const dist = binary("jabber").replace(/\/jabber$/, "");
    const desk = { fleet, env: { ...fleet.env, PATH: `${dist}:/usr/bin:/bin`, TERM: "xterm" } };
    for (const steps of [completion, contexts, tags, secrets, progress]) await steps(desk, t);
  } finally {
    await fleet.stop();
  }
});

/** What bash offers behind this line. */
async function offered({ fleet, env }: Desk, line: string): Promise<string[]> {
  const script = `
    source <(jabber completion bash)
    COMP_LINE=$1 COMP_POINT=\${#1}
    COMP_WORDS=($1); [[ $1 == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    _jabber
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", script, "bash", line],
    env,
    clearEnv: true,
    cwd: fleet.folder,
  }).output();
  assert.equal(new TextDecoder().decode(stderr), "", line);
  return new TextDecoder().decode(stdout).split("\n").filter((word) => word !== "").sort();
}

async function shellLacks(shell: string): Promise<string | undefined> {
  try {
    await new Deno.Command(shell, { args: ["-c", "true"] }).output();
    return undefined;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return `${shell} is not installed`;
    throw cause;
  }
}

const completion: Step = async (desk, t) => {
  if (!canRun(await shellLacks("bash"))) return;
  const { fleet, env } = desk;
  await t.step("bash completes verbs, options, choices, and names of this fleet", async () => {
    assert.deepEqual(await offered(desk, "jabber agent s"), ["show"]);
    assert.deepEqual(await offered(desk, "jabber agent show w"), ["web1", "web2"]);
    assert.deepEqual(await offered(desk, "jabber agent rm web1 d"), ["db1"]);
    assert.deepEqual(await offered(desk, "jabber agent ls -o "), ["json", "name", "table", "yaml"]);
    assert.deepEqual(await offered(desk, "jabber agent ls --sel"), ["--selector"]);
    assert.deepEqual(await offered(desk, "jabber context use "), ["default"]);
    assert.deepEqual(await offered(desk, "jabber run fs.re"), ["fs.read"]);
    assert.deepEqual(await offered(desk, "jabber run fs.read --len"), ["--length"]);
    assert.deepEqual(await offered(desk, "jabber nothing "), []);
    await Deno.writeTextFile(`${fleet.folder}/a script.js`, ECHO);
    assert.deepEqual(await offered(desk, "jabber sign a"), ["a script.js", "agents"]);
  });
  await t.step("each shell that is here reads its script without a fault", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const path = `${fleet.folder}/completion.${shell}`;
      await Deno.writeTextFile(path, (await fleet.must("completion", shell)).out);
      const lacks = await shellLacks(shell);
      if (lacks !== undefined) {
        console.log(`completion of ${shell}: not read, ${lacks}`);
        continue;
      }
      const { code, stderr } = await new Deno.Command(shell, { args: ["-n", path] }).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
    }
  });
  await t.step("a pressed TAB fills the name in", async () => {
    if (!canRun(await terminalLacks())) return;
    const terminal = new Terminal(["bash", "--norc", "--noprofile", "-i"], env);
    // The quotes keep what is typed apart from what is answered.
    await terminal.type("PS1='' ; source <(jabber completion bash) ; echo rea''dy\r");
    await terminal.until(/ready/);
    await terminal.type("echo jabber-; jabber agent show db\t -o na''me\r");
    await terminal.until(/agent show db1 /);
    await terminal.until(/\nagent-[a-z0-9]+/);
    await terminal.type("exit\r");
    await terminal.close();
  });
};

const contexts: Step = async ({ fleet }, t) => {
  const file = `${fleet.folder}/operator/contexts.json`;
  await t.step("a second login has a name of its own; --context and JABBER_CONTEXT choose on every verb", async () => {
    const password = `${fleet.folder}/password`;
    await fleet.must("login", fleet.url, "--name", "second", "--password-file", password);
    assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
    const rows = JSON.parse((await fleet.must("context", "ls", "-o", "json")).out);
    assert.deepEqual(rows.map(({ name, current }: Record<string, unknown>) => [name, current]), [
      ["default", false],
      ["second", true],
    ]);
    assert.doesNotMatch(JSON.stringify(rows), /token|eyJ/);
    assert.equal((await fleet.must("context", "show", "--context", "default", "-o", "name")).out, "default\n");
    await fleet.must("--context", "default", "agent", "ls");
    for (const args of [["agent", "ls"], ["run", "ls"], ["history"], ["doctor"]]) {
      const wrong = await fleet.cli(...args, "--context", "nope");
      assert.equal(wrong.code, 1, args.join(" "));
      assert.match(wrong.out + wrong.err, /no context is called "nope"; there is default, second/);
    }
    await fleet.must("context", "use", "default");
    await fleet.must("context", "rm", "second");
    assert.equal((await fleet.must("context", "ls", "-o", "name")).out, "default\n");
  });
};

const tags: Step = async ({ fleet }, t) => {
  const shown = async () => JSON.parse((await fleet.must("agent", "show", "web1", "-o", "json")).out);
  await t.step("agent tag sets and removes tags by signed orders, and show tells where each comes from", async () => {
    await fleet.must("agent", "tag", "web1", "canary=yes", "wave=1");
    const { tags, tagsFrom } = await shown();
    assert.deepEqual([tags.canary, tags.wave, tags.role], ["yes", "1", "web"]);
    assert.deepEqual([tagsFrom.canary, tagsFrom.role, tagsFrom.os], ["set", "configuration", "host"]);
    const { orders } = { orders: JSON.parse((await fleet.must("run", "ls", "-o", "json")).out) };
    assert.ok(orders.slice(0, 2).every((row: { signed: boolean }) => row.signed));
    const others = (await fleet.must("agent", "ls", "-l", "canary=yes", "-o", "name")).out;
    assert.equal(others.split("\n").length, 2, "exactly that agent");
    await fleet.must("agent", "tag", "-l", "canary=yes", "canary-", "wave-");
    assert.equal((await shown()).tags.canary, undefined);
  });
  await t.step("agent tag leaves alone what the host's owner wrote, and tells a typo", async () => {
    const owned = await fleet.cli("agent", "tag", "web1", "role=db");
    assert.equal(owned.code, 1);
    assert.match(owned.err, /tags\.owned/);
    assert.equal((await fleet.cli("agent", "tag", "web1", "role")).code, 2);
    assert.equal((await fleet.cli("agent", "tag", "web1")).code, 2);
    assert.match((await fleet.cli("agent", "tag", "web9", "a=b")).err, /input\.not_found/);
  });
  await t.step("agent show --facts asks the agent itself", async () => {
    const { facts } = JSON.parse((await fleet.must("agent", "show", "web1", "--facts", "-o", "json")).out);
    assert.equal(facts.os, "linux");
  });
};

const secrets: Step = async ({ fleet, env }, t) => {
  await t.step("a secret argument reaches the script and no list, history or firehose", async () => {
    if (!canRun(await terminalLacks())) return;
    await Deno.writeTextFile(`${fleet.folder}/echo-length.js`, ECHO);
    await fleet.must("sign", `${fleet.folder}/echo-length.js`);
    const hose = fleet.cliProgram("firehose", "--json");
    const run = ["run", "-l", "name=web1", "--valid", "60", "--arg-secret", "token", "echo-length"];
    const terminal = new Terminal([binary("jabber"), ...run], { ...env, NO_COLOR: "1" });
    await terminal.until(/token: /);
    await terminal.type("hunter2hunter2\r");
    await terminal.until(/the token has 14 characters/);
    assert.equal(await terminal.ended, 0);
    await terminal.close();
    const order = /order (\S+):/.exec(terminal.seen)![1]!;
    const shown = await fleet.must("run", "show", order, "-o", "json");
    assert.deepEqual(JSON.parse(shown.out).args, { token: "(secret)" });
    const said = [
      terminal.seen,
      shown.out,
      (await fleet.must("run", "ls", "-o", "json")).out,
      (await fleet.must("run", "attach", order, "-o", "json")).out,
      (await fleet.must("history", "-o", "json")).out,
    ];
    await hose.stop("SIGINT");
    assert.doesNotMatch([...said, ...hose.lines].join("\n"), /hunter2/);
  });
  await t.step("--no-input never asks", async () => {
    const run = ["run", "--no-input", "--arg-secret", "token", "echo-length"];
    const terminal = new Terminal([binary("jabber"), ...run], env);
    assert.equal(await terminal.ended, 2);
    assert.match(terminal.seen, /no terminal to ask for token/);
    await terminal.close();
  });
};

const progress: Step = async ({ fleet, env }, t) => {
  await t.step("progress is drawn on a terminal and wiped at its end, and never on a dumb one", async () => {
    if (!canRun(await terminalLacks())) return;
    for (const [term, isDrawn] of [["xterm", true], ["dumb", false]] as const) {
      const run = ["run", "-l", "role in (web,db)", "sys.facts"];
      const terminal = new Terminal([binary("jabber"), ...run], { ...env, TERM: term });
      assert.equal(await terminal.ended, 0);
      await terminal.close();
      assert.equal(/finished \[[# ]+\] \d\/3/.test(terminal.seen), isDrawn, terminal.seen);
      // deno-lint-ignore no-control-regex -- what wipes the line
      const left = terminal.seen.replace(/\r\x1b\[K(?:finished \[[# ]+\] \d\/3(?=\r\x1b\[K))?/g, "");
      assert.doesNotMatch(left, /finished \[/);
      assert.match(left, /3 × ok/);
    }
    assert.doesNotMatch((await fleet.must("run", "sys.facts")).err, /finished \[/);
  });
};

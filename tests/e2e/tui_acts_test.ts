/** What is done from the console, on the compiled programs: scripts signed and run, jobs applied and ended, all of it told. */
import assert from "node:assert/strict";
import { canRun } from "../support/needs.ts";
import { binary } from "../support/program.ts";
import { Tmux, tmuxLacks } from "../support/tmux.ts";
import { CliFleet } from "./cli_fleet.ts";

const GREET = `/*---
name: greet
access: 1
uses: [sys.facts, log.info]
args: {type: object, properties: {word: {type: string, default: Hello}}}
---*/
await log.info(args.word + " from " + (await sys.facts()).os);
`;

async function withConsole(run: (fleet: CliFleet, terminal: Tmux) => Promise<void>): Promise<void> {
  if (!canRun(await tmuxLacks())) return;
  const fleet = await CliFleet.start();
  const terminal = await Tmux.start({ columns: 120, rows: 30, env: fleet.fleet.env });
  try {
    await terminal.run(`clear; ${binary("jabber-tui")}; echo "ended with $?"`);
    await terminal.until(/3 connected/);
    await run(fleet, terminal);
    await terminal.keys("C-c");
    await terminal.until(/ended with 0/);
  } finally {
    await terminal.close();
    await fleet.fleet.stop();
  }
}

async function type(terminal: Tmux, text: string): Promise<void> {
  await terminal.keys(...text, "Enter");
}

Deno.test("a script is signed, pushed, looked at, compared, run and deleted from the console", async () => {
  await withConsole(async (fleet, terminal) => {
    const path = await fleet.write("greet.js", GREET);
    await type(terminal, ":scripts");
    await terminal.until(/no scripts yet/);
    await terminal.keys("p");
    await terminal.until(/sign and push the file/);
    await type(terminal, path);
    await terminal.until(/greet +1 facts +open +admin/);
    await terminal.keys("Enter");
    await terminal.until(/trusted by this server/);
    await Deno.writeTextFile(path, (await Deno.readTextFile(path)).replace('" from "', '" out of "'));
    await terminal.keys("d");
    await terminal.until(/compare with the file/);
    await terminal.keys("C-u");
    await type(terminal, path);
    await terminal.until(/- await log\.info.*\n.*\+ await log\.info\(args\.word \+ " out of "/);
    await terminal.keys("d", "R");
    await terminal.until(/run greet with/);
    await type(terminal, "role=web --word Ahoy");
    await terminal.until(/Run greet on 2 agents\?/);
    await terminal.keys("Enter");
    await terminal.until(/cancelled: nothing was done/);
    await terminal.keys("R");
    await terminal.until(/run greet with/);
    await type(terminal, "role=web --word Ahoy");
    await terminal.until(/Run greet on 2 agents\?/);
    await terminal.keys("Tab", "Enter");
    await terminal.until(/2 × ok/);
    await terminal.keys("Tab");
    await terminal.until(/\[info\] Ahoy from linux/);
    await type(terminal, ":scripts");
    await terminal.until(/scripts {2}1/);
    await terminal.keys("D");
    await terminal.until(/Delete greet\?/);
    await terminal.keys("Tab", "Enter");
    await terminal.until(/no scripts yet/);
    await type(terminal, ":history");
    await terminal.until(/remove script[^]*submit order +greet +2[^]*push script +greet/);
  });
});

Deno.test("a job is applied, watched and ended from the console", async () => {
  await withConsole(async (fleet, terminal) => {
    const { out } = await fleet.fleet.must(
      "job",
      "new",
      "tick",
      "--does",
      "sys.facts",
      "--every",
      "1s",
      "-l",
      "role=web",
    );
    const path = await fleet.write("tick.yaml", out);
    await type(terminal, ":jobs");
    await terminal.until(/no jobs yet/);
    await terminal.keys("p");
    await terminal.until(/sign and apply the job file/);
    await type(terminal, path);
    await terminal.until(/Create the job tick\?[^]*for web1, web2/);
    await terminal.keys("Tab", "Enter");
    await terminal.until(/tick +● active +every 1s +sys\.facts +2\/2/);
    await terminal.keys("Enter");
    await terminal.until(/web2 +● accepted .*✔/);
    await terminal.keys("h");
    await terminal.until(/runs of tick[^]*web1 +✔ ok/);
    await terminal.keys("Escape");
    await terminal.until(/state +● active/);
    await terminal.keys("D");
    await terminal.until(/Cancel the job tick\?/);
    await terminal.keys("Tab", "Enter");
    await terminal.until(/○ cancelled +serial 2/);
    assert.match(await Deno.readTextFile(path), /signatures:/);
    await type(terminal, ":history");
    await terminal.until(/cancel job +tick[^]*apply job +tick/);
  });
});

Deno.test("an answer that nobody understands is said, and the console goes on", async () => {
  if (!canRun(await tmuxLacks())) return;
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    if (request.headers.get("upgrade") === "websocket") return Deno.upgradeWebSocket(request).response;
    return Response.json({ agents: "many" });
  });
  const home = await Deno.makeTempDir();
  const url = `http://127.0.0.1:${server.addr.port}`;
  const context = { url, token: "t", user: "ada", cluster: "c", expires: "2999-01-01T00:00:00.000Z" };
  await Deno.writeTextFile(`${home}/contexts.json`, JSON.stringify({ current: "odd", contexts: { odd: context } }), {
    mode: 0o600,
  });
  const terminal = await Tmux.start({ columns: 80, rows: 24, env: { JABBER_HOME: home } });
  try {
    await terminal.run(`clear; ${binary("jabber-tui")}; echo "ended with $?"`);
    await terminal.until(/not understood; upgrade the older side/);
    await terminal.keys("q");
    await terminal.until(/ended with 0/);
    assert.equal(await terminal.fact("alternate_on"), "0");
  } finally {
    await terminal.close();
    await server.shutdown();
    await Deno.remove(home, { recursive: true });
  }
});

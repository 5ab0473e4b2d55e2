/**
 * The main job in one go: a server and three agents on this machine, a script that a person signs, pushed and run on all
 * three, its output live; then a tampered copy, refused. Everything lies in one temporary folder that is removed.
 */
import { Fleet } from "../tests/support/fleet.ts";
import type { Program } from "../tests/support/program.ts";
import { openConsole, scheduleJob, watchLog } from "./demo_console.ts";

const SCRIPT = new URL("../examples/scripts/host-report.js", import.meta.url);
const AGENTS = [
  { name: "web1", tags: { role: "web", env: "demo" } },
  { name: "web2", tags: { role: "web", env: "demo" } },
  { name: "db1", tags: { role: "db", env: "demo" } },
];

const bold = (text: string) => Deno.stdout.isTerminal() && !Deno.env.get("NO_COLOR") ? `\x1b[1m${text}\x1b[0m` : text;
const say = (text: string) => console.log(text);

function headline(text: string): void {
  say(`\n${bold(`── ${text}`)}`);
}

async function show(fleet: Fleet, expected: number, ...args: string[]): Promise<string> {
  say(bold(`$ jabber ${args.map((arg) => arg.replace(fleet.folder, "…")).join(" ")}`));
  const program = fleet.cliProgram(...args);
  const { code } = await echo(program);
  if (code !== expected) throw new Error(`jabber ended with ${code}, not ${expected}`);
  return program.lines.join("\n");
}

/** Prints a program's lines as they come. */
async function echo(program: Program): Promise<Deno.CommandStatus> {
  let shown = 0;
  const flush = () => {
    for (; shown < program.lines.length; shown++) say(`  ${program.lines[shown]}`);
  };
  const timer = setInterval(flush, 50);
  const status = await program.ended;
  clearInterval(timer);
  flush();
  return status;
}

/** What the agents' owners allow; everything else is denied. */
function policy(fleet: Fleet): unknown {
  const program = (name: string) => [`/usr/bin/${name}`, `/bin/${name}`].find(isPlainFile) ?? `/usr/bin/${name}`;
  return {
    files: { read: [`${fleet.folder}/logs`] },
    programs: [
      { path: program("df"), args: [{ is: "/" }], options: ["-P"] },
      { path: program("sleep"), args: [{ integer: { min: 1, max: 5 } }] },
    ],
  };
}

function isPlainFile(path: string): boolean {
  try {
    return Deno.realPathSync(path) === path;
  } catch {
    return false;
  }
}

/** Programs lie in /bin on some systems: the script must name the path that the policy names. */
async function writeScript(fleet: Fleet): Promise<string> {
  const path = `${fleet.folder}/host-report.js`;
  let text = await Deno.readTextFile(SCRIPT);
  for (const name of ["df", "sleep"]) {
    if (!isPlainFile(`/usr/bin/${name}`)) text = text.replaceAll(`/usr/bin/${name}`, `/bin/${name}`);
  }
  await Deno.writeTextFile(path, text);
  return path;
}

/** A file that grows while the demo runs. */
async function growFile(fleet: Fleet, path: string): Promise<() => void> {
  await Deno.mkdir(`${fleet.folder}/logs`);
  let count = 0;
  const grow = () => Deno.writeTextFileSync(path, `request ${++count} served\n`, { append: true });
  grow();
  const timer = setInterval(grow, 700);
  return () => clearInterval(timer);
}

async function tour(fleet: Fleet): Promise<void> {
  headline("A cluster: CA, keys, one server (`jabber init`, `jabber-server`)");
  say(`  listening on ${fleet.url}, files in ${fleet.folder}`);

  headline("Three agents join with the token; each has its own policy, deny by default");
  for (const agent of AGENTS) {
    await fleet.startAgent({ ...agent, policy: policy(fleet) });
    say(`  ${agent.name} is READY`);
  }
  await show(fleet, 0, "agent", "ls");

  headline("A person signs a script; the server only stores it");
  const script = await writeScript(fleet);
  await show(fleet, 0, "sign", script);
  await show(fleet, 0, "script", "ls");

  headline("Who would be hit?");
  const log = `${fleet.folder}/logs/app.log`;
  const args = ["--file", log];
  await show(fleet, 0, "run", "--dry-run", "-l", "env=demo", "host-report", ...args);

  headline("Run it on all three; output is live, and never lost");
  const stopGrowing = await growFile(fleet, log);
  try {
    await show(fleet, 0, "run", "-l", "env=demo", "host-report", ...args);
    await refuseForgery(fleet, script);
    await schedule(fleet, log);
  } finally {
    stopGrowing();
  }
}

async function refuseForgery(fleet: Fleet, script: string): Promise<void> {
  headline("A copy with one changed word is refused");
  const forged = `${fleet.folder}/forged.js`;
  await Deno.writeTextFile(forged, (await Deno.readTextFile(script)).replace("load ", "lead "));
  await show(fleet, 1, "script", "push", forged);
}

/** A cron job, and, where somebody looks, the console on it. */
async function schedule(fleet: Fleet, log: string): Promise<void> {
  headline("A signed cron job: every five seconds, on the agents themselves, with or without a server");
  await show(fleet, 0, "job", "apply", "--yes", await scheduleJob(fleet));
  await show(fleet, 0, "job", "ls");

  headline("What happened, for the auditor");
  await show(fleet, 0, "history", "--limit", "8");

  if (!Deno.stdin.isTerminal() || !Deno.stdout.isTerminal()) return;
  headline("The console: ? shows the keys, q leaves");
  await watchLog(fleet, log);
  await openConsole(fleet);
}

async function main(): Promise<void> {
  const started = performance.now();
  let fleet: Fleet | undefined;
  let interrupted = false;
  const cleanUp = async () => {
    const running = fleet;
    fleet = undefined;
    await running?.stop();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      interrupted = true;
      void cleanUp().then(() => Deno.exit(130));
    });
  }
  try {
    fleet = await Fleet.start();
    await tour(fleet);
  } catch (cause) {
    if (!interrupted) {
      say(`\nthe demo failed: ${cause instanceof Error ? cause.message : String(cause)}`);
      await cleanUp();
      Deno.exit(1);
    }
    return;
  }
  await cleanUp();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(
    `\n${
      bold("Done")
    } in ${seconds} s: 1 server, 3 agents, 1 signed script run on all three, 1 forgery refused, 1 cron job; nothing left behind.`,
  );
  Deno.exit(0);
}

await main();

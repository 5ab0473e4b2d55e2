/** `jabber-tui`: the fleet on a terminal, live. */
import { JabberError } from "../base/errors.ts";
import { describeProgram } from "../base/program.ts";
import { runMain, systemPermissions } from "../base/program_system.ts";
import { Api } from "../cli/api.ts";
import { contextNamed, nameInForce, type OperatorContext, readContexts } from "../cli/context_file.ts";
import { systemWorld } from "../cli/world/world_system.ts";
import { startState } from "./app/start.ts";
import { perform } from "./data/acts.ts";
import { readOptions, USAGE } from "./options.ts";
import { Console } from "./run.tsx";
import { systemServer } from "./server_system.ts";
import { systemTerminal } from "./terminal/terminal_system.ts";
import { lookOf } from "./theme.ts";
import { VIEWS } from "./views/mod.ts";

const NO_TERMINAL = `jabber-tui draws on a terminal, and this is none.
  → in scripts and pipes use: jabber agent ls, jabber run ls, jabber firehose --json
`;

async function main(): Promise<void> {
  const world = systemWorld;
  const options = readOptions(Deno.args, world.env);
  if (options.help) return world.out(USAGE);
  if (options.version) return world.out(`${describeProgram("jabber-tui", systemPermissions)}\n`);
  if (!Deno.stdin.isTerminal() || !Deno.stdout.isTerminal()) {
    world.err(NO_TERMINAL);
    Deno.exit(2);
  }
  const { name, context } = await contextFor(options.url);
  const terminal = systemTerminal();
  const { url, user } = context;
  const state = startState({
    views: VIEWS,
    size: terminal.size(),
    look: lookOf(world.env),
    identity: { name, url, user },
    now: world.clock.now(),
    readonly: options.readonly,
    view: options.view,
    filter: options.filter,
  });
  const running = new Console(
    {
      terminal,
      server: systemServer(world, context),
      clock: world.clock,
      rng: world.rng,
      act: (act) => perform(world, new Api(world, context), act),
      writeFile: (path, text) => world.files.write(path, text, { mode: 0o600, overwrite: false }),
    },
    state,
    options.screenReader || world.env("TERM") === "dumb" ? "lines" : "drawing",
  );
  // What nobody caught ends the console too, and is said on the screen that was there before.
  const onLost = (event: Event & { error?: unknown; reason?: unknown }) => {
    event.preventDefault();
    running.fail(event.error ?? event.reason);
  };
  addEventListener("error", onLost);
  addEventListener("unhandledrejection", onLost);
  await running.run();
  Deno.exit(0);
}

/** The context in force, or that of the given server. @throws `auth.missing`, `auth.expired` */
async function contextFor(url: string | undefined): Promise<{ name: string; context: OperatorContext }> {
  const file = await readContexts(systemWorld);
  const there = Object.keys(file.contexts).find((name) => file.contexts[name]?.url.replace(/\/+$/, "") === url);
  if (url !== undefined && there === undefined) throw new JabberError("auth.missing", `nobody has signed in at ${url}`);
  const name = there ?? nameInForce(systemWorld, file);
  const context = contextNamed(file, name);
  if (Date.parse(context.expires) <= systemWorld.clock.now()) {
    throw new JabberError("auth.expired", `the session at ${context.url} ended ${context.expires}`);
  }
  return { name, context };
}

if (import.meta.main) {
  await runMain((_, message, fields) => {
    systemWorld.err(`jabber-tui: ${message}\n`);
    const next = String(fields?.["next"] ?? "");
    if (next !== "") systemWorld.err(`  → ${next}\n`);
  }, main);
}

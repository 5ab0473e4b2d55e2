/** The CLI as one commander program: each noun adds its verbs; help, usage errors and exit codes are the same for all. */
import { Command, CommanderError, Option } from "@commander-js/extra-typings";
import { JabberError, toEndBody } from "../base/errors.ts";
import { sanitize } from "../base/sanitize.ts";
import { ServerRefusal } from "./api.ts";
import { EXIT, type ExitCode, type ExitSlot } from "./exit.ts";
import { type Noun, NOUNS } from "./nouns.ts";
import type { World } from "./world.ts";

/** Runs one command line. Never throws; what went wrong is said on standard error. */
export async function runCli(args: readonly string[], world: World): Promise<ExitCode> {
  const outcome: ExitSlot = { exit: EXIT.done };
  const flags: Flags = { env: {} };
  const words = spelledOut(args);
  let program: Command | undefined;
  try {
    program = await buildProgram(withFlags(world, flags), outcome, wantedNouns(words));
    program.hook("preAction", (_, action) => readFlags(action as unknown as Command, flags));
    await program.parseAsync(words, { from: "user" });
    return outcome.exit;
  } catch (cause) {
    if (cause instanceof CommanderError) return usageFailure(cause, program, words, world);
    return failure(cause, world);
  }
}

/** The whole tree, or as much of it as these nouns need: the others stand in it with their names alone. */
export async function buildProgram(
  world: World,
  outcome: ExitSlot,
  nouns: readonly Noun[] = NOUNS,
): Promise<Command> {
  const program = new Command("jabber")
    .description("Runs signed scripts on fleets of hosts, and shows what they say.")
    .exitOverride()
    .configureOutput({ writeOut: (text) => world.out(text), writeErr: (text) => world.err(text), outputError() {} })
    .enablePositionalOptions()
    .configureHelp({ subcommandTerm })
    .helpCommand("help [command]", "shows a command's help, as --help does")
    .helpOption(false)
    .addHelpText("after", "\nEach command's own help has an example: jabber agent ls --help");
  program.option("--version", "print the version and permissions");
  const registers = new Map(await Promise.all(nouns.map(async (noun) => [noun.name, await noun.load()] as const)));
  for (const { name, summary, hidden } of NOUNS) {
    const register = registers.get(name);
    if (register === undefined) program.command(name, { hidden: hidden ?? false });
    else register(program, world, outcome);
    program.commands.find((command) => command.name() === name)!.summary(summary);
  }
  addFlags(program);
  inherit(program);
  return program;
}

/** `--version` is a verb too, `help a b` is `a b --help`, and who types nothing wants to know what there is. */
function spelledOut(args: readonly string[]): string[] {
  if (args.length === 0) return ["--help"];
  if (args[0] === "--version") return ["version", ...args.slice(1)];
  const words = args[0] === "help" ? [...args.slice(1), "--help"] : [...args];
  // The help of a command that is not there would be that of all.
  const isKnown = words[0]?.startsWith("-") || NOUNS.some(({ name }) => name === words[0]);
  return isKnown ? words : words.filter((word) => word !== "--help" && word !== "-h");
}

/** The nouns whose code this command line needs; a line to complete needs its own. */
function wantedNouns(args: readonly string[]): Noun[] {
  if (args[0] === "__complete") {
    return [...NOUNS.filter(({ name }) => name === args[0]), ...wantedNouns(args.slice(args.indexOf("--") + 1))];
  }
  const words = args.filter((word, at) => !word.startsWith("-") && args[at - 1] !== "--context");
  return NOUNS.filter(({ name }) => name === words[0]);
}

/** Subcommands made before the settings above take them over too. */
function inherit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    addFlags(child as Command);
    inherit(child as Command);
  }
}

/** What the flags that stand on every verb said; each is the same as its variable of the environment. */
interface Flags {
  env: Record<string, string>;
}

function addFlags(command: Command): void {
  const flags = [
    new Option("--context <name>", "which server, as `jabber context ls` names them (JABBER_CONTEXT)"),
    new Option("--no-input", "never ask; fail instead (JABBER_NO_INPUT=1)"),
  ];
  const heading = "Options of every command:";
  for (const flag of flags) command.addOption(flag.helpGroup(heading));
  command.addHelpOption(new Option("-h, --help", "this text").helpGroup(heading));
}

/** As it stands in a list of commands: every one has options, so none says so. */
function subcommandTerm(command: Command): string {
  const names = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...names].join(" ");
}

function readFlags(action: Command, flags: Flags): void {
  for (let command: Command | null = action; command !== null; command = command.parent as Command | null) {
    const { context, input } = command.opts() as { context?: string; input?: boolean };
    if (context !== undefined) flags.env["JABBER_CONTEXT"] ??= context;
    if (input === false) flags.env["JABBER_NO_INPUT"] = "1";
  }
}

function withFlags(world: World, flags: Flags): World {
  const env = (name: string) => Object.hasOwn(flags.env, name) ? flags.env[name] : world.env(name);
  return Object.create(world, {
    env: { value: env },
    canAsk: { get: () => (env("JABBER_NO_INPUT") ?? "") === "" && world.canAsk },
  });
}

function usageFailure(cause: CommanderError, program: Command | undefined, args: readonly string[], world: World) {
  if (cause.exitCode === 0) return EXIT.done;
  // A noun alone was answered with its help.
  if (cause.code === "commander.help") return EXIT.usage;
  const [what = "", suggestion = ""] = cause.message.replace(/^error: /, "").split("\n");
  const meant = /^\(Did you mean (.*)\?\)$/.exec(suggestion)?.[1];
  world.err(`jabber: ${sanitize(what)}\n`);
  if (meant !== undefined) world.err(`  → did you mean ${sanitize(meant)}?\n`);
  world.err(`  → \`${namedCommand(program, args)} --help\` lists what there is, with examples\n  (input.usage)\n`);
  return EXIT.usage;
}

/** As much of the command line as names a command. */
function namedCommand(program: Command | undefined, args: readonly string[]): string {
  const names = ["jabber"];
  let command: Command | undefined = program;
  for (const word of args) {
    command = command?.commands.find((child) => child.name() === word) as Command | undefined;
    if (command === undefined) break;
    names.push(word);
  }
  return names.join(" ");
}

function failure(cause: unknown, world: World): ExitCode {
  const { code, message, next } = cause instanceof ServerRefusal ? cause : toEndBody(cause);
  world.err(`jabber: ${sanitize(message)}\n`);
  if (next !== undefined) world.err(`  → ${sanitize(next)}\n`);
  world.err(`  (${sanitize(code)})\n`);
  return cause instanceof JabberError && cause.code === "input.usage" ? EXIT.usage : EXIT.failed;
}

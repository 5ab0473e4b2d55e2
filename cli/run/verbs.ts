/** `jabber run …`: hands in orders and follows them. */
import type { Command } from "@commander-js/extra-typings";
import { JabberError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { ANSWERS, type TargetPreview } from "../../server/core/requests.ts";
import { commandKeys } from "../../commands/mod.ts";
import { currentApi } from "../api.ts";
import type { ExitSlot } from "../exit.ts";
import { addFormat, collect } from "../text/format_option.ts";
import { byName, type Format, printListing, tagText } from "../text/output.ts";
import type { Register } from "../verb.ts";
import type { World } from "../world.ts";
import { agentsText, attach, submit } from "./attach.ts";
import { orderPath, orderVerbs } from "./orders.ts";
import { DEFAULT_VALID_SECONDS, describeWork, planRun } from "./plan.ts";
import { readSecrets } from "./secrets.ts";

export const runVerbs: Register = (program, world, slot) => {
  const run = addFormat(program.command("run"))
    .summary("Runs a script or command on many agents; also: run ls, show, attach, cancel.")
    .description(
      "Runs a script or command on the agents a selector matches, and shows what they say as they say it.",
    )
    .usage("[options] <script-or-command> [arguments...]\n       jabber run ls|show|attach|cancel …")
    .argument("<script-or-command>", "a script file, the name or hash of a pushed script, or a command's key")
    .argument("[arguments...]", "its arguments: --name value, or by position; --help lists them")
    .option("-l, --selector <selector>", "which agents (default: all)")
    .option("--dry-run", "only show who would be hit; ends with 1, as the run does, when that is nobody")
    .option("--detach", "hand in and return; print the order's id")
    .option("--wait", "also wait for agents that are not connected now")
    .option("--timeout <seconds>", "end runs after this long")
    .option(
      "--valid <seconds>",
      `sign the order; agents that connect later than this do not run it (default: ${DEFAULT_VALID_SECONDS})`,
    )
    .option("--meta <k=v>", "carried through to every record; may repeat", collect)
    .option(
      "--arg-secret <name>",
      "an argument to ask for without echo, or to read: NAME=@FILE, NAME=@- (standard input); may repeat",
      collect,
    )
    .option("--key <file>", "sign the order with this key (default: yours, when the work needs a signature)")
    .passThroughOptions()
    .addHelpText("after", helpAfter)
    .action(async (name, words, { selector = "", ...options }) => {
      const api = await currentApi(world);
      if (words.includes("--help")) return world.out(await describeWork(world, api, name));
      const secrets = await readSecrets(world, options.argSecret ?? []);
      const plan = () =>
        planRun(world, api, name, [...secrets.words, ...words], {
          selector,
          timeout: options.timeout === undefined ? undefined : secondsOf("--timeout", options.timeout),
          valid: options.valid === undefined ? undefined : secondsOf("--valid", options.valid),
          meta: mergedMeta(options.meta && metaOf(options.meta), secrets.meta),
          key: options.key,
          dryRun: options.dryRun ?? false,
        });
      const submission = await secrets.guard(plan);
      const { order, targets, count } = await submit(api, submission, options.dryRun ?? false);
      if (count === 0) throw new JabberError("input.no_target", JSON.stringify(selector));
      if (options.dryRun) return showTargets(world, targets, options.output);
      if (options.detach) return world.out(`${order}\n`);
      world.err(`order ${order}: ${agentsText(targets)}\n`);
      const { output: format, wait = false } = options;
      slot.exit = await attach(world, api, { order, format, count, wait });
    });
  attachVerb(run as unknown as Command, world, slot);
  orderVerbs(run as unknown as Command, world);
};

/** One line for each category. */
function keyLines(): string {
  const byCategory = Map.groupBy(commandKeys, (key) => key.slice(0, key.indexOf(".")));
  return [...byCategory.values()].map((keys) => `  ${keys.join(" ")}\n`).join("");
}

function helpAfter(): string {
  return "\nCommands that every agent has (run one with --help to see its arguments):\n" + keyLines() +
    "\nA secret argument is shown in no list, history or log of Jabberwocky. It is not" +
    "\nencrypted: it stands in the order, which the cluster's servers and the agents it" +
    "\nis for can read, and keep in their databases and backups. What the script itself" +
    "\nprints is not looked through." +
    "\n\nExamples:\n  jabber run -l os=linux sys.facts\n  jabber run --dry-run -l env=prod disk-report --path /\n" +
    "  jabber run -l role=web fs.read --help\n" +
    "  jabber run -l env=prod --arg-secret token=@token.txt call-home\n" +
    "\nExit code: 0 all did it, 1 none did, 3 some did, or the order goes on without\nyou.";
}

function attachVerb(run: Command, world: World, slot: ExitSlot): void {
  addFormat(run.command("attach"))
    .description("Shows an order's output from its beginning, and follows it.")
    .argument("<order>", "its id, from `jabber run ls`")
    .addHelpText("after", "\nExample:\n  jabber run attach 01JD6Z8QK4T3X9V5C2B7N8M1RA")
    .action(async (id, { output: format }) => {
      const api = await currentApi(world);
      const { order } = ANSWERS.order.parse(await api.ask({ method: "GET", path: orderPath(id) }));
      slot.exit = await attach(world, api, { order: order.id, format, count: order.targets, wait: true });
    });
}

async function showTargets(world: World, targets: readonly TargetPreview[], output: Format): Promise<void> {
  await printListing<TargetPreview>(world, {
    rows: byName(targets),
    name: (row) => row.agent,
    columns: [
      { title: "NAME", value: (row) => row.name },
      { title: "CONNECTED", value: (row) => row.connected ? "yes" : "no" },
      { title: "TAGS", least: 12, value: (row) => tagText(row.tags) },
      { title: "ID", least: 12, value: (row) => row.agent },
    ],
  }, output);
  world.err(`${agentsText(targets)} would be hit; nothing was sent\n`);
}

function secondsOf(option: string, text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0) || seconds > LIMITS.orderLifetimeMsMax / 1000) {
    throw new JabberError("input.usage", `${option}: ${JSON.stringify(text)} is no number of seconds`);
  }
  return seconds;
}

function mergedMeta(given: JsonObject | undefined, secrets: JsonObject | undefined): JsonObject | undefined {
  if (given === undefined || secrets === undefined) return given ?? secrets;
  const taken = Object.keys(secrets).find((key) => Object.hasOwn(given, key));
  if (taken !== undefined) throw new JabberError("input.usage", `--meta ${taken}: --arg-secret writes that itself`);
  return { ...given, ...secrets };
}

function metaOf(pairs: readonly string[]): JsonObject {
  const meta: JsonObject = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    if (at < 1) throw new JabberError("input.usage", `--meta: ${JSON.stringify(pair)} is not k=v`);
    meta[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return meta;
}

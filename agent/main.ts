/** `jabber-agent`: reads its policy, opens its spool, starts the executor, gives up all but the network, is the link. */
import { parseArgs } from "node:util";
import { systemClock } from "../base/clock_system.ts";
import { flagHelp, flagOptions, flagValues } from "../base/config/flags.ts";
import { stderrLog } from "../base/log_system.ts";
import { describeProgram } from "../base/program.ts";
import { runMain, systemPermissions } from "../base/program_system.ts";
import { AGENT_KEYS } from "./config_table.ts";
import { type AgentParts, BUILT_IN, startAgent } from "./start_system.ts";

const helpText = (): string =>
  `Usage: jabber-agent [FLAGS]
       jabber-agent supervise [FLAGS]
       jabber-agent service install|uninstall [--print] [--user NAME] [--config FILE] [--data FOLDER]

Carries out signed orders on this host. The first start needs the cluster's join token,
or its pin (cluster-pin.txt): then somebody has to run \`jabber agent approve\`.

${
    flagHelp(AGENT_KEYS, [["--config FILE", "default: jabber-agent.yaml, if it is there; holds the policy"]], [
      ["--version", "version and permissions"],
      ["--help", "this text"],
    ])
  }
A flag wins over its variable (--log-level, JABBER_LOG_LEVEL), that over the file (log.level).

\`supervise\` starts the agent again whenever it ends, where no service manager does.
\`service install\` writes a hardened systemd unit and says what to run next; \`--print\` only shows it.

Example: jabber-agent --token-file join-token.txt --tag role=web
`;

function readFlags(args: string[]) {
  return parseArgs({
    args,
    options: {
      config: { type: "string" },
      ...flagOptions(AGENT_KEYS),
      version: { type: "boolean" },
      help: { type: "boolean" },
    },
  }).values;
}

/**
 * An agent's whole main module: reads the command line and runs until the process ends. Own agents call it with their
 * own parts, and a name of their own for `--version`.
 */
export async function runAgent(parts: AgentParts = BUILT_IN, name = "jabber-agent"): Promise<void> {
  await runMain(stderrLog("info"), () => main(parts, name));
}

async function main(parts: AgentParts, name: string): Promise<void> {
  const [verb, ...rest] = Deno.args;
  // Of every verb: its help is this one text.
  if (rest.includes("--help")) return console.log(helpText().trimEnd());
  if (verb === "service") return console.log(await (await import("./service_system.ts")).agentService(name, rest));
  if (verb === "supervise") return await superviseAgent(rest);
  const { version, help, config, ...flags } = readFlags(Deno.args);
  if (help) console.log(helpText().trimEnd());
  else if (version) console.log(describeProgram(name, systemPermissions));
  else await startAgent({ ...flagValues(flags), config }, systemClock, (code) => Deno.exit(code), parts);
}

/** The command line is checked here, once: one that is not valid would never become so. */
async function superviseAgent(args: string[]): Promise<void> {
  readFlags(args);
  const log = stderrLog("info");
  const { supervise } = await import("./supervise_system.ts");
  supervise(args, (message, fields) => log("info", message, fields), (code) => Deno.exit(code));
}

if (import.meta.main) await runAgent();

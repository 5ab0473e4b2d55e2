/** `jabber-server`: reads its configuration, opens its store, gives up every permission but the network, and serves. */
import { parseArgs } from "node:util";
import { systemClock } from "../base/clock_system.ts";
import { flagHelp, flagOptions, flagValues } from "../base/config/flags.ts";
import { toErrorBody } from "../base/errors.ts";
import { UlidMaker } from "../base/ids.ts";
import { type AdjustableLog, stderrLog } from "../base/log_system.ts";
import { keepOnlyNet } from "../base/permissions_system.ts";
import { describeProgram } from "../base/program.ts";
import { runMain, systemPermissions } from "../base/program_system.ts";
import { systemRng } from "../base/rng_system.ts";
import { loadSettings, type ServerFlags } from "./config_system.ts";
import { startCluster } from "./cluster/start.ts";
import { SERVER_KEYS } from "./config_table.ts";
import { followConfig, readableFiles } from "./live_config.ts";
import { startServer } from "./server.ts";
import { threadStore } from "./storage/thread_store.ts";
import { runVerb, VERBS } from "./verbs_system.ts";

const helpText = (): string =>
  `Usage: jabber-server [FLAGS]
       jabber-server backup FILE|- [--config FILE] [--data FOLDER]
       jabber-server restore FILE [--config FILE] [--data FOLDER] [--force] [--data-only]
       jabber-server service install|uninstall [--print] [--user NAME] [--config FILE] [--data FOLDER]

The control plane of a fleet. \`jabber init\` makes its configuration.

${
    flagHelp(SERVER_KEYS, [["--config FILE", "default: jabber-server.yaml"]], [
      ["--version", "version and permissions"],
      ["--help", "this text"],
    ])
  }
A flag wins over its variable (--log-level, JABBER_LOG_LEVEL), that over the file (log.level).

\`backup\` saves database, configuration and keys, also while the server runs; \`-\` is standard output.
\`restore\` puts them back; --force moves aside what is there, --data-only leaves the configuration alone.
\`service install\` writes a hardened systemd unit and says what to run next; --print only shows it.
There is no \`supervise\`: a server may start no program, so its service manager starts it again.

Example: jabber-server backup /backups/monday.tar --config /etc/jabberwocky/jabber-server.yaml
`;

/** The service manager starts the server again on this one. */
const EXIT_RESTART = 75;

function readFlags(args: string[]): { flags: ServerFlags } | { say: string } {
  const { values } = parseArgs({
    args,
    options: {
      config: { type: "string" },
      ...flagOptions(SERVER_KEYS),
      version: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  const { help, version, config, ...flags } = values;
  if (help) return { say: helpText() };
  if (version) return { say: describeProgram("jabber-server", systemPermissions) + "\n" };
  return { flags: { ...flagValues(flags), config: config ?? (Deno.env.get("JABBER_CONFIG") || "jabber-server.yaml") } };
}

async function serve(flags: ServerFlags, log: AdjustableLog): Promise<void> {
  const settings = loadSettings(flags, systemClock.now());
  log.adjust(settings.config.log);
  Deno.mkdirSync(settings.dataDir, { recursive: true, mode: 0o700 });
  const store = await threadStore({
    dataDir: settings.dataDir,
    readable: readableFiles(settings),
    storeId: new UlidMaker(systemRng).next(systemClock.now()),
    onDeath: (error) => {
      log("error", error.message, { next: error.next });
      Deno.exit(EXIT_RESTART);
    },
  });
  const surroundings = { store, clock: systemClock, rng: systemRng, log };
  const { self, caKey, revoked, config, gossip } = settings;
  const cluster = gossip &&
    await startCluster({ self, caKey, revoked, http: config.advertise, gossip, ...surroundings });
  const server = await startServer({ settings, ...(cluster !== undefined && { cluster }), ...surroundings });
  const live = followConfig({
    settings,
    store,
    clock: systemClock,
    log,
    settingsChanged: (config, changed) => {
      log.adjust(config.log);
      server.settingsChanged(config, changed);
    },
    jobsNamed: server.jobsNamed,
    count: server.count,
  });
  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    log("info", "stopping", { signal });
    live.stop();
    try {
      await server.stop();
      Deno.exit(0);
    } catch (cause) {
      const { code, message } = toErrorBody(cause);
      log("error", message, { code });
      Deno.exit(1);
    }
  };
  for (const signal of Deno.build.os === "windows" ? ["SIGINT"] as const : ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => void stop(signal));
  }
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", live.look);
  // The storage thread keeps its one folder.
  keepOnlyNet();
  const scheme = settings.tls === undefined ? "http" : "https";
  log("info", "listening", {
    url: `${scheme}://${settings.listen.hostname}:${server.port}`,
    node: settings.self.node,
    cluster: settings.self.cluster,
  });
}

if (import.meta.main) {
  const log = stderrLog("info");
  await runMain(log, async () => {
    const verb = VERBS.find((verb) => verb === Deno.args[0]);
    // Of every verb: its help is this one text.
    if (Deno.args.includes("--help")) return console.log(helpText().trimEnd());
    if (verb !== undefined) return await runVerb(verb, Deno.args.slice(1), (line) => console.error(line));
    const flags = readFlags(Deno.args);
    if ("say" in flags) console.log(flags.say.trimEnd());
    else await serve(flags.flags, log);
  });
}

/** Configuration files of servers and agents: checked, shown with the origin of every value, and their schema for editors. */
import { dirname, isAbsolute, join } from "node:path";
import { Option } from "@commander-js/extra-typings";
import { readAgentConfig } from "../agent/config.ts";
import { AGENT_KEYS } from "../agent/config_table.ts";
import { exposedFault, type Fault, faultNext, faultText, originText } from "../base/config/faults.ts";
import { configSchema } from "../base/config/json_schema.ts";
import type { Layers, Reading } from "../base/config/read.ts";
import { shownKeys } from "../base/config/show.ts";
import type { Table } from "../base/config/table.ts";
import { readYaml } from "../base/config/yaml.ts";
import { JabberError } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import { LIMITS } from "../base/limits.ts";
import { sanitize } from "../base/sanitize.ts";
import { readServerConfig } from "../server/config.ts";
import { SERVER_KEYS } from "../server/config_table.ts";
import { EXIT } from "./exit.ts";
import { addFormat } from "./text/format_option.ts";
import { printListing } from "./text/output.ts";
import type { Register } from "./verb.ts";
import type { World } from "./world.ts";

interface Kind {
  table: Table;
  file: string;
  title: string;
  read(layers: Layers): Reading<Table>;
}

const KINDS = {
  server: {
    table: SERVER_KEYS,
    file: "jabber-server.yaml",
    title: "Jabberwocky server",
    read: (layers) => readServerConfig(layers) as Reading<Table>,
  },
  agent: {
    table: AGENT_KEYS,
    file: "jabber-agent.yaml",
    title: "Jabberwocky agent",
    read: (layers) => readAgentConfig(layers) as Reading<Table>,
  },
} as const satisfies Record<string, Kind>;
type KindName = keyof typeof KINDS;
const KIND_NAMES = Object.keys(KINDS) as KindName[];

const kindOption = () =>
  new Option("--kind <kind>", "whose file it is; default: told by name and keys").choices(KIND_NAMES);

export const configVerbs: Register = (program, world, slot) => {
  const config = program.command("config").description("Configuration files of servers and agents.");
  checkVerb(config, world, slot);
  showVerb(config, world, slot);
  schemaVerb(config, world, slot);
};

const checkVerb: Register = (config, world, slot) => {
  addFormat(config.command("check"))
    .description("Checks a file: every fault with its line, and the modes of the secret files it names.")
    .argument("<file>", "jabber-server.yaml or jabber-agent.yaml")
    .addOption(kindOption())
    .addHelpText(
      "after",
      "\nExamples:\n  jabber config check jabber-agent.yaml\n  jabber config check site.yaml --kind server -o json",
    )
    .action(async (file, { kind, output }) => {
      const found = await check(world, file, kind as KindName | undefined);
      if (found.length > 0) slot.exit = EXIT.failed;
      if (output === "table") return sayFaults(world, file, found);
      await printListing(world, {
        rows: found.map((fault) => ({
          code: fault.code,
          key: fault.key,
          at: originText(fault.at),
          what: fault.what,
          next: faultNext(fault),
        })),
        name: ({ key }) => key,
        columns: [],
      }, output);
    });
};

const showVerb: Register = (config, world, slot) => {
  addFormat(config.command("show"))
    .description(
      "Shows what a program would run with here: file, this shell's JABBER_… variables and defaults together.",
    )
    .option("--config <file>", "default: jabber-server.yaml or jabber-agent.yaml in this folder")
    .addOption(kindOption())
    .option("--origin", "also where each value comes from: file and line, variable, default")
    .addHelpText("after", "\nExample:\n  jabber config show --origin --config jabber-agent.yaml")
    .action(async ({ config: file, kind, origin, output }) => {
      const wanted = file ?? KINDS[(kind as KindName | undefined) ?? "server"].file;
      const { table, reading } = await load(world, wanted, kind as KindName | undefined, (name) => world.env(name));
      if (reading.faults.length > 0) {
        slot.exit = EXIT.failed;
        return sayFaults(world, wanted, reading.faults);
      }
      const rows = shownKeys(table, reading).map(({ key, value, origin: from }) => ({
        key,
        value,
        ...(origin === true && { origin: from }),
      }));
      await printListing(world, {
        rows,
        name: ({ key }) => key,
        columns: [
          { title: "KEY", value: ({ key }) => key },
          {
            title: "VALUE",
            value: ({ value }) => typeof value === "string" ? value : value === null ? "-" : JSON.stringify(value),
          },
          { title: "ORIGIN", value: (row) => row.origin ?? "", rare: true },
        ],
      }, output);
    });
};

const schemaVerb: Register = (config, world) => {
  config.command("schema")
    .description(
      "Prints the JSON Schema of a file, for editors: `# yaml-language-server: $schema=FILE` in its first line.",
    )
    .addArgument(config.createArgument("<kind>", "whose file").choices(KIND_NAMES))
    .addHelpText("after", "\nExample:\n  jabber config schema agent > jabber-agent.schema.json")
    .action((kind) => {
      const { table, title } = KINDS[kind as KindName];
      world.out(JSON.stringify(configSchema(table, title), null, 2) + "\n");
    });
};

function sayFaults(world: World, file: string, faults: readonly Fault[]): void {
  for (const fault of faults) world.out(`${sanitize(faultText(fault))}\n  → ${sanitize(faultNext(fault))}\n`);
  world.err(
    faults.length === 0
      ? `${sanitize(file)} has no faults\n`
      : `${faults.length} ${faults.length === 1 ? "fault" : "faults"}\n`,
  );
}

async function check(world: World, file: string, kind: KindName | undefined): Promise<Fault[]> {
  const { table, reading } = await load(world, file, kind, () => undefined);
  const faults = [...reading.faults];
  for (const [key, { secretFile }] of Object.entries(table)) {
    const path = reading.values.get(key);
    if (secretFile !== true || typeof path !== "string") continue;
    const full = isAbsolute(path) ? path : join(dirname(file), path);
    const fault = exposedFault(key, reading.origins.get(key) ?? { kind: "default" }, full, await modeOf(world, full));
    if (fault !== undefined) faults.push(fault);
  }
  const mode = await modeOf(world, file);
  if (mode !== null && (mode & 0o002) !== 0) {
    const what = "is writable by everybody";
    faults.push({ code: "config.insecure", key: "", at: { kind: "file", file }, what, next: `run chmod o-w ${file}` });
  }
  return faults;
}

async function load(
  world: World,
  file: string,
  named: KindName | undefined,
  env: (name: string) => string | undefined,
) {
  const bytes = await world.files.read(file);
  if (bytes.length > LIMITS.configBytesMax) {
    throw new JabberError("config.invalid", `"${file}" is larger than ${LIMITS.configBytesMax / 1024 / 1024} MiB`);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new JabberError("config.invalid", `"${file}" is no UTF-8 text`, undefined, { cause });
  }
  const tree = readYaml(text, file);
  const kind: Kind = KINDS[named ?? kindOf(file, tree.tree.value)];
  return { table: kind.table, reading: kind.read({ file: tree, env, flags: {} }) };
}

/** Only a server's file has these keys, and it cannot do without them. */
function kindOf(file: string, value: unknown): KindName {
  const name = file.slice(file.lastIndexOf("/") + 1);
  const byName = KIND_NAMES.filter((kind) => name.includes(kind));
  if (byName.length === 1) return byName[0]!;
  return isJsonObject(value) && ["cluster", "node", "auth"].some((key) => Object.hasOwn(value, key))
    ? "server"
    : "agent";
}

/** A file that is not there, or not here, has none: the file may have been written for another host. */
async function modeOf(world: World, path: string): Promise<number | null> {
  return await world.files.exists(path) ? await world.files.mode(path) ?? null : null;
}

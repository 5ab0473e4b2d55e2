/**
 * Writes docs/config.md from the two tables of keys: `deno run --allow-read --allow-write build/docs_config.ts`.
 * A test tells when the page is not current.
 */
import { AGENT_KEYS } from "../agent/config_table.ts";
import { keySchema } from "../base/config/json_schema.ts";
import { envName, flagName, formOf, type Row, type Table } from "../base/config/table.ts";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import { SERVER_KEYS } from "../server/config_table.ts";
import { markdownTable } from "./docs_protocol.ts";

/** The page of all configuration keys, as Markdown. */
export function configPage(): string {
  return [
    "# Configuration",
    "Written by `build/docs_config.ts` from `server/config_table.ts` and `agent/config_table.ts`; change it there.",
    INTRODUCTION,
    "## jabber-server.yaml",
    keysTable(SERVER_KEYS),
    "## jabber-agent.yaml",
    keysTable(AGENT_KEYS),
    AFTER_AGENT,
  ].join("\n\n") + "\n";
}

const INTRODUCTION =
  `A flag wins over its variable, the variable over the file, the file over the default. Tags are laid over each other one
by one. An empty variable counts as not set; a list in a variable is separated by commas, a flag for a list may repeat.
Relative paths in a server's file are relative to that file.

\`\`\`
jabber config check FILE             every fault with its line, and the modes of secret files
jabber config show --origin          what a program would run with, and where each value comes from
jabber config schema server|agent    JSON Schema for editors
\`\`\`

With the schema in a file, editors complete and check what is typed: the first line of the configuration is
\`# yaml-language-server: $schema=jabber-agent.schema.json\`.

**YAML** without what has two meanings: no duplicate keys, anchors, aliases, tags or tabs, at most 1 MiB. A file that
everybody may write is refused, and so is a secret file (and an agent's file with a \`token\`) that others may read.

**Live.** The file is looked at every 5 seconds, and at once on SIGHUP. When it has a fault, the program keeps what it
has, says all faults in one line of its log, and counts (\`jabber_config_refused_total\`). Of what changed,

- \`live\` keys are taken over,
- \`restarts\` keys end an agent with exit code 75, so that its service manager starts it again with walls to match; so
  does a file that cannot be read any more,
- all others are named in the log as needing a restart, and keep their old value.

A user who is taken out, or whose hash changes, is logged out: tokens made before are refused and open streams end.
After a restart of the server a token from before a changed hash counts again until it ends by itself (12 hours at
most); for good, change \`auth.secretFile\`. A server reads job files again when \`jobs\` changes, and on SIGHUP. It can
read those that it was started with; another one needs a restart.`;

const AFTER_AGENT =
  `\`jobs\` are the host's own: nobody signs them, and no server sees to them. Each has the fields of a signed job, but for
those that are about several hosts: \`id\`, \`trigger\` (\`{kind: now | start | connect | stop | disconnect}\`,
\`{kind: interval, seconds: N}\`, \`{kind: cron, pattern, zone}\`), \`does\` (\`command:KEY\` or \`script:sha256-…\`), and, as
wanted, \`args\`, \`options\` and \`meta\`.`;

function keysTable(table: Table): string {
  const rows = Object.entries(table).map(([path, row]) => [
    `\`${path}\``,
    valueWord(keySchema(row)),
    defaultWord(row),
    formOf(row) === "none" ? "" : `\`${envName(path)}\``,
    flagName(path, row) === undefined ? "" : `\`--${flagName(path, row)}\``,
    row.live === true ? "live" : row.restarts === true ? "restarts" : "",
    row.doc,
  ]);
  return markdownTable(["key", "value", "default", "variable", "flag", "change", "what it is"], rows);
}

function valueWord(schema: JsonObject): string {
  const { type, items, anyOf } = schema;
  if (Array.isArray(schema["enum"])) return schema["enum"].join(", ");
  if (Array.isArray(anyOf)) return anyOf.filter(isJsonObject).map(valueWord).join(" or ");
  if (type === "array") return isJsonObject(items) && items["type"] === "object" ? "list of maps" : "list";
  if (type === "integer" || type === "number") return "number";
  return { string: "text", boolean: "true, false", object: "map" }[String(type)] ?? "map";
}

function defaultWord({ need, otherwise }: Row): string {
  if (need === "always") return "required";
  if (need === "section") return "required in its section";
  const word = otherwise === undefined ? "" : JSON.stringify(otherwise satisfies Json);
  return word === "" ? "" : `\`${word}\``;
}

if (import.meta.main) {
  await Deno.writeTextFile(new URL("../docs/config.md", import.meta.url), configPage());
}

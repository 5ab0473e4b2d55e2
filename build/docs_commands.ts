/**
 * Writes docs/commands.md from the table of commands: `deno run --allow-read --allow-write build/docs_commands.ts`.
 * A test tells when the page is not current.
 */
import type { Json, JsonObject } from "../base/json.ts";
import { isJsonObject } from "../base/json.ts";
import type { Command } from "../commands/command.ts";
import { COMMANDS, commandTable } from "../commands/mod.ts";
import { describeCommand, schemaToType } from "../commands/schema.ts";

const ACCESS = ["internal state", "host facts", "reads the host", "changes the host", "runs programs"] as const;

/** The page of all commands, as Markdown. */
export function commandsPage(commands: readonly Command[]): string {
  const table = commandTable(commands);
  return [
    "# Commands",
    "What an agent can do. A script names them in `uses` and calls them as functions; `jabber run KEY` runs one alone.",
    "Written by `build/docs_commands.ts` from `commands/`; change it there.",
    ...[...table.values()].map(section),
  ].join("\n\n") + "\n";
}

function section(command: Command): string {
  const { key, access, summary, positional, input, output, result } = describeCommand(command);
  const call = `${key}(${positional.join(", ")})`;
  return [
    `## ${key}`,
    `${summary}. Access ${access} (${ACCESS[access]}). In a script: \`${call}\`.`,
    argumentRows(input),
    ...("not" in output ? [] : ["Each output:", "```text\n" + typeLines(output) + "\n```"]),
    ...(result === undefined ? [] : ["Answers:", "```text\n" + typeLines(result) + "\n```"]),
  ].join("\n\n");
}

function argumentRows(input: JsonObject): string {
  const properties = input["properties"];
  const names = isJsonObject(properties) ? Object.entries(properties) : [];
  if (names.length === 0) return "No arguments.";
  const required = Array.isArray(input["required"]) ? input["required"] : [];
  const rows = names.map(([name, property]) => {
    const { default: fallback, description, maximum } = isJsonObject(property) ? property : {};
    const size = typeof maximum === "number" && maximum < Number.MAX_SAFE_INTEGER ? `, at most ${maximum}` : "";
    const left = required.includes(name) ? "required" : `default \`${JSON.stringify(fallback ?? null)}\``;
    return wrapped(`- \`${name}\` (${typeName(property)}${size}; ${left}): ${String(description ?? "")}.`);
  });
  return rows.join("\n");
}

function typeName(property: Json): string {
  if (isJsonObject(property) && typeof property["type"] === "string" && !("enum" in property)) return property["type"];
  const type = schemaToType(property);
  return type === "unknown" ? "any JSON" : type;
}

/** One line for each form an output may have. */
function typeLines(output: JsonObject): string {
  const { anyOf } = output;
  return Array.isArray(anyOf) ? anyOf.map(schemaToType).join("\n") : schemaToType(output);
}

/** Breaks a line as `deno fmt` does. */
function wrapped(line: string): string {
  const lines: string[] = [];
  for (let rest = line; rest !== "";) {
    const cut = rest.length <= 120 ? rest.length : rest.lastIndexOf(" ", 120);
    lines.push(rest.slice(0, cut));
    rest = rest.length === cut ? "" : `  ${rest.slice(cut + 1)}`;
  }
  return lines.join("\n");
}

if (import.meta.main) {
  await Deno.writeTextFile(new URL("../docs/commands.md", import.meta.url), commandsPage(COMMANDS));
}

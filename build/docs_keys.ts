/** Writes docs/keys.md from the table of keys: `./denow run -A build/docs_keys.ts` */
import { commandsOf } from "../tui/commands.ts";
import { keyName, keysIn, type Place } from "../tui/keys.ts";
import { VIEWS } from "../tui/views/mod.ts";
import { markdownTable } from "./docs_protocol.ts";
import { inRepository, writeWhole } from "./shell.ts";

export const KEYS_PAGE = "docs/keys.md";

/** The page as the tables say. */
export function keysPage(): string {
  const parts = [
    "# Keys of the console",
    "",
    "Made from [tui/keys.ts](../tui/keys.ts) by `build/docs_keys.ts`. In the console `?` shows those of the view you see.",
    "",
    ...section("Everywhere", "everywhere"),
    ...section("In every list", "list"),
  ];
  for (const view of VIEWS) {
    if (keysIn([view.name], false).length > 0) parts.push(...section(`In ${view.name}: ${view.says}`, view.name));
  }
  const commands = commandsOf(VIEWS).map(({ name, aliases, needs, says }) => {
    const names = [name, ...aliases].map((one) => `\`:${one}\``).join(", ");
    return [`${names}${needs === undefined ? "" : ` and ${needs}`}`, says];
  });
  return [...parts, "## Commands", "", markdownTable(["behind `:`", "does"], commands)].join("\n") + "\n";
}

function section(title: string, place: Place): string[] {
  const rows = keysIn([place], false).map(({ keys, says, acts }) => [
    keys.map((key) => `\`${keyName(key)}\``).join(" "),
    `${says}${acts === true ? " (not with `--readonly`)" : ""}`,
  ]);
  return [`## ${title}`, "", markdownTable(["key", "does"], rows), ""];
}

if (import.meta.main) await writeWhole(inRepository(KEYS_PAGE), new TextEncoder().encode(keysPage()));

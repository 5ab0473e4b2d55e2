/** What the help says: the keys of the view it was asked from, then the commands and the words of the filter. */
import type { Command } from "../../commands.ts";
import { keyName, keysIn, type KeyUse, type Place } from "../../keys.ts";
import { type Line, lineOf, span } from "../../text/line.ts";
import { fit } from "../../text/width.ts";
import type { View } from "../../view.ts";
import { HELP_THEME } from "./theme.ts";

const KEY_COLUMNS = 18;

export interface HelpSubject {
  view: View;
  places: readonly Place[];
  commands: readonly Command[];
  readonly: boolean;
}

export function helpLines({ view, places, commands, readonly }: HelpSubject): readonly Line[] {
  const own = keysIn(view.places, readonly);
  const everywhere = keysIn(places.filter((place) => !view.places.includes(place)), readonly);
  const lines: Line[] = [[span(`${view.name}: `, HELP_THEME.title), span(view.says)]];
  if (own.length > 0) lines.push([], lineOf("In this view", HELP_THEME.head), ...own.map(keyLine));
  lines.push([], lineOf("Everywhere", HELP_THEME.head), ...everywhere.map(keyLine));
  lines.push([], lineOf("Commands", HELP_THEME.head), ...commands.map(commandLine));
  lines.push([], lineOf("Filter, behind /", HELP_THEME.head), ...FILTER_WORDS.map(([word, says]) => row(word, says)));
  if (readonly) lines.push([], lineOf("Started with --readonly: keys that change something are not there.", "warn"));
  return lines;
}

const FILTER_WORDS: readonly (readonly [string, string])[] = [
  ["web", "rows in which it stands, in any case"],
  ["/web[12]$/", "rows that the regular expression matches"],
  ["!web  !/web/", "rows that it does not match"],
  ["-l os=linux,!db", "agents that the selector matches"],
];

function keyLine({ keys, says }: KeyUse): Line {
  return row(keys.map(keyName).join(" "), says);
}

function commandLine({ name, aliases, needs, says }: Command): Line {
  const others = aliases.length === 0 ? "" : ` (${aliases.map((alias) => `:${alias}`).join(" ")})`;
  return row(
    `:${name}${needs === undefined ? "" : ` ${needs.toUpperCase().replace(/^AN? /, "")}`}`,
    `${says}${others}`,
  );
}

function row(key: string, says: string): Line {
  return [span("  "), span(fit(key, KEY_COLUMNS), HELP_THEME.key), span(says)];
}

/**
 * The one table of keys: what is typed, where it counts, what it does. The input, the hints at the foot, the help screen
 * and docs/keys.md derive from it.
 */

/** Where a key counts: everywhere, in every list, or in one view. */
export type Place =
  | "everywhere"
  | "list"
  | "agents"
  | "agent"
  | "runs"
  | "run"
  | "firehose"
  | "scripts"
  | "script"
  | "jobs"
  | "job"
  | "jobruns"
  | "history";

interface KeyRow {
  keys: readonly string[];
  in: readonly Place[];
  /** What it does, for the help screen. */
  says: string;
  /** One word for the foot of the screen; without it only the help tells. */
  hint?: string;
  /** It changes something: not there with --readonly. */
  acts?: true;
}

// deno-fmt-ignore: one row an action
export const KEYS = {
  "app.quit":        { keys: ["ctrl-c"], in: ["everywhere"], says: "quit" },
  "app.back":        { keys: ["esc"], in: ["everywhere"], says: "back; a filter is cleared first", hint: "back" },
  "app.leave":       { keys: ["q"], in: ["everywhere"], says: "back; from the first view out of the console" },
  "app.help":        { keys: ["?"], in: ["everywhere"], says: "the keys of this view", hint: "help" },
  "app.command":     { keys: [":"], in: ["everywhere"], says: "a command, such as :runs; tab completes", hint: "command" },
  "app.filter":      { keys: ["/"], in: ["everywhere"], says: "filter: plain text, /regex/, !not, -l selector", hint: "filter" },
  "app.redraw":      { keys: ["ctrl-l"], in: ["everywhere"], says: "draw the screen anew" },
  "app.suspend":     { keys: ["ctrl-z"], in: ["everywhere"], says: "give the terminal back for a while" },
  "move.down":       { keys: ["down", "j"], in: ["everywhere"], says: "one line down" },
  "move.up":         { keys: ["up", "k"], in: ["everywhere"], says: "one line up" },
  "move.pageDown":   { keys: ["pgdn", "ctrl-f"], in: ["everywhere"], says: "one page down" },
  "move.pageUp":     { keys: ["pgup", "ctrl-b"], in: ["everywhere"], says: "one page up" },
  "move.halfDown":   { keys: ["ctrl-d"], in: ["everywhere"], says: "half a page down" },
  "move.halfUp":     { keys: ["ctrl-u"], in: ["everywhere"], says: "half a page up" },
  "move.first":      { keys: ["g", "home"], in: ["everywhere"], says: "to the beginning" },
  "move.last":       { keys: ["G", "end"], in: ["everywhere"], says: "to the end" },
  "list.open":       { keys: ["enter", "l"], in: ["list"], says: "open what is under the cursor", hint: "open" },
  "list.mark":       { keys: ["space"], in: ["list"], says: "mark, or take the mark away", hint: "mark" },
  "list.unmark":     { keys: ["ctrl-\\"], in: ["list"], says: "take all marks away" },
  "list.sortNext":   { keys: ["s", ">"], in: ["list"], says: "sort by the next column", hint: "sort" },
  "list.sortBefore": { keys: ["S", "<"], in: ["list"], says: "sort by the column before" },
  "list.sortTurn":   { keys: ["r"], in: ["list"], says: "turn the order round" },
  "agents.run":      { keys: ["R"], in: ["agents"], says: "run something on the marked agents, else on this one", hint: "run", acts: true },
  "scripts.push":    { keys: ["p"], in: ["scripts"], says: "sign a script file with your key and push it", hint: "push", acts: true },
  "script.diff":     { keys: ["d"], in: ["script"], says: "compare it with a file on this disk, and back", hint: "diff" },
  "script.run":      { keys: ["R"], in: ["scripts", "script"], says: "run it; first it says exactly who would be hit", hint: "run", acts: true },
  "script.delete":   { keys: ["D"], in: ["scripts", "script"], says: "delete this version", hint: "delete", acts: true },
  "jobs.apply":      { keys: ["p"], in: ["jobs"], says: "sign a job file with your key and apply it", hint: "apply", acts: true },
  "jobs.runs":       { keys: ["h"], in: ["jobs", "job"], says: "its runs on all agents", hint: "runs" },
  "jobs.cancel":     { keys: ["D"], in: ["jobs", "job"], says: "end the job with a signed cancellation", hint: "cancel", acts: true },
  "records.freeze":  { keys: ["f", "space"], in: ["firehose", "agent"], says: "hold what is seen, or follow again", hint: "freeze" },
  "firehose.export": { keys: ["e"], in: ["firehose"], says: "write the records of this window into a file, as JSONL", hint: "export" },
  "firehose.clear":  { keys: ["c"], in: ["firehose"], says: "forget the records of this window" },
  "agent.run":       { keys: ["enter"], in: ["agent"], says: "open its last run", hint: "last run" },
  "agent.facts":     { keys: ["F"], in: ["agent"], says: "ask the host for its facts (sys.facts)", hint: "facts", acts: true },
  "run.pane":        { keys: ["tab"], in: ["run"], says: "from the outcome to the output, and back", hint: "output" },
  "run.cancel":      { keys: ["x"], in: ["run", "jobruns"], says: "cancel this run", hint: "cancel", acts: true },
} as const satisfies Record<string, KeyRow>;

export type Action = keyof typeof KEYS;

/** A key as the table's readers see it. */
export interface KeyUse extends KeyRow {
  action: Action;
}

export const KEY_USES: readonly KeyUse[] = (Object.entries(KEYS) as [Action, KeyRow][])
  .map(([action, row]) => ({ ...row, action }));

/** The keys that count in these places, in the table's order; those that act are left out when nothing may be changed. */
export function keysIn(places: readonly Place[], readonly: boolean): KeyUse[] {
  return KEY_USES.filter((use) => use.in.some((place) => places.includes(place)) && !(readonly && use.acts));
}

/** What a key does in these places; the most special place, the last one, wins. */
export function actionFor(key: string, places: readonly Place[], readonly: boolean): Action | undefined {
  const uses = keysIn(places, readonly).filter(({ keys }) => keys.includes(key));
  const rank = (use: KeyUse) => Math.max(...use.in.map((place) => places.indexOf(place)));
  return uses.sort((a, b) => rank(b) - rank(a))[0]?.action;
}

/** How a key is written for people. */
export function keyName(key: string): string {
  return key.length === 1 ? key : `<${key}>`;
}

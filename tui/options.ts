/** The command line of the console. */
import { parseArgs } from "node:util";
import { JabberError } from "../base/errors.ts";

export interface ConsoleOptions {
  /** The server; absent: that of the current context. */
  url: string | undefined;
  view: string;
  filter: string;
  readonly: boolean;
  screenReader: boolean;
  help: boolean;
  version: boolean;
}

export const USAGE = `Usage: jabber-tui [URL] [--view VIEW] [--filter FILTER] [--readonly]
                  [--screen-reader]

The fleet, live. It uses the context of \`jabber login\`; URL names another
server you are logged in to.

  --view VIEW        begin there: agents, runs, firehose, "agent web1"
  --filter FILTER    begin with this filter: plain text, /regex/, !not,
                     -l selector
  --readonly         keys that change something are not there
  --screen-reader    print lines instead of drawing (also
                     INK_SCREEN_READER=true)
  --version          print the version and what the program may use

Example:
  jabber-tui --view agents --filter '-l role=web'
`;

/** A filter may begin with a dash, which the parser takes only behind a `=`. */
function joined(args: readonly string[]): string[] {
  const at = args.findIndex((arg, index) => arg === "--filter" && /^-[^-]/.test(args[index + 1] ?? ""));
  return at < 0 ? [...args] : [...args.slice(0, at), `--filter=${args[at + 1]}`, ...args.slice(at + 2)];
}

/** @throws `input.usage`; `TypeError` of the parser for unknown flags */
export function readOptions(args: readonly string[], env: (name: string) => string | undefined): ConsoleOptions {
  const { values, positionals } = parseArgs({
    args: joined(args),
    allowPositionals: true,
    options: {
      view: { type: "string", default: "agents" },
      filter: { type: "string", default: "" },
      readonly: { type: "boolean", default: false },
      "screen-reader": { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      version: { type: "boolean", short: "V", default: false },
    },
  });
  const [url, ...more] = positionals;
  if (more.length > 0) throw new JabberError("input.usage", `more than one URL: ${JSON.stringify(more[0])}`);
  if (url !== undefined && !/^https?:\/\/[^/]/.test(url)) {
    throw new JabberError("input.usage", `${JSON.stringify(url)} is no URL, such as https://fleet.example:7400`);
  }
  return {
    url: url?.replace(/\/+$/, ""),
    view: values.view,
    filter: values.filter,
    readonly: values.readonly,
    screenReader: values["screen-reader"] || env("INK_SCREEN_READER") === "true",
    help: values.help,
    version: values.version,
  };
}

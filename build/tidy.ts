/**
 * The repository tests itself: what no compiler or linter looks at. `deno run --allow-read build/tidy.ts` prints every
 * fault and exits 1; files past the aim but within the limit are only named.
 */

/** Lines of a source file: the hard limit, and what we aim at. */
export const FILE_LINES_MAX = 500;
export const FILE_LINES_AIM = 300;

/** A file of the repository: its path from the root with forward slashes, and its text. */
export interface RepositoryFile {
  path: string;
  text: string;
}

const SKIPPED = new Set([".git", ".cache", "dist", "node_modules"]);
const TEXT = /(?:\.(?:ts|tsx|js|json|md|yaml|yml|txt|sh|proto)|\/(?:denow|run)|^(?:denow|LICENSE|\.gitignore))$/;
const SOURCE = /\.tsx?$/;

interface LineRule {
  files: RegExp;
  pattern: RegExp;
  fault: string;
  /** The rule does not read comments. */
  codeOnly?: true;
}

// The patterns are put together from pieces where the whole word would be a fault of this very file.
const LINE_RULES: readonly LineRule[] = [
  { files: SOURCE, pattern: /(?::|\bas) an[y]\b/, fault: "`any` switches the checker off", codeOnly: true },
  { files: SOURCE, pattern: /@ts-(?:ignore|nocheck|expect-error)/, fault: "a silenced type error" },
  {
    files: SOURCE,
    pattern: /deno-lint-ig[n]ore(?!.* -- \S)/,
    fault: "a silenced lint rule without a reason",
  },
  {
    files: SOURCE,
    pattern: /\bDeno\.test\.(?:only|ignore)\b|\bonly: true\b/,
    fault: "a test that hides others or itself",
  },
  { files: SOURCE, pattern: /\bignore: true\b/, fault: "a test that is always skipped" },
  {
    files: TEXT,
    pattern: new RegExp(`\\b(?:${["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].join("|")})\\b`),
    fault: "unfinished work",
  },
  {
    files: TEXT,
    pattern: new RegExp("registry\\.[a-z]+js\\." + "org|deb\\.debian\\." + "org"),
    fault: "a registry's host",
  },
  {
    files: TEXT,
    pattern: new RegExp("(?:^|[\\s\"'`(=:])/(?:wo" + "rk|fa" + "rm|tmp/spi" + "ke|root/\\.)"),
    fault: "a path of one machine",
  },
  { files: TEXT, pattern: /[ \t]+$/, fault: "white space at the end" },
  { files: TEXT, pattern: /\r/, fault: "a carriage return" },
];

/** A frozen vector or transcript keeps its bytes, also unusual ones. */
const FROZEN = /^(?:tests\/vectors\/|tests\/scenarios\/|deno\.lock$)/;

/** The faults of one file by itself, each with its line. */
export function fileFaults({ path, text }: RepositoryFile): string[] {
  if (FROZEN.test(path)) return [];
  const faults: string[] = [];
  const lines = text.split("\n");
  const count = text.endsWith("\n") ? lines.length - 1 : lines.length;
  if (SOURCE.test(path) && count > FILE_LINES_MAX) {
    faults.push(`${path}: ${count} lines, the limit is ${FILE_LINES_MAX}; cut it where it has two ideas`);
  }
  if (text !== "" && !text.endsWith("\n")) faults.push(`${path}: the last line does not end`);
  const rules = LINE_RULES.filter((rule) => rule.files.test(path));
  for (const [index, line] of lines.entries()) {
    const code = line.replace(/^\s*(?:\*|\/\*|\/\/).*|\s\/\/ .*/, "");
    for (const rule of rules) {
      if (rule.pattern.test(rule.codeOnly ? code : line)) faults.push(`${path}:${index + 1}: ${rule.fault}`);
    }
  }
  return faults;
}

/** Resolves a link of a file; both are repository paths, a final slash is cut. */
function resolveLink(from: string, link: string): string {
  return decodeURIComponent(new URL(link, `file:///${from}`).pathname).slice(1).replace(/\/$/, "");
}

/** The text without fenced code, in which a link is only an example. */
function withoutFences(text: string): string {
  return text.replace(/^(```+)[^\n]*\n[\s\S]*?^\1\s*$/gm, (fence) => fence.replace(/[^\n]/g, ""));
}

/** Links of a Markdown file that lead nowhere. `exists` knows every file and folder by its repository path. */
export function linkFaults(file: RepositoryFile, exists: (path: string) => boolean): string[] {
  const faults: string[] = [];
  const text = withoutFences(file.text);
  for (const match of text.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)|^\[[^\]]+\]:\s+(\S+)/gm)) {
    const link = match[1] ?? match[2] ?? "";
    if (/^(?:[a-z][a-z0-9+.-]*:|#)/i.test(link)) continue;
    const target = resolveLink(file.path, link.replace(/[#?].*$/, ""));
    if (!exists(target)) faults.push(`${file.path}: the link "${link}" leads nowhere`);
  }
  return faults;
}

/** Claims are proved somewhere: every page or test that a page names in code quotes must be there. */
export function namedPathFaults(file: RepositoryFile, exists: (path: string) => boolean): string[] {
  const faults: string[] = [];
  for (
    const match of withoutFences(file.text).matchAll(
      /`((?:docs|tests|[a-z]+(?:\/[\w.-]+)*\/[\w.-]+_test\.tsx?)[\w./-]*)`/g,
    )
  ) {
    const named = (match[1] ?? "").replace(/\/$/, "");
    if (named.includes("/") && !exists(named)) faults.push(`${file.path}: it names "${named}", which is not there`);
  }
  return faults;
}

/**
 * Threats are answered by tests: in tables whose last column is headed "shown by", every row names one that is there, as
 * `file`: "name". `textOf` answers the text of a file, `undefined` when it is not there.
 */
export function namedTestFaults(file: RepositoryFile, textOf: (path: string) => string | undefined): string[] {
  const faults: string[] = [];
  let inTable = false;
  for (const [index, line] of file.text.split("\n").entries()) {
    if (!line.startsWith("|")) inTable = false;
    else if (/\| shown by +\|$/.test(line)) inTable = true;
    else if (inTable && !/^\|[ -]+\|/.test(line)) {
      const named = [...line.matchAll(/`([\w./-]+_test\.tsx?)`: "([^"]+)"/g)];
      if (named.length === 0) faults.push(`${file.path}:${index + 1}: the row names no test`);
      for (const [, path = "", name = ""] of named) {
        if (textOf(path)?.includes(`"${name}"`)) continue;
        faults.push(`${file.path}:${index + 1}: "${path}" has no test "${name}"`);
      }
    }
  }
  return faults;
}

/** Pages whose every named path must exist. */
const PROVEN_PAGES = /^docs\/(?:security|operations|architecture|protocol)\.md$/;

/** Every fault of the repository. */
export function repositoryFaults(files: readonly RepositoryFile[]): string[] {
  const known = new Set<string>([""]);
  for (const { path } of files) {
    const parts = path.split("/");
    for (let depth = 1; depth <= parts.length; depth++) known.add(parts.slice(0, depth).join("/"));
  }
  const exists = (path: string) => known.has(path);
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  return files.flatMap((file) => [
    ...(TEXT.test(file.path) ? fileFaults(file) : []),
    ...(file.path.endsWith(".md") ? linkFaults(file, exists) : []),
    ...(PROVEN_PAGES.test(file.path) ? namedPathFaults(file, exists) : []),
    ...(PROVEN_PAGES.test(file.path) ? namedTestFaults(file, (path) => texts.get(path)) : []),
  ]);
}

/** Source files past the aim, the longest first. */
export function longFiles(files: readonly RepositoryFile[]): string[] {
  return files.filter(({ path }) => SOURCE.test(path))
    .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > FILE_LINES_AIM)
    .sort((a, b) => b.lines - a.lines)
    .map(({ path, lines }) => `${path}: ${lines} lines`);
}

/** Reads every file below the folder; those that are not text keep an empty text. */
export async function readRepository(root: string): Promise<RepositoryFile[]> {
  const files: RepositoryFile[] = [];
  const walk = async (folder: string): Promise<void> => {
    for await (const entry of Deno.readDir(`${root}/${folder}`)) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory && !SKIPPED.has(entry.name)) await walk(path);
      else if (entry.isFile) {
        files.push({ path, text: TEXT.test(path) ? await Deno.readTextFile(`${root}/${path}`) : "" });
      }
    }
  };
  await walk("");
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

async function main(): Promise<number> {
  const files = await readRepository(decodeURIComponent(new URL("..", import.meta.url).pathname));
  const long = longFiles(files);
  if (long.length > 0) console.log(`past the aim of ${FILE_LINES_AIM} lines:\n  ${long.join("\n  ")}`);
  const faults = repositoryFaults(files);
  for (const fault of faults) console.error(fault);
  console.log(`tidy: ${files.length} files, ${faults.length} faults`);
  return faults.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());

/** The one direction of imports, as data: what each folder may import besides itself. */

type Layer = readonly string[];

const CORE: Layer = ["base", "wire"];
const PARTS: Layer = [...CORE, "cluster", "commands", "outputs"];
const FACES: Layer = [...PARTS, "agent", "server"];

/** Folders of the product. A folder without a row may import everything: tests, bench, build, examples and `mod.ts`. */
export const LAYERS: Readonly<Record<string, Layer>> = {
  base: [],
  wire: ["base"],
  cluster: CORE,
  commands: CORE,
  outputs: CORE,
  agent: PARTS,
  server: PARTS,
  cli: FACES,
  // The console is an operator like the command line: the same contexts, the same client.
  tui: [...FACES, "cli"],
};

/** Files at the root that a folder may import: the version stands in `deno.json`. */
const ROOT_FILES: Readonly<Record<string, Layer>> = { base: ["deno.json"] };

/** Packages that belong to one folder only. */
const PACKAGE_HOMES: readonly { pattern: RegExp; home: string }[] = [
  { pattern: /^(?:npm:)?(?:react|ink|@inkjs|ink-[a-z-]+)(?:[@/]|$)/, home: "tui" },
];

/** The folder of a repository path: its first segment, or "" for a file at the root. */
export function folderOf(path: string): string {
  const slash = path.indexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** True for what only tests, benchmarks and the build run, never a program. */
export function isBackstage(path: string): boolean {
  return /_test\.tsx?$/.test(path) || /^(?:tests|bench|build|examples)\//.test(path);
}

/** Resolves a relative specifier against the importing file, both as repository paths. */
function resolve(from: string, specifier: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const step of specifier.split("/")) {
    if (step === "..") parts.pop();
    else if (step !== ".") parts.push(step);
  }
  return parts.join("/");
}

/** Why `file` may not import `specifier`, or `undefined` when it may. */
export function importFault(file: string, specifier: string): string | undefined {
  const home = folderOf(file);
  const allowed = LAYERS[home];
  if (!specifier.startsWith(".")) {
    const row = PACKAGE_HOMES.find((row) => row.pattern.test(specifier));
    if (row === undefined || allowed === undefined || row.home === home) return undefined;
    return `"${specifier}" lives only under ${row.home}/`;
  }
  if (allowed === undefined) return undefined;
  const target = resolve(file, specifier);
  const folder = folderOf(target);
  if (folder === home || allowed.includes(folder)) return undefined;
  if (folder === "" && (ROOT_FILES[home] ?? []).includes(target)) return undefined;
  if (folder === "tests" && isBackstage(file)) return undefined;
  return `${home}/ may not import from ${folder === "" ? target : `${folder}/`}`;
}

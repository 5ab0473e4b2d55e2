/**
 * Turns a program and its Workers into one JavaScript file each, and a few more for what is imported late. A compiled
 * program then loads one module a thread instead of hundreds: measured with zod and yaml, 16 ms less at start and 10 MB
 * less memory.
 */
import { withReactForProduction } from "./react_build.ts";
import { BuildError, inRepository, runDeno } from "./shell.ts";

/** A bundled module: where it lies under the bundle's root, and its text. */
export interface Bundled {
  /** The source's repository path with the ending `.js`. */
  path: string;
  text: string;
}

const WORKER_URL = /new URL\("(\.[^"\n]+)\.ts", import\.meta\.url\)/g;
/** The bundler writes each module's path above its code. */
const MODULE_LINE = /^\s*\/\/ ([\w./-]+\.tsx?)$/gm;
/** A module out of Deno's npm cache, by way of this machine's folders and its registry's name. */
const CACHE_PATH = /(^\s*\/\/ |^\s*")(?:\.\.\/)*\S*?\/npm\/[^/"\s]+\//gm;
/**
 * What a CommonJS module's default export is. Node takes the whole module; the bundler takes `undefined` when the module
 * calls itself converted but has no default (tslib does).
 */
const DEFAULT_EXPORT = "isNodeMode || !mod || !mod.__esModule ?";
const DEFAULT_EXPORT_AS_NODE = `isNodeMode || !mod || !mod.__esModule || !("default" in mod) ?`;
/** A CommonJS module that is imported late: it would come without its names. */
const LATE_COMMONJS = /^export default require_\w+\(\);$/m;
/** Ink's debugger asks for it late, and only when told to: it is not part of a program. */
const LEFT_OUT = "react-devtools-core";
const WANTS_LEFT_OUT = new RegExp(`^import .* from "${LEFT_OUT}";$`, "m");
const OWN_URL = "import.meta.url";
/** One unit of UTF-16: a pair of them is written as two escapes. */
const NOT_ASCII = /[\u0080-\uffff]/g;
/** Where an escape would not mean the character: after a backslash, and in the raw text of a template. */
const NOT_ESCAPABLE = /\\[\u0080-\uffff]|\braw`[^`]*[\u0080-\uffff]/;

/** Bundles the entry, then every Worker it can reach; the entry comes first. What is imported late has files of its own. */
export async function bundleProgram(entry: string): Promise<Bundled[]> {
  const done = new Map<string, Bundled>();
  const waiting = [entry];
  for (let source = waiting.shift(); source !== undefined; source = waiting.shift()) {
    if (done.has(toJs(source))) continue;
    for (const [name, bundle] of await bundleOne(source)) {
      const { text, workers } = relocate(source, bundle);
      if (LATE_COMMONJS.test(text)) {
        throw new BuildError(`"${source}" imports a CommonJS package late (${name}): do so by way of an own module`);
      }
      const path = `${source.slice(0, source.lastIndexOf("/") + 1)}${name}`;
      done.set(path, { path, text: WANTS_LEFT_OUT.test(text) ? "export {};\n" : text });
      waiting.push(...workers);
    }
  }
  return [...done.values()];
}

function toJs(path: string): string {
  return path.replace(/\.tsx?$/, ".js");
}

/** The files of one thread, by their names: its entry, then what it shares with, and loads by, `await import()`. */
async function bundleOne(source: string): Promise<[string, string][]> {
  try {
    await Deno.stat(inRepository(source));
  } catch (cause) {
    throw new BuildError(`"${source}" is not there: build the others with --only NAME`, { cause });
  }
  const folder = await Deno.makeTempDir({ prefix: "jabber-bundle-" });
  try {
    const ran = await runDeno([
      "bundle",
      "--quiet",
      "--code-splitting",
      "--external",
      LEFT_OUT,
      "--outdir",
      folder,
      source,
    ]);
    if (!ran.ok) throw new BuildError(`"${source}" cannot be bundled:\n${ran.stderr.trim()}`);
    const entry = toJs(source).slice(source.lastIndexOf("/") + 1);
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name !== entry).sort();
    return await Promise.all(
      [entry, ...names].map(async (
        name,
      ): Promise<[string, string]> => {
        const text = await Deno.readTextFile(`${folder}/${name}`);
        return [name, withReactForProduction(text, (path) => Deno.readTextFileSync(inRepository(path)))];
      }),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * Makes a bundle fit its new place: Worker URLs, written relative to the module they stand in, become relative to the
 * bundle; names of this machine's folders go. Answers the Workers' repository paths too.
 */
export function relocate(source: string, bundle: string): { text: string; workers: string[] } {
  const modules = [...bundle.matchAll(MODULE_LINE)].map((match) => ({ at: match.index, path: match[1] ?? "" }));
  const workers: string[] = [];
  const moved = bundle.replace(WORKER_URL, (_, specifier: string, at: number) => {
    const module = modules.findLast((module) => module.at < at);
    const worker = new URL(`${specifier}.ts`, `file:///${module?.path ?? source}`).pathname.slice(1);
    workers.push(worker);
    return `new URL("${relativePath(source, toJs(worker))}", ${OWN_URL})`;
  });
  const lost = moved.match(/new Worker\(\s*"[^"]*"/)?.[0];
  if (lost !== undefined) {
    throw new BuildError(`"${source}" has ${lost}: write new Worker(new URL("./worker.ts", ${OWN_URL}), …)`);
  }
  const text = moved.replace(CACHE_PATH, "$1npm/").replace(DEFAULT_EXPORT, DEFAULT_EXPORT_AS_NODE);
  if (text.includes("var __toESM =") && !text.includes(DEFAULT_EXPORT_AS_NODE)) {
    throw new BuildError("the bundler's __toESM has changed: mend DEFAULT_EXPORT in build/bundle.ts");
  }
  return { text: asciiText(source, text), workers };
}

/**
 * The same program in ASCII. One other character, were it in a comment, and V8 keeps the whole text with two bytes a
 * character, as a copy in its heap: 2 ms and 2 MiB for 240 KB.
 */
export function asciiText(source: string, text: string): string {
  const lost = text.match(NOT_ESCAPABLE)?.[0];
  if (lost !== undefined) {
    throw new BuildError(`"${source}" has ${JSON.stringify(lost.slice(-40))}: write the last character as \\uXXXX`);
  }
  return text.replace(NOT_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** How `to` is named from the folder of `from`; both are repository paths. */
function relativePath(from: string, to: string): string {
  const base = from.split("/").slice(0, -1);
  const steps = to.split("/");
  let common = 0;
  while (common < base.length && base[common] === steps[common]) common++;
  const up = base.slice(common).map(() => "..");
  return (up.length > 0 ? up : ["."]).concat(steps.slice(common)).join("/");
}

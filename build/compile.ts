/**
 * Compiles the programs into dist/: `./denow task build [--release] [--target T | --all] [--only NAME]… [--check]`
 * For named targets into dist/<target>/; beside the files go their SHA-256 sums and a bill of materials. `--check` reads
 * each file again and compares what it is made for, carries and may do with the tables.
 * An agent of one's own: `./denow task build --entry own/main.ts --name my-agent`, with what `jabber-agent` has.
 *
 * Each program is bundled, and compiled only when the bundle, its flags or the base runtime have changed since.
 * Exit codes: 0 done, 1 failed, 2 usage.
 */
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { VERSION } from "../base/version.ts";
import { type Bundled, bundleProgram } from "./bundle.ts";
import { type BaseRuntime, findRuntime } from "./denort.ts";
import { faultsOf } from "./inspect.ts";
import { compileFlags, type Program, PROGRAMS, v8FlagsOf } from "./programs.ts";
import { type BilledProgram, billOfMaterials } from "./sbom.ts";
import { BuildError, inRepository, readIfThere, runDeno, sha256, writeWhole } from "./shell.ts";
import { findTarget, type Target, TARGETS } from "./targets.ts";

const EPOCH = new Date(0);
/** The bill of materials' file, beside the programs. */
const BILL = "sbom.cdx.json";

export interface BuildPlan {
  release: boolean;
  /** Absent: this machine's platform, straight into dist/. */
  targets: readonly Target[] | undefined;
  programs: readonly Program[];
  /** Look into each file afterwards. */
  check: boolean;
}

/** Reads the command line; throws `BuildError` for one that makes no sense. */
export function planBuild(args: readonly string[]): BuildPlan {
  const { values } = parseBuildArgs(args);
  if (values.all && values.target !== undefined) throw new BuildError("--all and --target exclude each other");
  if ((values.entry === undefined) !== (values.name === undefined)) {
    throw new BuildError("--entry and --name belong together");
  }
  if (values.entry !== undefined && values.only !== undefined) {
    throw new BuildError("--entry and --only exclude each other");
  }
  const own = ownAgent(values.entry, values.name);
  const only = own === undefined ? values.only ?? PROGRAMS.map((program) => program.name) : [];
  const programs = only.map((name) => {
    const program = PROGRAMS.find((program) => program.name === name);
    if (program) return program;
    throw new BuildError(`no program is called "${name}": choose from ${PROGRAMS.map(({ name }) => name).join(", ")}`);
  });
  const named = values.target?.map((triple) => {
    const target = findTarget(triple);
    if (target) return target;
    throw new BuildError(`no target is called "${triple}": choose from ${TARGETS.map((row) => row.triple).join(", ")}`);
  });
  const all = own === undefined ? programs : [own];
  return {
    release: values.release ?? false,
    targets: values.all ? TARGETS : named,
    programs: all,
    check: values.check ?? false,
  };
}

/** A program that is not in the table: somebody's own agent. */
function ownAgent(entry: string | undefined, name: string | undefined): Program | undefined {
  if (entry === undefined || name === undefined) return undefined;
  if (!/^[a-z][\w.-]*$/i.test(name) || PROGRAMS.some((program) => program.name === name)) {
    throw new BuildError(`"${name}" cannot be the name of an agent of your own`);
  }
  // The bundle keeps the repository's folders, so that Workers are found.
  if (!/^(?!\.{0,2}\/)[^\\:]+\.ts$/.test(entry) || entry.split("/").includes("..")) {
    throw new BuildError(`"${entry}" is no .ts file named from the repository's folder, such as own/main.ts`);
  }
  return { ...PROGRAMS.find((program) => program.name === "jabber-agent")!, name, entry };
}

function parseBuildArgs(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        release: { type: "boolean" },
        all: { type: "boolean" },
        check: { type: "boolean" },
        target: { type: "string", multiple: true },
        only: { type: "string", multiple: true },
        entry: { type: "string" },
        name: { type: "string" },
      },
    });
  } catch (cause) {
    throw new BuildError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

export interface Compiled {
  path: string;
  sha256: string;
  /** False when nothing had changed. */
  fresh: boolean;
}

/** One program for one target. */
export interface CompileJob {
  program: Program;
  bundle: readonly Bundled[];
  target: Target;
  runtime: BaseRuntime;
  /** Where the executable goes. */
  folder: string;
  /** Where the note of what it was made from goes. */
  stamps: string;
}

/** Compiles a program, unless what lies in its place was made from the same things. */
export async function compileProgram(job: CompileJob): Promise<Compiled> {
  const path = `${job.folder}/${job.program.name}${job.target.suffix}`;
  const flags = compileFlags(job.program.grants, v8FlagsOf(job.program));
  const made = sha256(JSON.stringify([job.bundle, flags, job.target.triple, job.runtime.id, Deno.version.deno]));
  const stampPath = `${job.stamps}/${sha256(path).slice(0, 16)}.json`;
  const before = await readStamp(stampPath);
  const there = before?.made === made ? await readIfThere(path) : undefined;
  if (there && before && sha256(there) === before.sha256) return { path, sha256: before.sha256, fresh: false };

  await compileBundle(job, flags, path);
  const hash = sha256(await Deno.readFile(path));
  await Deno.mkdir(job.stamps, { recursive: true });
  await writeWhole(stampPath, JSON.stringify({ made, sha256: hash }));
  return { path, sha256: hash, fresh: true };
}

/** Lays the bundle out in a folder of its own and compiles it from there: only what lies there gets into the file. */
async function compileBundle(job: CompileJob, flags: readonly string[], path: string): Promise<void> {
  const [entry, ...workers] = job.bundle.map((module) => module.path);
  if (entry === undefined) throw new BuildError(`"${job.program.name}" has an empty bundle`);
  await Deno.mkdir(job.folder, { recursive: true });
  const place = await Deno.makeTempDir({ dir: job.folder, prefix: ".build-" });
  try {
    for (const module of job.bundle) {
      const file = `${place}/${module.path}`;
      await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(file, module.text);
      // The file's time gets into the executable: a fixed one makes the same sources give the same bytes.
      await Deno.utime(file, EPOCH, EPOCH);
    }
    const output = `${place}/${job.program.name}${job.target.suffix}`;
    const include = workers.flatMap((worker) => ["--include", worker]);
    const ran = await runDeno(
      ["compile", "--quiet", ...flags, "--target", job.target.triple, ...include, "--output", output, entry],
      { cwd: place, ...(job.runtime.path === undefined ? {} : { env: { DENORT_BIN: job.runtime.path } }) },
    );
    if (!ran.ok) throw new BuildError(`"${job.program.name}" cannot be compiled:\n${ran.stderr.trim()}`);
    await Deno.rename(output, path);
  } finally {
    await Deno.remove(place, { recursive: true });
  }
}

interface Stamp {
  made: string;
  sha256: string;
}

async function readStamp(path: string): Promise<Stamp | undefined> {
  const bytes = await readIfThere(path);
  if (bytes === undefined) return undefined;
  const stamp: unknown = JSON.parse(new TextDecoder().decode(bytes));
  const isStamp = typeof stamp === "object" && stamp !== null && "made" in stamp && "sha256" in stamp;
  return isStamp ? stamp as Stamp : undefined;
}

/** Writes SHA256SUMS for every program that lies in the folder, in the form `sha256sum --check` reads. */
async function writeSums(folder: string, compiled: readonly Compiled[]): Promise<void> {
  const sums = new Map<string, string>();
  const old = await readIfThere(`${folder}/SHA256SUMS`);
  for (const line of old ? new TextDecoder().decode(old).split("\n") : []) {
    const [hash, name] = line.split("  ");
    if (hash && name && await readIfThere(`${folder}/${name}`)) sums.set(name, hash);
  }
  for (const { path, sha256 } of compiled) sums.set(path.slice(path.lastIndexOf("/") + 1), sha256);
  const lines = [...sums].sort(([a], [b]) => a < b ? -1 : 1).map(([name, hash]) => `${hash}  ${name}\n`);
  await writeWhole(`${folder}/SHA256SUMS`, lines.join(""));
}

function thisTarget(): Target {
  const target = findTarget(Deno.build.target);
  if (target) return target;
  throw new BuildError(
    `this machine's platform "${Deno.build.target}" is not among the targets: name one with --target`,
  );
}

/** Carries out the plan; `say` hears one line for each program. */
export async function build(plan: BuildPlan, say: (line: string) => void): Promise<void> {
  const targets = plan.targets ?? [thisTarget()];
  if (targets.length > 1 && Deno.env.get("DENORT_BIN")) {
    throw new BuildError("DENORT_BIN names one base runtime, which cannot be that of several targets");
  }
  const bundles = new Map<Program, Bundled[]>();
  for (const program of plan.programs) bundles.set(program, await bundleProgram(program.entry));
  for (const target of targets) {
    const folder = inRepository(plan.targets === undefined ? "dist" : `dist/${target.triple}`);
    const runtime = await findRuntime(target, plan.release, say);
    const compiled: Compiled[] = [];
    for (const [program, bundle] of bundles) {
      const stamps = inRepository(".cache/stamps");
      const result = await compileProgram({ program, bundle, target, runtime, folder, stamps });
      compiled.push(result);
      if (plan.check) await checkFile(result, { program, target, bundle, version: VERSION });
      const where = result.path.slice(inRepository(".").length);
      const done = (result.fresh ? "compiled " : "unchanged") + (plan.check ? " and checked" : "");
      say(`${done} ${where} ${VERSION} sha256:${result.sha256.slice(0, 16)}…`);
    }
    await writeSums(folder, compiled);
    // What lists a part of what lies there would be no bill of it: none is better. An own agent changes none of them.
    if (PROGRAMS.every((program) => bundles.has(program))) {
      await writeBill({ folder, target, runtime, bundles, compiled });
    } else if (compiled.some(({ fresh }) => fresh) && plan.programs.some((program) => PROGRAMS.includes(program))) {
      await Deno.remove(`${folder}/${BILL}`).catch(() => {});
    }
  }
}

async function checkFile({ path }: Compiled, job: Parameters<typeof faultsOf>[1]): Promise<void> {
  const faults = faultsOf(await Deno.readFile(path), job);
  if (faults.length > 0) throw new BuildError(`"${path}" is not what it should be: ${faults.join("; ")}`);
}

async function writeBill({ folder, target, runtime, bundles, compiled }: {
  folder: string;
  target: Target;
  runtime: BaseRuntime;
  bundles: ReadonlyMap<Program, Bundled[]>;
  compiled: readonly Compiled[];
}): Promise<void> {
  const programs = [...bundles.values()].map((bundle, index): BilledProgram => {
    const { path, sha256 } = compiled[index]!;
    return { file: path.slice(path.lastIndexOf("/") + 1), sha256, bundle };
  });
  const text = billOfMaterials({
    product: "jabberwocky",
    version: VERSION,
    triple: target.triple,
    programs,
    lock: await Deno.readTextFile(inRepository("deno.lock")),
    runtime: { deno: Deno.version.deno, v8: Deno.version.v8, sqlite: sqliteVersion() },
    runtimeSha256: runtime.origin === "kept" || runtime.origin === "npm" ? target.packaged.sha256 : undefined,
  });
  await writeWhole(`${folder}/${BILL}`, text);
}

/** Deno and its base runtime carry the same SQLite. */
function sqliteVersion(): string {
  const memory = new DatabaseSync(":memory:");
  const version = String(memory.prepare("SELECT sqlite_version() AS version").get()?.["version"]);
  memory.close();
  return version;
}

async function main(): Promise<number> {
  try {
    let plan: BuildPlan;
    try {
      plan = planBuild(Deno.args);
    } catch (cause) {
      if (!(cause instanceof BuildError)) throw cause;
      console.error(`build: ${cause.message}`);
      return 2;
    }
    await build(plan, (line) => console.log(line));
    return 0;
  } catch (cause) {
    if (!(cause instanceof BuildError)) throw cause;
    console.error(`build: ${cause.message}`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main());

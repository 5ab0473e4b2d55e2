/**
 * Looks into an executable without running it: what it is made for, which program it carries and what that may do. So
 * a file for another platform is checked as far as a file can be.
 *
 * The payload begins with `d3n0l4nd`, 8 bytes of length and so much JSON: what `deno compile` was told. The modules
 * follow as they are, and `d3n0l4nd` ends it.
 */
import { Buffer } from "node:buffer";
import type { Bundled } from "./bundle.ts";
import { readElf } from "./inspect_elf.ts";
import { readMachO } from "./inspect_macho.ts";
import type { Executable, Format, Machine } from "./inspect_parts.ts";
import { readPe } from "./inspect_pe.ts";
import { type Grants, type Program, v8FlagsOf } from "./programs.ts";
import { BuildError } from "./shell.ts";
import type { Target } from "./targets.ts";

const MARK = Buffer.from("d3n0l4nd");
const READERS: Readonly<Record<Format, (file: Uint8Array<ArrayBuffer>) => Executable>> = {
  "elf": readElf,
  "mach-o": readMachO,
  "pe": readPe,
};
/** How the version stands in a bundle: `base/version.ts` takes it from deno.json. */
const VERSION_TEXT = /\/\/ deno\.json\nvar \w+ = \{\n\s+version: "([^"]+)"/;

/** What an executable says about itself. */
export interface Inspected {
  format: Format;
  machine: Machine;
  version: string;
  grants: Grants;
  /** Those besides the ones of Deno's own. */
  v8Flags: string[];
}

/** The format by the first bytes, or `undefined`. */
export function formatOf(head: Uint8Array): Format | undefined {
  const magic = Buffer.from(head.subarray(0, 4)).toString("hex");
  if (magic === "7f454c46") return "elf";
  if (magic === "cffaedfe") return "mach-o";
  return magic.startsWith("4d5a") ? "pe" : undefined;
}

/** @throws BuildError for what is no executable of the three formats */
export function readExecutable(file: Uint8Array<ArrayBuffer>): Executable {
  const format = formatOf(file);
  if (format === undefined) throw new BuildError("this is no executable: neither ELF nor Mach-O nor PE");
  return READERS[format](file);
}

/** @throws BuildError when it does not carry exactly one program of ours */
export function inspect(file: Uint8Array<ArrayBuffer>): Inspected {
  const { format, machine, payloads } = readExecutable(file);
  const payload = onlyPayload(payloads);
  const told = metadata(payload);
  const version = VERSION_TEXT.exec(payload.toString("latin1"))?.[1];
  if (version === undefined) throw new BuildError("the program in this file does not say its version");
  return { format, machine, version, grants: grantsIn(told["permissions"]), v8Flags: flagsIn(told["v8_flags"]) };
}

/** What speaks against the file being this program, compiled from this bundle for this target; empty when it is. */
export function faultsOf(
  file: Uint8Array<ArrayBuffer>,
  job: { program: Program; target: Target; bundle: readonly Bundled[]; version: string },
): string[] {
  const { program, target, bundle, version } = job;
  const seen = inspect(file);
  const payload = onlyPayload(readExecutable(file).payloads);
  const faults: string[] = [];
  const compare = (what: string, is: unknown, should: unknown) => {
    const [left, right] = [JSON.stringify(is), JSON.stringify(should)];
    if (left !== right) faults.push(`${what} is ${left}, not ${right}`);
  };
  compare("the format", seen.format, target.format);
  compare("the machine", seen.machine, target.machine);
  compare("the version", seen.version, version);
  compare("the grants", sorted(seen.grants), sorted(program.grants));
  compare("V8's flags", seen.v8Flags, v8FlagsOf(program));
  for (const { path, text } of bundle) if (!payload.includes(text)) faults.push(`"${path}" is not in it`);
  return faults;
}

function onlyPayload(payloads: readonly Uint8Array<ArrayBuffer>[]): Buffer {
  const [payload, more] = payloads;
  if (payload === undefined) throw new BuildError("this executable carries no program");
  if (more !== undefined) throw new BuildError("this executable carries two programs");
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  const isWhole = bytes.subarray(0, MARK.length).equals(MARK) && bytes.subarray(-MARK.length).equals(MARK);
  if (!isWhole) throw new BuildError("the program in this executable is damaged");
  return bytes;
}

function metadata(payload: Buffer): Record<string, unknown> {
  const from = MARK.length + 8;
  const to = from + Number(payload.readBigUInt64LE(MARK.length));
  const told: unknown = JSON.parse(payload.subarray(from, to).toString());
  if (!isRecord(told)) throw new BuildError("the program's metadata is no object");
  return told;
}

/** Deno writes `null` for what was not granted and a list, empty for "all", for what was. */
function grantsIn(permissions: unknown): Grants {
  if (!isRecord(permissions)) throw new BuildError("the program's metadata names no permissions");
  if (permissions["prompt"] !== false) throw new BuildError("the program may ask for more permissions");
  for (const never of ["ffi", "import"]) {
    if (!Array.isArray(permissions[`deny_${never}`])) throw new BuildError(`the program is not denied ${never}`);
  }
  const grants: Grants = {};
  for (const name of ["net", "read", "write", "run"] as const) {
    const list = permissions[`allow_${name}`];
    if (list === null) continue;
    if (!Array.isArray(list) || list.length > 0) throw new BuildError(`the program holds a part of ${name}`);
    grants[name] = true;
  }
  for (const name of ["env", "sys"] as const) {
    const list = permissions[`allow_${name}`];
    if (Array.isArray(list)) grants[name] = list.map(String);
  }
  return grants;
}

function flagsIn(flags: unknown): string[] {
  const own = new Set(["UNUSED_BUT_NECESSARY_ARG0", "--stack-size=1024", "--inspector-live-edit"]);
  return Array.isArray(flags) ? flags.map(String).filter((flag) => !own.has(flag)) : [];
}

function sorted(grants: Grants): [string, unknown][] {
  return Object.entries(grants).sort(([a], [b]) => a < b ? -1 : 1);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

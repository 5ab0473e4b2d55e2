/** Gathers what `decideProgram` needs to know: the ways once at start, the file itself right before it is run. */
import { createHash } from "node:crypto";
import { type Clock, pause } from "../../base/clock.ts";
import { isNormalPath, parentPath } from "../../base/paths.ts";
import type { ProgramRequest } from "../../commands/host.ts";
import { resolveFolders } from "../policy/paths.ts";
import type { AgentPolicy } from "../policy/policy.ts";
import { type ProgramFacts, rulesFor } from "../policy/programs.ts";
import { type Walk, walkPath } from "../policy/walk.ts";
import { realPath, statStep, walkPort } from "./disk.ts";

/** What was seen at start, when this thread could still look at every folder. */
export interface Survey {
  /** Program's path → the way to it. */
  ways: ReadonlyMap<string, Walk>;
  /** Folder of a `pathBelow` rule → where it really is. */
  realFolders: ReadonlyMap<string, string>;
  /** What no argument may lead to; real. */
  realExcept: readonly string[];
  agentUid: number | null;
}

/** Looks at the way to every program of the policy. */
export function surveyPrograms(policy: AgentPolicy): Survey {
  const below = policy.programs.flatMap((rule) => rule.args.flatMap((arg) => "pathBelow" in arg ? arg.pathBelow : []));
  const folders = resolveFolders([...new Set(below)], realPath, policy.own);
  return {
    ways: new Map(policy.programs.map((rule) => [rule.path, walkPath(rule.path, walkPort)])),
    realFolders: new Map(folders.written.map((folder, index) => [folder, folders.real[index]!])),
    realExcept: folders.except,
    agentUid: Deno.uid(),
  };
}

/** Deno tells when a file was last changed in whole seconds, and the kernel stamps with its tick, 10 ms late at most. */
const STAMP_MS = 1020;

/**
 * The digest of the file, when an entry of the policy names one for this program. Waits until a change from now on
 * gets another stamp than the file has: a replacement in the same second could not be told from what was read.
 */
export async function digestProgram(policy: AgentPolicy, program: string, clock: Clock): Promise<Digest | null> {
  if (!rulesFor(policy, program).some((rule) => rule.sha256 !== undefined)) return null;
  try {
    using file = await Deno.open(program, { read: true });
    const hash = createHash("sha256");
    const info = await file.stat();
    const age = clock.now() - (info.ctime?.getTime() ?? 0);
    if (age >= 0 && age < STAMP_MS) await pause(clock, STAMP_MS - age);
    const identity = identityOf(info);
    const buffer = new Uint8Array(256 * 1024);
    for (let read = await file.read(buffer); read !== null; read = await file.read(buffer)) {
      hash.update(buffer.subarray(0, read));
    }
    return { sha256: hash.digest("hex"), identity };
  } catch {
    // Whatever it is, the file cannot be proved to be the right one.
    return null;
  }
}

/** A digest and the state of the file that it was taken from. */
export interface Digest {
  sha256: string;
  identity: string;
}

/** The facts of this moment; synchronous, so that nothing of this thread comes between them and the start. */
export function gatherFacts(survey: Survey, request: ProgramRequest, digest: Digest | null): ProgramFacts {
  const way = survey.ways.get(request.program);
  const real = realPath(request.program);
  const steps = way?.steps ?? [];
  const end = way?.end ?? null;
  return {
    realPath: real,
    realPathAtStart: end,
    way: steps.filter((step) => step.path !== end),
    file: real === null ? null : statStep(real),
    sha256: digest !== null && real !== null && identityNow(real) === digest.identity ? digest.sha256 : null,
    agentUid: survey.agentUid,
    realArgs: new Map(request.args.flatMap((arg) => {
      const found = realArg(arg);
      return found === null ? [] : [[arg, found]];
    })),
    realFolders: survey.realFolders,
    realExcept: survey.realExcept,
  };
}

/** Where an argument leads, when it is a path; what is not there yet stands in its parent's real folder. */
function realArg(arg: string): string | null {
  if (!isNormalPath(arg)) return null;
  const real = realPath(arg);
  if (real !== null || arg === "/" || linkIsThere(arg)) return real;
  const parent = realPath(parentPath(arg));
  if (parent === null) return null;
  return (parent === "/" ? "" : parent) + arg.slice(arg.lastIndexOf("/"));
}

/** A link that leads nowhere yet would be followed by whoever makes a file of that name. */
function linkIsThere(path: string): boolean {
  return walkPort.lstat(path) !== null;
}

function identityNow(path: string): string | null {
  try {
    return identityOf(Deno.statSync(path));
  } catch {
    return null;
  }
}

function identityOf(info: Deno.FileInfo): string {
  return [info.dev, info.ino, info.size, info.mtime?.getTime(), info.ctime?.getTime()].join(" ");
}

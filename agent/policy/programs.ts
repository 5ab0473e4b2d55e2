/**
 * The wall around programs: whether one may run, decided from the policy, the request and what the disk says.
 * Pure: `agent/executor/program_facts.ts` gathers the facts, right before the program is started.
 */
import type { ErrorCode } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { baseName, isBelow, isNormalPath } from "../../base/paths.ts";
import type { ProgramRequest } from "../../commands/host.ts";
import { runsOthers } from "./interpreters.ts";
import type { AgentPolicy, ArgRule, ProgramRule } from "./policy.ts";
import { quoted } from "./quote.ts";
import type { PathStep } from "./walk.ts";

export interface ProgramFacts {
  /** Where the path ends now, links resolved; `null`: nothing is there. */
  realPath: string | null;
  /** Where it ended when the agent started; `null`: nowhere, not even in a folder. */
  realPathAtStart: string | null;
  /** Folders and links on the way to it, as they were at start (only who may write there can have changed them). */
  way: readonly PathStep[];
  /** The file itself as it is now. */
  file: PathStep | null;
  /** Hex digest of the file as it is now; `null` when no entry asks for one. */
  sha256: string | null;
  /** Whom the agent runs as. */
  agentUid: number | null;
  /** Argument → its real path, for those that are paths and lead somewhere. */
  realArgs: ReadonlyMap<string, string>;
  /** Folder of a `pathBelow` rule → its real path at start. */
  realFolders: ReadonlyMap<string, string>;
  /** Where the agent's own folder and file really are. */
  realExcept: readonly string[];
}

export type ProgramDecision =
  | { allowed: true; rule: ProgramRule; env: Record<string, string> }
  | { allowed: false; code: ErrorCode; detail: string };

type Refusal = Extract<ProgramDecision, { allowed: false }>;

export const DEFAULT_ENV: Readonly<Record<string, string>> = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8" };

/** The entries that name this path, byte for byte. */
export function rulesFor(policy: AgentPolicy, program: string): ProgramRule[] {
  return policy.programs.filter((rule) => rule.path === program);
}

/** Whether the program may run as asked. Several entries may name one path; the first that fits decides. */
export function decideProgram(policy: AgentPolicy, request: ProgramRequest, facts: ProgramFacts): ProgramDecision {
  const rules = rulesFor(policy, request.program);
  let nearest: Refusal | undefined;
  for (const rule of rules) {
    const refusal = refuseProgram(rule, facts) ?? refuseArgs(rule, request.args, facts) ?? refuseStdin(rule, request);
    if (refusal === undefined) return { allowed: true, rule, env: { ...(rule.env ?? DEFAULT_ENV) } };
    // Of several entries the reason nearest to a yes helps most.
    if (nearest === undefined || nearness(refusal) > nearness(nearest)) nearest = refusal;
  }
  return nearest ?? no("policy.program_refused", `${quoted(request.program)} is not in the allowlist`);
}

function nearness({ code }: Refusal): number {
  return code === "policy.stdin_refused" ? 2 : code === "policy.args_refused" ? 1 : 0;
}

function no(code: ErrorCode, detail: string): Refusal {
  return { allowed: false, code, detail };
}

function refuseProgram(rule: ProgramRule, facts: ProgramFacts): Refusal | undefined {
  const { realPath, file } = facts;
  if (rule.interpreter !== true && runsOthers(baseName(rule.path), true)) {
    return no("policy.interpreter", quoted(rule.path));
  }
  if (realPath === null || file === null) return no("policy.program_refused", `nothing is at ${quoted(rule.path)}`);
  if (rule.interpreter !== true && runsOthers(baseName(realPath), false)) {
    return no("policy.interpreter", `${quoted(rule.path)} is ${quoted(realPath)}`);
  }
  if (realPath !== (rule.realPath ?? rule.path)) {
    const wanted = rule.realPath === undefined ? "the entry names no `realPath`" : `not to ${quoted(rule.realPath)}`;
    return no("policy.program_refused", `${quoted(rule.path)} leads to ${quoted(realPath)}, ${wanted}`);
  }
  if (realPath !== facts.realPathAtStart) {
    return no("policy.program_refused", `${quoted(rule.path)} moved since the agent started; restart the agent`);
  }
  if (file.kind !== "file") return no("policy.program_refused", `${quoted(realPath)} is no regular file`);
  const writable = [...facts.way, file].find((step) => !isSafe(step, facts.agentUid, rule));
  if (writable !== undefined) return no("policy.program_writable", describeStep(writable));
  if (rule.sha256 !== undefined && facts.sha256 !== rule.sha256) {
    return no("policy.hash_mismatch", `${quoted(realPath)} has SHA-256 ${facts.sha256 ?? "unknown"}`);
  }
  return undefined;
}

/** Only root or the agent's own user may be able to change what stands there. */
function isSafe(step: PathStep, agentUid: number | null, rule: ProgramRule): boolean {
  // A platform without owners and modes: only a pinned hash tells what would run.
  if (step.mode === null || step.uid === null) return rule.sha256 !== undefined;
  if (step.uid !== 0 && step.uid !== agentUid) return false;
  // The mode of a link means nothing; its folder decides who may replace it.
  return step.kind === "symlink" || (step.mode & 0o022) === 0;
}

function describeStep(step: PathStep): string {
  const mode = step.mode === null ? "unknown" : (step.mode & 0o7777).toString(8).padStart(4, "0");
  return `${quoted(step.path)} has mode ${mode} and owner ${step.uid ?? "unknown"}`;
}

function refuseStdin(rule: ProgramRule, request: ProgramRequest): Refusal | undefined {
  if (request.stdin === undefined || rule.stdin === true) return undefined;
  return no("policy.stdin_refused", quoted(rule.path));
}

function refuseArgs(rule: ProgramRule, args: readonly string[], facts: ProgramFacts): Refusal | undefined {
  const refuse = (why: string) => no("policy.args_refused", `${quoted(rule.path)}: ${why}`);
  if (args.length > LIMITS.programArgsMax) return refuse(`more than ${LIMITS.programArgsMax} arguments`);
  for (const arg of args) {
    if (arg.length > LIMITS.programArgCharsMax) return refuse(`${quoted(arg)} is too long`);
    if (arg.includes("\0") || !arg.isWellFormed()) return refuse(`${quoted(arg)} holds NUL or half a character`);
  }
  let first = 0;
  while (first < args.length && isListedOption(rule, args[first]!)) first++;
  const rest = args.slice(first);
  const least = rule.args.length - (rule.optional ?? 0);
  if (rest.length < least) return refuse(`${least} arguments are needed, ${rest.length} were given`);
  if (rest.length > rule.args.length && !(rule.repeatLast === true && rule.args.length > 0)) {
    const stray = rest[rule.args.length]!;
    return refuse(
      stray.startsWith("-") ? `the option ${quoted(stray)} is not listed` : `${quoted(stray)} is one too many`,
    );
  }
  for (const [index, arg] of rest.entries()) {
    const argRule = rule.args[Math.min(index, rule.args.length - 1)]!;
    if (!fits(argRule, arg, facts)) {
      return refuse(`argument ${first + index + 1}, ${quoted(arg)}, is not ${describeRule(argRule)}`);
    }
  }
  return undefined;
}

function isListedOption(rule: ProgramRule, arg: string): boolean {
  return (rule.options ?? []).includes(arg);
}

const INTEGER = /^(?:0|-?[1-9][0-9]{0,15})$/;
const WORD = /^[A-Za-z0-9_.@%+=:,/][A-Za-z0-9_.@%+=:,/-]*$/;

function fits(rule: ArgRule, arg: string, facts: ProgramFacts): boolean {
  if ("is" in rule) return arg === rule.is;
  if ("oneOf" in rule) return rule.oneOf.includes(arg);
  if ("integer" in rule) {
    return INTEGER.test(arg) && Number(arg) >= rule.integer.min && Number(arg) <= rule.integer.max;
  }
  if ("word" in rule) return arg.length <= rule.word && WORD.test(arg);
  const real = isNormalPath(arg) ? facts.realArgs.get(arg) : undefined;
  if (real === undefined || facts.realExcept.some((folder) => isBelow(real, folder))) return false;
  return rule.pathBelow.some((folder) => isBelow(real, facts.realFolders.get(folder) ?? folder));
}

function describeRule(rule: ArgRule): string {
  if ("is" in rule) return quoted(rule.is);
  if ("oneOf" in rule) return `one of ${rule.oneOf.map(quoted).join(", ")}`;
  if ("integer" in rule) return `a whole number from ${rule.integer.min} to ${rule.integer.max}`;
  if ("word" in rule) return `a plain word of at most ${rule.word} characters`;
  return `a path below ${rule.pathBelow.map(quoted).join(", ")}`;
}

/** Compiles a peer as the programs are compiled, so that only what it does differs. */
import { bundleProgram } from "../build/bundle.ts";
import { compileProgram } from "../build/compile.ts";
import { findRuntime } from "../build/denort.ts";
import type { Program } from "../build/programs.ts";
import { inRepository } from "../build/shell.ts";
import { findTarget } from "../build/targets.ts";

/** Answers the path of the binary. */
export async function compilePeer(program: Program): Promise<string> {
  const target = findTarget(Deno.build.target);
  if (target === undefined) throw new Error(`no base runtime is known for "${Deno.build.target}"`);
  const { path } = await compileProgram({
    program,
    bundle: await bundleProgram(program.entry),
    target,
    runtime: await findRuntime(target, false, (line) => console.error(line)),
    folder: inRepository(".cache/bench"),
    stamps: inRepository(".cache/stamps"),
  });
  return path;
}

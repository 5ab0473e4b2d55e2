/** Compiles a test's own program the way the build compiles the product's: bundled, with the same flags and runtime. */
import assert from "node:assert/strict";
import { bundleProgram } from "../../build/bundle.ts";
import { compileProgram } from "../../build/compile.ts";
import { findRuntime } from "../../build/denort.ts";
import { type Program, PROGRAMS } from "../../build/programs.ts";
import { findTarget } from "../../build/targets.ts";

/** One of the product's programs with another way in: the same grants, the same flags. */
export function likeProgram(name: string, fixture: Pick<Program, "name" | "entry">): Program {
  const program = PROGRAMS.find((program) => program.name === name);
  assert.ok(program, `no program is called ${name}`);
  return { ...program, ...fixture };
}

/** Compiles into `folder`; answers the executable's path. */
export async function compileFixture(program: Program, folder: string): Promise<string> {
  const target = findTarget(Deno.build.target);
  assert.ok(target, "tests run on a platform that is also a target");
  const runtime = await findRuntime(target, false, () => {});
  const bundle = await bundleProgram(program.entry);
  const made = await compileProgram({ program, bundle, target, runtime, folder, stamps: `${folder}/stamps` });
  return made.path;
}

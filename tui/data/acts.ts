/**
 * What is done with the operator's files and key: the same functions as behind the command line's verbs. A word that is
 * said there on the way is not said here; the answer tells.
 */
import { JabberError } from "../../base/errors.ts";
import type { Api } from "../../cli/api.ts";
import { cancelJob } from "../../cli/job/cancel.ts";
import { submitJob } from "../../cli/job/apply.ts";
import { readAuthorKey } from "../../cli/keys.ts";
import { submit } from "../../cli/run/attach.ts";
import { planRun } from "../../cli/run/plan.ts";
import { pushScript } from "../../cli/script.ts";
import type { World } from "../../cli/world.ts";
import { LIMITS } from "../../base/limits.ts";
import { parseJob, sign } from "../../wire/sign/mod.ts";
import type { Act, ActAnswer } from "../act.ts";
import { splitWords } from "./words.ts";

/** Errors: those of the verbs. */
export async function perform(world: World, api: Api, act: Act): Promise<ActAnswer> {
  const quiet: World = { ...world, out() {}, err() {}, canAsk: false };
  switch (act.kind) {
    case "read":
      return { kind: "read", path: act.path, text: await readText(world, act.path) };
    case "pushScript":
      return { kind: "pushScript", ...await signAndPush(quiet, api, act.path) };
    case "run":
      return { kind: "run", ...await run(quiet, api, act) };
    case "applyJob": {
      const answer = await submitJob(api, await jobBytes(quiet, act), act.dryRun);
      return { kind: "applyJob", ...answer };
    }
    case "cancelJob":
      await cancelJob(quiet, api, act.id, { key: undefined, yes: true });
      return { kind: "cancelJob", id: act.id };
  }
}

async function readText(world: World, path: string): Promise<string> {
  const bytes = await world.files.read(path);
  if (bytes.length > LIMITS.scriptBytesMax) throw new JabberError("document.too_large", path);
  return new TextDecoder().decode(bytes);
}

async function signAndPush(world: World, api: Api, path: string): Promise<{ name: string; hash: string }> {
  const key = await readAuthorKey(world, undefined);
  const signed = sign(await world.files.read(path), "script", key, { at: world.clock.now() });
  await world.files.write(path, signed, { mode: await world.files.mode(path) ?? 0o644, overwrite: true });
  const { name, hash } = await pushScript(api, signed);
  return { name, hash };
}

/** The file with somebody's signature; one that has none gets the author's, and is written back when it is applied. */
async function jobBytes(world: World, { path, dryRun }: Extract<Act, { kind: "applyJob" }>): Promise<Uint8Array> {
  const bytes = await world.files.read(path);
  if (parseJob(bytes).signatures.length > 0) return bytes;
  const key = await readAuthorKey(world, undefined);
  const signed = sign(bytes, "job", key, { at: world.clock.now() });
  if (!dryRun) await world.files.write(path, signed, { mode: await world.files.mode(path) ?? 0o644, overwrite: true });
  return signed;
}

async function run(world: World, api: Api, { does, words, dryRun }: Extract<Act, { kind: "run" }>) {
  const { selector, rest } = selectorOf(splitWords(words));
  const submission = await planRun(world, api, does, rest, {
    selector,
    timeout: undefined,
    valid: undefined,
    meta: undefined,
    key: undefined,
    dryRun,
  });
  const { order, targets } = await submit(api, submission, dryRun);
  return { order, targets, selector };
}

/** `-l SELECTOR` or `--all` stands first: a whole fleet is never meant by leaving something out. */
function selectorOf([first, second, ...others]: readonly string[]): { selector: string; rest: readonly string[] } {
  if (first === "--all") return { selector: "", rest: second === undefined ? [] : [second, ...others] };
  if ((first === "-l" || first === "--selector") && second !== undefined && !second.startsWith("-")) {
    return { selector: second, rest: others };
  }
  throw new JabberError("input.usage", "begin with -l SELECTOR, or with --all for every agent");
}

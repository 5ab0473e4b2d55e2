/** From what the operator typed to what is handed in: which script or command, with which arguments, signed or not. */
import * as z from "zod/mini";
import { rfc3339 } from "../../base/clock.ts";
import { ENGLISH } from "../../base/english.ts";
import { JabberError } from "../../base/errors.ts";
import { UlidMaker } from "../../base/ids.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { commandKeys, findCommand } from "../../commands/mod.ts";
import { describeCommand } from "../../commands/schema.ts";
import { checkArgs, composeOrder, isCommandKey, parseScript, sign } from "../../wire/sign/mod.ts";
import { type Api, ServerRefusal } from "../api.ts";
import { readAuthorKey } from "../keys.ts";
import { ANSWERS } from "../../server/core/requests.ts";
import { nearest } from "../nearest.ts";
import { fetchScript, pushScript } from "../script.ts";
import type { World } from "../world.ts";
import { type ArgumentShape, argumentsText, readArguments } from "./arguments.ts";

export interface RunOptions {
  selector: string;
  /** Seconds. */
  timeout: number | undefined;
  /** Seconds a signed order stays valid: agents that connect later than that do not run it. Given: it is signed. */
  valid: number | undefined;
  meta: JsonObject | undefined;
  key: string | undefined;
  dryRun: boolean;
}

/** What is handed in: a signed order's bytes, or the fields of an unsigned one. */
export type Submission =
  | { signed: true; bytes: Uint8Array }
  | { signed: false; body: JsonObject };

export const DEFAULT_VALID_SECONDS = 3600;

/** A command or script, and what it takes. */
interface Work {
  /** `command:<key>` or `script:<hash>`. */
  does: string;
  title: string;
  shape: ArgumentShape;
  /** Agents run it for no less than a signed order. */
  needsSignature: boolean;
  /** @throws `args.mismatch` */
  check(args: JsonObject): void;
}

/**
 * `name` is a script file (pushed when it is not there yet), a script's name or hash, or a command's key; before the key
 * of a command that only somebody's own agents have stands `command:`.
 * @throws `input.usage`, `args.mismatch`, `key.missing`, `input.not_found`
 */
export async function planRun(
  world: World,
  api: Api,
  name: string,
  words: readonly string[],
  options: RunOptions,
): Promise<Submission> {
  const work = await findWork(world, api, name, !options.dryRun);
  const args = readArguments(words, work.shape);
  work.check(args);
  if (!work.needsSignature && options.key === undefined && options.valid === undefined) {
    return {
      signed: false,
      body: {
        does: work.does,
        args,
        selector: options.selector,
        ...(options.timeout !== undefined && { timeout: options.timeout }),
        ...(options.meta !== undefined && { meta: options.meta }),
      },
    };
  }
  return { signed: true, bytes: await signedOrder(world, api, { does: work.does, args }, options) };
}

async function signedOrder(
  world: World,
  api: Api,
  work: { does: string; args: JsonObject },
  options: RunOptions,
): Promise<Uint8Array> {
  const now = world.clock.now();
  const order = composeOrder({
    id: new UlidMaker(world.rng).next(now),
    cluster: api.context.cluster,
    does: work.does,
    args: work.args,
    selector: options.selector,
    notBefore: rfc3339(now),
    notAfter: rfc3339(now + (options.valid ?? DEFAULT_VALID_SECONDS) * 1000),
    runs: "once",
    ...(options.timeout !== undefined && { timeout: options.timeout }),
    ...(options.meta !== undefined && { meta: options.meta as Json }),
  });
  return sign(order, "order", await readAuthorKey(world, options.key), { at: now });
}

/** What a script or command does and takes, for people. @throws `input.not_found` */
export async function describeWork(world: World, api: Api, name: string): Promise<string> {
  const { title, shape, needsSignature } = await findWork(world, api, name, false);
  const signed = needsSignature ? "Needs a signed order: `jabber run` signs one with your author key.\n" : "";
  return `${title}\n\n${argumentsText(shape)}${signed}`;
}

/** @param push whether a script file may be pushed; a dry run changes nothing, so the file stays here */
async function findWork(world: World, api: Api, name: string, push: boolean): Promise<Work> {
  const key = name.replace(/^command:/, "");
  const command = findCommand(key);
  if (command !== undefined) {
    const { input, positional, summary } = describeCommand(command);
    return {
      does: `command:${key}`,
      title: `${key}: ${summary}`,
      shape: { schema: input, positional },
      needsSignature: command.access > 1,
      check(args) {
        const issue = z.safeParse(command.input, args, ENGLISH).error?.issues[0];
        if (issue !== undefined) throw new JabberError("args.mismatch", `${issue.path.join(".")}: ${issue.message}`);
      },
    };
  }
  if (key !== name) return foreignCommand(key);
  const { header, hash } = await findScript(world, api, name, push);
  return {
    does: `script:${hash}`,
    title: `${header.name} (${hash})`,
    shape: { schema: header.args as unknown as JsonObject, positional: [] },
    needsSignature: header.start === "ordered",
    check: (args) => void checkArgs(header.args, args),
  };
}

/** A command of somebody's own agent, known here by its key alone. What it takes and needs, the agent says. */
function foreignCommand(key: string): Work {
  if (!isCommandKey(key)) throw new JabberError("input.usage", `${JSON.stringify(key)} is no command's key`);
  return {
    does: `command:${key}`,
    title: `${key}: not among the commands that every agent has; give its arguments with --args JSON`,
    shape: { schema: {}, positional: [] },
    needsSignature: true,
    check() {},
  };
}

async function findScript(world: World, api: Api, name: string, push: boolean) {
  if (/[./\\]/.test(name) && await world.files.exists(name)) {
    const bytes = await world.files.read(name);
    if (bytes.length > LIMITS.scriptBytesMax) throw new JabberError("document.too_large", name);
    if (push) await pushScript(api, bytes);
    return parseScript(bytes);
  }
  try {
    const script = parseScript(new TextEncoder().encode((await fetchScript(api, name)).text));
    // The order is signed here: a server must not get one for a script that nobody asked for.
    if (script.hash === name || script.header.name === name) return script;
    throw new JabberError("script.mismatch", `${JSON.stringify(name)} was asked for, "${script.header.name}" came`);
  } catch (cause) {
    if (!(cause instanceof ServerRefusal && cause.code === "input.not_found")) throw cause;
    const near = nearest(name, [...await scriptNames(api), ...commandKeys]);
    const meant = near === undefined ? "" : `; did you mean ${near}?`;
    const why = `${JSON.stringify(name)} is no file, no pushed script and no command${meant}`;
    throw new JabberError("input.not_found", why, undefined, { cause });
  }
}

/** For a guess at what was meant: none when they cannot be had. */
async function scriptNames(api: Api): Promise<string[]> {
  try {
    const { scripts } = ANSWERS.scripts.parse(await api.ask({ method: "GET", path: "/v1/scripts" }));
    return scripts.map(({ name }) => name);
  } catch {
    return [];
  }
}

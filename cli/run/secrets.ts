/** `--arg-secret`: arguments that are typed without echo or read from elsewhere, and shown nowhere. */
import { JabberError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { SECRET_ARGS_META } from "../../wire/secret_args.ts";
import type { World } from "../world.ts";

export interface Secrets {
  /** As words of the command line, to be read like the others. */
  words: string[];
  /** What `meta` says of them. */
  meta: JsonObject | undefined;
  /** Does what might fail over an argument; an error that quotes a secret names the argument instead. */
  guard<T>(work: () => Promise<T>): Promise<T>;
}

/** `NAME` asks, `NAME=@FILE` reads a file, `NAME=@-` reads standard input. @throws `input.usage` */
export async function readSecrets(world: World, given: readonly string[]): Promise<Secrets> {
  const values = new Map<string, string>();
  for (const one of given) {
    const [name = "", ...rest] = one.split("=");
    const from = rest.length === 0 ? undefined : rest.join("=");
    if (name === "") throw new JabberError("input.usage", "--arg-secret: name the argument");
    if (from !== undefined && !/^@./s.test(from)) {
      // What was typed there is in the history of the shell by now, and need not be on the screen again.
      throw new JabberError("input.usage", `--arg-secret ${name}: give no value here, but NAME, NAME=@FILE or NAME=@-`);
    }
    values.set(name, await valueOf(world, name, from?.slice(1)));
  }
  return {
    words: [...values].map(([name, value]) => `--${name}=${value}`),
    meta: values.size === 0 ? undefined : { [SECRET_ARGS_META]: [...values.keys()] },
    guard: (work) => guarded(values, work),
  };
}

async function guarded<T>(values: ReadonlyMap<string, string>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const quoted = [...values].find(([, value]) => cause instanceof Error && cause.message.includes(value));
    if (quoted === undefined) throw cause;
    const code = cause instanceof JabberError ? cause.code : "args.mismatch";
    throw new JabberError(code, `--arg-secret ${quoted[0]} does not fit what is run`);
  }
}

async function valueOf(world: World, name: string, from: string | undefined): Promise<string> {
  if (from !== undefined) {
    const bytes = from === "-" ? await world.readInput() : await world.files.read(from);
    return new TextDecoder().decode(bytes).replace(/\r?\n$/, "");
  }
  if (!world.canAsk) {
    throw new JabberError(
      "input.usage",
      `no terminal to ask for ${name}; use --arg-secret ${name}=@FILE or ${name}=@-`,
    );
  }
  const typed = await world.ask(`${name}: `, { secret: true });
  if (typed === "") throw new JabberError("input.usage", `no ${name} was given`);
  return typed;
}

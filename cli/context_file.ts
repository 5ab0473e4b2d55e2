/** Operator contexts: which server, as whom, with which CA. One JSON file, mode 0600, in the XDG config folder. */
import { JabberError } from "../base/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import type { World } from "./world.ts";

export interface OperatorContext {
  url: string;
  user: string;
  token: string;
  /** RFC 3339. */
  expires: string;
  cluster: string;
  /** PEM; absent: the public roots. */
  ca?: string;
}

export interface ContextFile {
  /** A name among `contexts`, or empty. */
  current: string;
  contexts: Record<string, OperatorContext>;
}

/** The folder of everything the CLI keeps: `$XDG_CONFIG_HOME/jabber`, else `~/.config/jabber`, `%APPDATA%\jabber`. */
export function configFolder(world: World): string {
  const given = world.env("JABBER_HOME") ?? folderIn(world.env("XDG_CONFIG_HOME")) ?? folderIn(world.env("APPDATA"));
  if (given !== undefined) return given;
  const home = world.env("HOME");
  if (home === undefined) throw new JabberError("config.missing", "neither JABBER_HOME nor HOME is set");
  return `${home}/.config/jabber`;
}

function folderIn(base: string | undefined): string | undefined {
  return base === undefined || base === "" ? undefined : `${base}/jabber`;
}

/** The contexts file, empty when there is none. @throws `config.invalid` */
export async function readContexts(world: World): Promise<ContextFile> {
  const path = `${configFolder(world)}/contexts.json`;
  const text = await world.files.readIfThere(path);
  if (text === undefined) return { current: "", contexts: {} };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new JabberError(
      "config.invalid",
      `${path} is no JSON; mend it, or move it away and log in again`,
      undefined,
      {
        cause,
      },
    );
  }
  return readFile(value, path);
}

/** By hand: a schema library takes longer to load than the rest of a short command. */
function readFile(value: unknown, path: string): ContextFile {
  const wrong = (at: string) => new JabberError("config.invalid", `${path}: ${at}`);
  if (!isJsonObject(value)) throw wrong("it is no object");
  const { current, contexts, ...rest } = value;
  if (typeof current !== "string") throw wrong("current is no text");
  if (!isJsonObject(contexts)) throw wrong("contexts is no object");
  refuseOthers(rest, wrong);
  const read: ContextFile = { current, contexts: {} };
  for (const [name, context] of Object.entries(contexts)) {
    read.contexts[name] = readContext(context, (at) => wrong(`contexts.${name}${at}`));
  }
  return read;
}

function readContext(value: Json, wrong: (at: string) => JabberError): OperatorContext {
  if (!isJsonObject(value)) throw wrong(" is no object");
  const { url, user, token, expires, cluster, ca, ...rest } = value;
  const text = (key: string, field: Json | undefined): string => {
    if (typeof field !== "string") throw wrong(`.${key} is no text`);
    return field;
  };
  const context = {
    url: text("url", url),
    user: text("user", user),
    token: text("token", token),
    expires: text("expires", expires),
    cluster: text("cluster", cluster),
    ...(ca !== undefined && { ca: text("ca", ca) }),
  };
  if (!URL.canParse(context.url)) throw wrong(`.url is no URL: ${JSON.stringify(context.url)}`);
  refuseOthers(rest, (at) => wrong(`: ${at}`));
  return context;
}

function refuseOthers(rest: JsonObject, wrong: (at: string) => JabberError): void {
  const [key] = Object.keys(rest);
  if (key !== undefined) throw wrong(`${JSON.stringify(key)} is no key of it`);
}

export async function writeContexts(world: World, file: ContextFile): Promise<void> {
  const folder = configFolder(world);
  await world.files.makeFolder(folder, 0o700);
  await world.files.write(`${folder}/contexts.json`, JSON.stringify(file, null, 2) + "\n", {
    mode: 0o600,
    overwrite: true,
  });
}

/** The name of the context in force: `--context`, `JABBER_CONTEXT`, or the current one; empty when there is none. */
export function nameInForce(world: World, file: ContextFile): string {
  const asked = world.env("JABBER_CONTEXT") ?? "";
  return asked === "" ? file.current : asked;
}

/** The context of that name. @throws `auth.missing`, `input.not_found` */
export function contextNamed(file: ContextFile, name: string): OperatorContext {
  const context = Object.hasOwn(file.contexts, name) ? file.contexts[name] : undefined;
  if (context !== undefined) return context;
  const names = Object.keys(file.contexts);
  if (names.length === 0) throw new JabberError("auth.missing", "nobody has signed in here yet");
  if (name === "") {
    throw new JabberError("input.usage", `no context is chosen; run \`jabber context use\` with ${names.join(" or ")}`);
  }
  throw new JabberError(
    "input.not_found",
    `no context is called ${JSON.stringify(name)}; there is ${names.join(", ")}`,
  );
}

/** The context in force. @throws `auth.missing`, `auth.expired`, `input.not_found` */
export async function currentContext(world: World): Promise<OperatorContext> {
  const file = await readContexts(world);
  const name = nameInForce(world, file);
  const context = contextNamed(file, name);
  if (Date.parse(context.expires) <= world.clock.now()) {
    throw new JabberError("auth.expired", `the session at ${context.url} ended ${context.expires}`);
  }
  return context;
}

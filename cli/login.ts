import { JabberError } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import { isLoopbackName } from "../wire/identity/names.ts";
import { reach, refusal } from "./api.ts";
import { checkContextName } from "./context.ts";
import { type ContextFile, readContexts, writeContexts } from "./context_file.ts";
import type { Register } from "./verb.ts";
import { moment } from "./text/output.ts";
import type { World } from "./world.ts";

export const loginVerb: Register = (program, world) => {
  program.command("login")
    .description("Signs in at a server and makes it the current context.")
    .argument("<url>", "a server's URL, such as https://jabber1.example.org:7431")
    .option("--user <name>", "who you are (default: as before at this URL, else admin)")
    .option("--ca <file>", "the cluster's CA certificate, cluster-ca.pem (default: as before at this URL)")
    .option("--password-file <file>", "read the password here instead of asking; - reads standard input")
    .option("--name <name>", "how to call the context (default: as before at this URL, else default or the host)")
    .addHelpText("after", "\nExample:\n  jabber login https://127.0.0.1:7431 --ca cluster/cluster-ca.pem")
    .action(async (address, options) => {
      const url = originOf(address);
      const file = await readContexts(world);
      const name = contextNameFor(file, url, options.name ?? world.env("JABBER_CONTEXT"));
      const known = file.contexts[name] ?? Object.values(file.contexts).find((context) => context.url === url);
      // Another server's CA vouches for nothing here.
      const before = known?.url === url ? known : undefined;
      const ca = options.ca === undefined ? before?.ca : new TextDecoder().decode(await world.files.read(options.ca));
      const user = options.user ?? before?.user ?? "admin";
      const password = await passwordOf(world, user, options.passwordFile);
      const answer = await signIn(world, url, ca, { user, password });
      // What another command wrote while the password was typed stays.
      const latest = await readContexts(world);
      latest.contexts[name] = { url, user, ...answer, ...(ca !== undefined && { ca }) };
      await writeContexts(world, { ...latest, current: name });
      world.err(`Signed in at ${url} as ${user} until ${moment(answer.expires)} (context ${name}).\n`);
    });
};

/** A given name; else that of the context with this URL; else `default`, and the host's when that one is taken. */
function contextNameFor(file: ContextFile, url: string, given: string | undefined): string {
  if (given !== undefined && given !== "") return checkContextName(given);
  const names = Object.keys(file.contexts).filter((name) => file.contexts[name]?.url === url);
  const known = names.includes(file.current) ? file.current : names[0];
  if (known !== undefined) return known;
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/[^\w.-]/g, "");
  const free = ["default", host, `${host}-${port}`].find((name) => !Object.hasOwn(file.contexts, name));
  return checkContextName(free ?? `${host}-${port}`);
}

function originOf(address: string): string {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new JabberError("input.usage", `${JSON.stringify(address)} is no http or https URL`);
  }
  if (url.protocol === "http:" && !isLoopbackName(url.hostname)) {
    throw new JabberError("config.insecure", `a password would go to ${url.origin} without TLS`);
  }
  return url.origin;
}

async function passwordOf(world: World, user: string, file: string | undefined): Promise<string> {
  if (file !== undefined) {
    return new TextDecoder().decode(await (file === "-" ? world.readInput() : world.files.read(file))).trim();
  }
  const given = world.env("JABBER_PASSWORD");
  if (given !== undefined) return given;
  if (!world.canAsk) {
    throw new JabberError(
      "input.usage",
      "no terminal to ask for the password; use --password-file FILE (- is standard input) or JABBER_PASSWORD",
    );
  }
  const typed = await world.ask(`Password of ${user}: `, { secret: true });
  if (typed === "") throw new JabberError("input.usage", "no password was given");
  return typed;
}

async function signIn(
  world: World,
  url: string,
  ca: string | undefined,
  credentials: { user: string; password: string },
): Promise<{ token: string; expires: string; cluster: string }> {
  const response = await reach(world, `${url}/v1/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(credentials),
  }, ca);
  if (!response.ok) throw await refusal(response);
  const body: unknown = await response.json();
  if (!isJsonObject(body)) throw new JabberError("net.unreachable", `${url} is no Jabberwocky server`);
  return { token: String(body["token"]), expires: String(body["expires"]), cluster: String(body["cluster"]) };
}

import { JabberError } from "../base/errors.ts";
import { sanitize, sanitizeLine } from "../base/sanitize.ts";
import { ANSWERS, type ScriptAnswer } from "../server/core/requests.ts";
import { publicKeyFromText } from "../wire/keys.ts";
import {
  checkTime,
  parseScript,
  parseTrustList,
  sign,
  type SignatureVerdict,
  type TrustList,
  verifySignatures,
} from "../wire/sign/mod.ts";
import { type Api, currentApi } from "./api.ts";
import { confirmed } from "./confirm.ts";
import { addFormat, collect } from "./text/format_option.ts";
import { defaultKeyPath, readAuthorKey } from "./keys.ts";
import { ago, type Format, formatOne, type Listing, printListing } from "./text/output.ts";
import { startProgress } from "./text/progress.ts";
import { EXIT } from "./exit.ts";
import type { Register } from "./verb.ts";
import type { World } from "./world.ts";

/** `jabber sign F…`: what authors do all day. */
export const signVerb: Register = (program, world) => {
  program.command("sign")
    .description("Signs script files with your author key and pushes them: `script sign --push`.")
    .argument("<file...>", "script files; they are changed in place, only signature lines are added")
    .option("--key <file>", "author key (default: the one `keygen` made)")
    .addHelpText("after", "\nExample:\n  jabber sign disk-report.js")
    .action(async (paths, { key }) => {
      await signFiles(world, paths, key);
      await pushFiles(world, paths);
    });
};

export const scriptVerbs: Register = (program, world, outcome) => {
  const script = program.command("script").description("Signed scripts: sign, push, look at them.");

  script.command("sign")
    .description("Signs script files with your author key, in place.")
    .argument("<file...>", "script files; only signature lines are added")
    .option("--key <file>", "author key (default: the one `keygen` made)")
    .option("--push", "push them afterwards")
    .addHelpText("after", "\nExample:\n  jabber script sign disk-report.js --key ./alice.key")
    .action(async (paths, { key, push }) => {
      await signFiles(world, paths, key);
      if (push) await pushFiles(world, paths);
    });

  script.command("push")
    .description("Stores signed script files on the cluster.")
    .argument("<file...>")
    .addHelpText("after", "\nExample:\n  jabber script push disk-report.js")
    .action((paths) => pushFiles(world, paths));

  addFormat(script.command("ls"))
    .description("Lists scripts.")
    .addHelpText("after", "\nExample:\n  jabber script ls")
    .action(async ({ output }) => {
      const answer = await (await currentApi(world)).ask({ method: "GET", path: "/v1/scripts" });
      const { scripts } = ANSWERS.scripts.parse(answer);
      await printListing(world, listing(scripts, world.clock.now()), output);
      if (scripts.length === 0) world.err("no scripts yet; sign and push one: jabber sign FILE\n");
    });

  addFormat(script.command("show"))
    .description("Shows a script's header, or with --text the whole signed file.")
    .argument("<script-name>", "name or sha256-… hash")
    .option("--text", "print the file as it was signed")
    .addHelpText("after", "\nExample:\n  jabber script show disk-report --text")
    .action(async (name, { output, text }) => {
      const answer = await fetchScript(await currentApi(world), name);
      const { text: file, ...header } = answer;
      // A file that goes to another program keeps its bytes; one that goes to a terminal passes the sanitiser.
      if (text) world.out(world.outIsTerminal ? sanitize(file) : file);
      else world.out(formatOne(header, output, header.hash));
    });

  addFormat(script.command("verify"))
    .description("Checks a file, or a script of the cluster, and each of its signatures.")
    .argument("<file-or-name>")
    .option("--trust <ed25519:…>", "a public key to trust besides your own; may repeat", collect)
    .addHelpText("after", "\nExample:\n  jabber script verify disk-report.js --trust ed25519:AAAA…")
    .action(async (name, { trust, output }) => {
      if (!await verify(world, name, trust ?? [], output)) outcome.exit = EXIT.failed;
    });

  script.command("rm")
    .description("Removes a script from the cluster: every version of a name, or the one with a hash.")
    .argument("<script-name>", "name or sha256-… hash")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", "\nExample:\n  jabber script rm disk-report")
    .action(async (name, { yes = false }) => {
      const api = await currentApi(world);
      if (!yes && !await mayRemove(world, api, name)) {
        outcome.exit = EXIT.failed;
        return;
      }
      const answer = await api.ask({ method: "DELETE", path: scriptPath(name) });
      for (const hash of ANSWERS.removeScript.parse(answer).removed) world.err(`removed ${hash}\n`);
    });
};

/** @throws `input.not_found`, and `input.usage` when nobody can be asked */
async function mayRemove(world: World, api: Api, name: string): Promise<boolean> {
  const { name: known, hash } = await fetchScript(api, name);
  const text = name === hash ? `Remove ${known}, ${hash}` : `Remove every version of ${known}`;
  return await confirmed(world, { text: sanitizeLine(text), count: 1, things: "scripts", verb: "remove" });
}

export function scriptPath(name: string): string {
  return `/v1/scripts/${encodeURIComponent(name)}`;
}

/** A script of the cluster with its text. */
export async function fetchScript(api: Api, name: string): Promise<ScriptAnswer & { text: string }> {
  return ANSWERS.script.parse(await api.ask({ method: "GET", path: scriptPath(name) }));
}

async function signFiles(world: World, paths: readonly string[], keyPath: string | undefined): Promise<void> {
  const key = await readAuthorKey(world, keyPath);
  for (const path of paths) {
    const bytes = await world.files.read(path);
    const at = world.clock.now();
    // No agent and no server would take it, and each would say so later and further away.
    checkTime(parseScript(bytes), at);
    const signed = sign(bytes, "script", key, { at });
    await world.files.write(path, signed, { mode: await world.files.mode(path) ?? 0o644, overwrite: true });
    world.err(`signed ${path} as ${key.public.kid}\n`);
  }
}

async function pushFiles(world: World, paths: readonly string[]): Promise<void> {
  const api = await currentApi(world);
  const progress = startProgress(world, "pushed");
  try {
    for (const [done, path] of paths.entries()) {
      progress.update(done, paths.length);
      const row = await pushScript(api, await world.files.read(path));
      progress.world.err(`pushed ${row.name}\n`);
      progress.world.out(`${row.hash}\n`);
    }
  } finally {
    progress.end();
  }
}

export async function pushScript(api: Api, bytes: Uint8Array): Promise<ScriptAnswer> {
  return ANSWERS.pushScript.parse(await api.ask({ method: "POST", path: "/v1/scripts", body: bytes }));
}

async function verify(world: World, name: string, trusted: readonly string[], output: Format): Promise<boolean> {
  const bytes = await world.files.exists(name)
    ? await world.files.read(name)
    : new TextEncoder().encode((await fetchScript(await currentApi(world), name)).text);
  const document = parseScript(bytes);
  const verdicts = verifySignatures(document, await trustOf(world, trusted), world.clock.now());
  const { hash, header } = document;
  if (output === "table") {
    world.out(`${header.name}  ${hash}\n`);
    for (const verdict of verdicts) world.out(`  ${verdictLine(verdict)}\n`);
  } else {
    const signatures = verdicts.map(({ verdict, key, name, at }) => ({ verdict, key, name: name ?? null, at }));
    world.out(formatOne({ name: header.name, hash, signatures }, output, hash));
  }
  if (verdicts.length === 0) throw new JabberError("signature.missing", name);
  return verdicts.some(({ verdict }) => verdict === "good");
}

function verdictLine({ verdict, key, name, at }: SignatureVerdict): string {
  return `${verdict.padEnd(8)} ${key}  ${name ?? "(no key of yours or of --trust)"}  ${at}`;
}

async function trustOf(world: World, texts: readonly string[]): Promise<TrustList> {
  const keys = texts.map((text) => ({ name: text, key: publicKeyFromText(text) }));
  if (await world.files.exists(defaultKeyPath(world))) {
    keys.push({ name: "your key", key: (await readAuthorKey(world, undefined)).public });
  }
  const signers = keys.map(({ name, key }) => ({ key: key.kid, x: key.jwk.x, name }));
  return parseTrustList({ signers, revoked: [], rules: [] });
}

function listing(rows: readonly ScriptAnswer[], now: number): Listing<ScriptAnswer> {
  return {
    rows,
    name: (row) => row.hash,
    columns: [
      { title: "NAME", value: (row) => row.name },
      { title: "ACCESS", value: (row) => String(row.access) },
      { title: "START", value: (row) => row.start },
      { title: "USES", least: 12, value: (row) => row.uses.join(",") },
      { title: "AUTHORS", value: (row) => row.authors.join(",") },
      { title: "PUSHED", value: (row) => `${ago(row.pushedAt, now)} ago by ${row.pushedBy}` },
      { title: "HASH", value: (row) => row.hash.slice(0, 19) + (row.latest ? "" : " (old)") },
    ],
  };
}

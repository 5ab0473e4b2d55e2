/** What `jabber-server` does besides serving: it ends by itself, and says what it has done. */
import { parseArgs } from "node:util";
import { systemClock } from "../base/clock_system.ts";
import { JabberError } from "../base/errors.ts";
import { UlidMaker } from "../base/ids.ts";
import { systemRng } from "../base/rng_system.ts";
import { backUp } from "./backup/backup_system.ts";
import { restore } from "./backup/restore_system.ts";
import { serverService } from "./service_system.ts";

export const VERBS = ["service", "backup", "restore"] as const;
export type Verb = typeof VERBS[number];

/** Carries a verb out; `say` hears what is for people (standard output may be the backup itself). */
export async function runVerb(verb: Verb, args: readonly string[], say: (line: string) => void): Promise<void> {
  if (verb === "service") console.log(serverService(args));
  else if (verb === "backup") await runBackup(args, say);
  else await runRestore(args, say);
}

const PLACES = { config: { type: "string", default: "jabber-server.yaml" }, data: { type: "string" } } as const;

function freshId(): string {
  return new UlidMaker(systemRng).next(systemClock.now());
}

async function runBackup(args: readonly string[], say: (line: string) => void): Promise<void> {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: PLACES });
  const target = onlyFile("backup", positionals);
  const bytes = await backUp({ ...values, target, id: freshId() }, systemClock);
  say(
    `Backed up ${(bytes / 2 ** 20).toFixed(1)} MiB${
      target === "-" ? "" : ` to ${target}`
    }. It holds the server's keys: keep it secret.`,
  );
  say("The CA's private key is not in it.");
}

async function runRestore(args: readonly string[], say: (line: string) => void): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...PLACES,
      "force": { type: "boolean", default: false },
      "data-only": { type: "boolean", default: false },
    },
  });
  const file = onlyFile("restore", positionals);
  const { config, data, force, "data-only": dataOnly } = values;
  const id = freshId();
  const { manifest, dataDir, outside } = await restore({ file, config, data, force, dataOnly, id });
  say(`Restored node ${manifest.node} of cluster ${manifest.cluster} as of ${manifest.createdAt} into ${dataDir}.`);
  for (const { name, path } of outside) say(`Not restored, it belongs to ${path}: tar -xOf ${file} ${name}`);
  say("Start the server: agents connect again and send what it lacks, as far as they still hold it.");
}

function onlyFile(verb: Verb, positionals: readonly string[]): string {
  const [file, ...more] = positionals;
  if (file !== undefined && more.length === 0) return file;
  throw new JabberError("input.usage", `\`jabber-server ${verb}\` takes one file`);
}

/**
 * What a backup is: a plain tar file, so that it can be looked into without this program.
 *
 *   manifest.json     format, versions, node, cluster, when, and where each file belongs
 *   config/0-…        the configuration and every file it names, but never the CA's private key
 *   store.db          the database, whole, without a log beside it
 *   SHA256SUMS        of all of the above; comes last, so that a file that was cut short is noticed
 *
 * Keys are in it because a server without its node key is no server that its agents would talk to. The CA's key is not:
 * nothing needs it from day to day, and whoever has it is the cluster.
 */
import { basename } from "node:path/posix";
import * as z from "zod";
import { JabberError } from "../../base/errors.ts";

export const MANIFEST = "manifest.json";
export const DATABASE = "store.db";
export const SUMS = "SHA256SUMS";
/** Raised when an older program could not restore it. */
const FORMAT = 1;

/** Keys of the configuration, by their last name, that name a file which stays out. */
const LEFT_OUT: ReadonlySet<string> = new Set(["caKeyFile"]);
const NAME = /^config\/\d{1,2}-[\w.-]{1,80}$/;

const manifestSchema = z.object({
  format: z.int().min(1),
  product: z.literal("jabberwocky"),
  version: z.string().max(64),
  createdAt: z.iso.datetime(),
  cluster: z.string().max(64),
  node: z.string().max(64),
  store: z.object({ id: z.string().max(64), schema: z.int() }),
  /** The data folder as the configuration names it. */
  data: z.string().max(4096),
  /** The first is the configuration itself; paths as it names them. */
  files: z.array(z.object({ name: z.string().regex(NAME), path: z.string().min(1).max(4096) })).min(1).max(64),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** A file of the configuration: its name in the archive, and its path as the configuration has it. */
export interface BackupFile {
  name: string;
  path: string;
}

/** The configuration's file and all it names, in the order of its keys. */
export function backupFiles(configName: string, config: unknown): BackupFile[] {
  const paths = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (typeof inner === "string" && key.endsWith("File") && !LEFT_OUT.has(key)) paths.add(inner);
      else walk(inner);
    }
  };
  walk(config);
  return [configName, ...paths].map((path, index) => ({
    name: `config/${index}-${basename(path.replaceAll("\\", "/")).replace(/[^\w.-]/g, "_").slice(-80)}`,
    path,
  }));
}

export function manifestText(manifest: Omit<Manifest, "format" | "product">): string {
  return `${JSON.stringify({ format: FORMAT, product: "jabberwocky", ...manifest }, null, 2)}\n`;
}

/** @throws `backup.damaged`, `backup.newer` */
export function parseManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new JabberError("backup.damaged", "its manifest is no JSON", undefined, { cause });
  }
  const format = typeof value === "object" && value !== null && "format" in value ? value.format : undefined;
  if (typeof format === "number" && format > FORMAT) {
    throw new JabberError("backup.newer", `it has format ${format}, this program knows ${FORMAT}`);
  }
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new JabberError("backup.damaged", `its manifest: ${issue?.path.join(".")}: ${issue?.message}`);
}

/** The form that `sha256sum --check` reads. */
export function sumsText(sums: ReadonlyMap<string, string>): string {
  return [...sums].map(([name, sum]) => `${sum}  ${name}\n`).join("");
}

/** Compares what was found in an archive with what its last entry says. @throws `backup.damaged` */
export function checkSums(text: string, found: ReadonlyMap<string, string>, manifest: Manifest): void {
  const said = new Map(
    text.split("\n").filter((line) => line !== "").map((line) => {
      const [sum = "", name = ""] = line.split("  ");
      return [name, sum];
    }),
  );
  const wanted = [MANIFEST, ...manifest.files.map(({ name }) => name), DATABASE];
  for (const name of wanted) {
    if (!found.has(name)) throw new JabberError("backup.damaged", `"${name}" is missing`);
    if (said.get(name) !== found.get(name)) throw new JabberError("backup.damaged", `"${name}" has another sum`);
  }
  const more = [...found.keys()].find((name) => !wanted.includes(name));
  if (more !== undefined) throw new JabberError("backup.damaged", `"${more}" does not belong in it`);
}

/** True for the names that an archive may hold: nothing that could leave the folder it is unpacked into. */
export function isBackupName(name: string): boolean {
  return name === MANIFEST || name === DATABASE || name === SUMS || NAME.test(name);
}

/** True when the path, as the configuration has it, stays in the configuration's folder. */
export function staysInside(path: string): boolean {
  const steps = path.replaceAll("\\", "/").split("/");
  return !/^(?:[/\\]|[A-Za-z]:)/.test(path) && !steps.includes("..");
}

/** `jabber-server backup FILE|-`: saves a server, running or not, into one file (see archive.ts). */
import { createHash } from "node:crypto";
import { basename, dirname, isAbsolute, join } from "node:path";
import { type Clock, rfc3339 } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import { openEngine } from "../../base/store/sqlite.ts";
import { TAR_BLOCK, tarHeader, tarPadding } from "../../base/tar.ts";
import { VERSION } from "../../base/version.ts";
import { type BackupFile, backupFiles, DATABASE, MANIFEST, manifestText, SUMS, sumsText } from "./archive.ts";
import { copyDatabase } from "./copy_system.ts";
import { readConfig } from "../config_system.ts";

export interface BackupRequest {
  config: string;
  /** Wins over the configuration. */
  data?: string | undefined;
  /** `-` is standard output. */
  target: string;
  /** Random. */
  id: string;
}

/** One entry of the archive: where its bytes lie, or what they are. */
type Part = { name: string; path: string } | { name: string; text: string };

/** Answers how many bytes the archive has. @throws `backup.*`, `config.*`, `store.*`, `input.conflict` */
export async function backUp(request: BackupRequest, clock: Clock): Promise<number> {
  const config = readConfig(request.config);
  const folder = dirname(request.config);
  const dataDir = dataFolder(folder, config.data, request.data);
  const toFile = request.target !== "-";
  if (toFile) refuseExisting(request.target);
  await Deno.stat(`${dataDir}/${DATABASE}`).catch((cause) => {
    throw new JabberError("input.not_found", `there is no database "${dataDir}/${DATABASE}"`, undefined, { cause });
  });
  const stage = await Deno.makeTempDir({ dir: toFile ? dirname(request.target) : dataDir, prefix: ".jabber-backup-" });
  const forget = removedAtSignals(stage);
  try {
    await copyDatabase(dataDir, stage, clock, request.id);
    const store = settle(`${stage}/${DATABASE}`);
    const files = backupFiles(basename(request.config), config);
    const manifest = manifestText({
      version: VERSION,
      createdAt: rfc3339(clock.now()),
      cluster: config.cluster.id,
      node: config.node.id,
      store,
      data: config.data,
      files,
    });
    const parts: Part[] = [
      { name: MANIFEST, text: manifest },
      ...files.map(({ name, path }: BackupFile) => ({ name, path: isAbsolute(path) ? path : join(folder, path) })),
      { name: DATABASE, path: `${stage}/${DATABASE}` },
    ];
    if (!toFile) return await writeArchive(parts, Deno.stdout.writable.getWriter());
    const archive = await Deno.open(`${stage}/archive`, { write: true, createNew: true, mode: 0o600 });
    const bytes = await writeArchive(parts, archive.writable.getWriter(), () => archive.syncData());
    await Deno.rename(`${stage}/archive`, request.target);
    return bytes;
  } finally {
    forget();
    await Deno.remove(stage, { recursive: true });
  }
}

/** Where the data folder is. */
export function dataFolder(folder: string, configured: string, flag: string | undefined): string {
  return flag ?? (isAbsolute(configured) ? configured : join(folder, configured));
}

function refuseExisting(path: string): void {
  try {
    Deno.lstatSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return;
    throw cause;
  }
  throw new JabberError("input.conflict", `"${path}" is there already`);
}

/** Folds the copied log in and reads every page, so that nobody learns at the restore that it is damaged. */
function settle(path: string): { id: string; schema: number } {
  const engine = openEngine(path, { storeId: "" });
  try {
    const [fault] = engine.check();
    if (fault !== undefined) throw new JabberError("store.corrupt", fault);
    const { storeId, schema } = engine.health();
    return { id: storeId, schema };
  } finally {
    engine.close();
  }
}

/** Keys lie in the folder: it must not stay behind when somebody presses Ctrl-C. */
function removedAtSignals(stage: string): () => void {
  const remove = () => {
    Deno.removeSync(stage, { recursive: true });
    Deno.exit(130);
  };
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, remove);
  return () => signals.forEach((signal) => Deno.removeSignalListener(signal, remove));
}

async function writeArchive(
  parts: readonly Part[],
  out: WritableStreamDefaultWriter<Uint8Array>,
  synced: () => Promise<void> = () => Promise.resolve(),
): Promise<number> {
  const sums = new Map<string, string>();
  let bytes = 0;
  const write = async (chunk: Uint8Array): Promise<void> => {
    bytes += chunk.length;
    await out.write(chunk);
  };
  const entry = async (name: string, size: number, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) => {
    const hash = createHash("sha256");
    let seen = 0;
    await write(tarHeader({ name, size }));
    for await (const chunk of chunks) {
      hash.update(chunk);
      seen += chunk.length;
      await write(chunk);
    }
    if (seen !== size) throw new JabberError("backup.busy", `"${name}" changed while it was read`);
    await write(new Uint8Array(tarPadding(size)));
    sums.set(name, hash.digest("hex"));
  };
  const text = (name: string, content: string) => {
    const encoded = new TextEncoder().encode(content);
    return entry(name, encoded.length, [encoded]);
  };
  for (const part of parts) {
    if ("text" in part) {
      await text(part.name, part.text);
      continue;
    }
    const file = await openNamed(part.path);
    await entry(part.name, (await file.stat()).size, file.readable);
  }
  await text(SUMS, sumsText(sums));
  await write(new Uint8Array(2 * TAR_BLOCK));
  await out.ready;
  await synced();
  await out.close();
  return bytes;
}

async function openNamed(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (cause) {
    throw new JabberError("config.missing", `"${path}"`, undefined, { cause });
  }
}

/**
 * `jabber-server restore FILE`: puts a saved server in its place.
 *
 *   1. the archive is unpacked into a folder of its own beside the database, and everything about it is checked
 *   2. what is there is moved aside (`….replaced-<id>`), never deleted; a server that runs on it is noticed by its lock
 *   3. database and configuration take their places; the store gets a new id: it is another history from here on
 *
 * Agents compare at their next connection: what the restored server lacks is sent again as far as they still hold it.
 */
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { JabberError } from "../../base/errors.ts";
import { toStoreError } from "../../base/store/errors.ts";
import { openEngine } from "../../base/store/sqlite.ts";
import { parseTarHeader, TAR_BLOCK, tarPadding } from "../../base/tar.ts";
import {
  checkSums,
  DATABASE,
  isBackupName,
  MANIFEST,
  type Manifest,
  parseManifest,
  staysInside,
  SUMS,
} from "./archive.ts";
import { dataFolder } from "./backup_system.ts";

export interface RestoreRequest {
  file: string;
  /** Where the configuration goes, and from where its paths are. */
  config: string;
  data?: string | undefined;
  /** Moves aside what is there. */
  force: boolean;
  /** Leaves the configuration as it is. */
  dataOnly: boolean;
  /** Random; the new store's id. */
  id: string;
}

export interface Restored {
  manifest: Manifest;
  dataDir: string;
  /** Files that belong outside the configuration's folder, and were not written. */
  outside: Manifest["files"];
}

const MEMORY_BYTES_MAX = 4 * 1024 * 1024;

/** @throws `backup.*`, `restore.*`, `store.*`, `file.unreadable` */
export async function restore(request: RestoreRequest): Promise<Restored> {
  const folder = dirname(request.config);
  const manifest = await peekManifest(request.file);
  const dataDir = dataFolder(folder, manifest.data, request.data);
  const configFiles = request.dataOnly ? [] : manifest.files.filter(({ path }) => staysInside(path));
  const places = configFiles.map(({ name }, index) => ({
    name,
    // The first is the configuration itself, which may get another name.
    path: index === 0 ? request.config : join(folder, configFiles[index]!.path),
  }));
  refuseRunning(`${dataDir}/${DATABASE}`);
  const there = [`${dataDir}/${DATABASE}`, ...places.map(({ path }) => path)].filter(isThere);
  if (there.length > 0 && !request.force) throw new JabberError("restore.not_empty", `"${there[0]}"`);

  const isNew = !isThere(dataDir);
  await Deno.mkdir(dataDir, { recursive: true, mode: 0o700 });
  const stage = await Deno.makeTempDir({ dir: dataDir, prefix: ".jabber-restore-" });
  try {
    await unpack(request.file, stage, manifest);
    renewStore(`${stage}/${DATABASE}`, request.id);
    const owner = isNew ? undefined : ownerOf(dataDir);
    moveAside(`${dataDir}/${DATABASE}`, request.id);
    for (const { name, path } of places) await place(`${stage}/${name}`, path, request.id, owner);
    await place(`${stage}/${DATABASE}`, `${dataDir}/${DATABASE}`, request.id, owner);
  } catch (cause) {
    throw cause instanceof Deno.errors.PermissionDenied
      ? new JabberError("file.unreadable", cause.message, undefined, { cause })
      : cause;
  } finally {
    await Deno.remove(stage, { recursive: true });
  }
  const outside = request.dataOnly ? [] : manifest.files.filter(({ path }) => !staysInside(path));
  return { manifest, dataDir, outside };
}

/** The manifest comes first: nothing else need be read to know where everything goes. */
async function peekManifest(path: string): Promise<Manifest> {
  let found: Manifest | undefined;
  for await (const { name, size, bytes } of entries(path)) {
    if (name !== MANIFEST || size > MEMORY_BYTES_MAX) break;
    found = parseManifest(new TextDecoder().decode(await whole(bytes)));
    break;
  }
  if (found === undefined) throw new JabberError("backup.damaged", `"${path}" does not begin with a manifest`);
  return found;
}

async function unpack(path: string, stage: string, manifest: Manifest): Promise<void> {
  await Deno.mkdir(`${stage}/config`, { mode: 0o700 });
  const sums = new Map<string, string>();
  let said: string | undefined;
  for await (const { name, size, bytes } of entries(path)) {
    if (!isBackupName(name) || sums.has(name) || said !== undefined) {
      throw new JabberError("backup.damaged", `${JSON.stringify(name)} does not belong in it`);
    }
    if (name === SUMS) {
      if (size > MEMORY_BYTES_MAX) throw new JabberError("backup.damaged", "its list of sums is too long");
      said = new TextDecoder().decode(await whole(bytes));
      continue;
    }
    const hash = createHash("sha256");
    using file = await Deno.open(`${stage}/${name}`, { write: true, createNew: true, mode: 0o600 });
    for await (const chunk of bytes) {
      hash.update(chunk);
      for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
    }
    await file.syncData();
    sums.set(name, hash.digest("hex"));
  }
  if (said === undefined) throw new JabberError("backup.damaged", "its end is missing");
  checkSums(said, sums, manifest);
}

interface Entry {
  name: string;
  size: number;
  bytes: AsyncIterable<Uint8Array>;
}

/** Reads the archive once, from its beginning; an entry that nobody reads is passed over. */
async function* entries(path: string): AsyncGenerator<Entry> {
  const file = await Deno.open(path).catch((cause) => {
    throw new JabberError("file.unreadable", `"${path}"`, undefined, { cause });
  });
  using _ = file;
  for (let at = 0;;) {
    await file.seek(at, Deno.SeekMode.Start);
    const block = new Uint8Array(TAR_BLOCK);
    await fill(file, block);
    const header = parseTarHeader(block);
    if (header === undefined) return;
    yield { ...header, bytes: content(file, header.size) };
    at += TAR_BLOCK + header.size + tarPadding(header.size);
  }
}

async function* content(file: Deno.FsFile, size: number): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0;) {
    const chunk = new Uint8Array(Math.min(left, 256 * 1024));
    await fill(file, chunk);
    left -= chunk.length;
    yield chunk;
  }
}

/** @throws `backup.damaged` at the file's end */
async function fill(file: Deno.FsFile, into: Uint8Array): Promise<void> {
  for (let at = 0; at < into.length;) {
    const count = await file.read(into.subarray(at));
    if (count === null) throw new JabberError("backup.damaged", "its end is missing");
    at += count;
  }
}

async function whole(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of bytes) chunks.push(new Uint8Array(chunk));
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** Checks the database as the server will, and gives it another id. */
function renewStore(path: string, id: string): void {
  const engine = openEngine(path, { storeId: id });
  try {
    const [fault] = engine.check();
    if (fault !== undefined) throw new JabberError("backup.damaged", `its database: ${fault}`);
    engine.rename(id);
  } finally {
    engine.close();
  }
}

/** @throws `restore.running` when another process holds the database; a damaged one is nobody's */
function refuseRunning(path: string): void {
  if (!isThere(path)) return;
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    db.exec("PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; ROLLBACK");
  } catch (cause) {
    if (toStoreError(cause, path).code === "store.locked") {
      throw new JabberError("restore.running", `"${path}"`, undefined, { cause });
    }
  } finally {
    db?.close();
  }
}

/** Moves a database and its log out of the way, unless a server began to use it in that very moment. */
function moveAside(path: string, id: string): void {
  if (!isThere(path)) return;
  const kept = `${path}.replaced-${id}`;
  Deno.renameSync(path, kept);
  try {
    refuseRunning(kept);
  } catch (cause) {
    Deno.renameSync(kept, path);
    throw cause;
  }
  for (const ending of ["-wal", "-shm"]) {
    if (isThere(`${path}${ending}`)) Deno.renameSync(`${path}${ending}`, `${kept}${ending}`);
  }
}

interface Owner {
  uid: number;
  gid: number;
}

/** Whose the data folder is, where root restores for a server that is not root. */
function ownerOf(folder: string): Owner | undefined {
  if (Deno.build.os === "windows" || Deno.uid() !== 0) return undefined;
  const { uid, gid } = Deno.statSync(folder);
  return uid === null || gid === null ? undefined : { uid, gid };
}

async function place(from: string, to: string, id: string, owner: Owner | undefined): Promise<void> {
  await Deno.mkdir(dirname(to), { recursive: true, mode: 0o700 });
  // Beside its place first: the configuration may lie on another disk than the data.
  const near = join(dirname(to), `.${basename(to)}.${id}`);
  if (dirname(to) === dirname(dirname(from))) await Deno.rename(from, near);
  else await Deno.copyFile(from, near);
  await Deno.chmod(near, 0o600).catch(() => {});
  if (owner !== undefined) await Deno.chown(near, owner.uid, owner.gid);
  if (isThere(to)) await Deno.rename(to, `${to}.replaced-${id}`);
  await Deno.rename(near, to);
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw cause;
  }
}

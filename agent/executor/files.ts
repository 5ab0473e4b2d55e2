/**
 * The real files: each path through the policy's check, each opened file compared with the path that was checked.
 * Files are opened without waiting (O_NONBLOCK) and without following a link: whatever somebody puts in the way between
 * the look and the open, no thread of the runtime hangs in it.
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Clock } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Files, FileStat, FolderEntry, OpenFile, Standing } from "../../commands/host.ts";
import { checkPath, type Folders, type RealPath } from "../policy/paths.ts";
import { quoted } from "../policy/quote.ts";
import { isMissing } from "./disk.ts";
import { createWatches } from "./file_watch.ts";

/** Windows has neither; there is no pipe to open by a path there either. */
const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;

/** Files below the readable folders. */
export function denoFiles(readable: Folders, realPath: RealPath, clock: Clock): Files {
  const resolve = (path: string): string => {
    const { real, exists } = checkPath(path, readable, realPath);
    if (!exists) throw new JabberError("input.not_found", `no file ${quoted(path)}`);
    return real;
  };
  const watches = createWatches(clock);
  let held = 0;
  return {
    async read(path, offset, length, signal) {
      signal.throwIfAborted();
      const real = resolve(path);
      return await translated(path, async () => {
        const file = await openRegular(path, real, realPath);
        try {
          return await readPart(file, offset, length, signal);
        } finally {
          await file.close();
        }
      });
    },
    async stat(path) {
      const real = resolve(path);
      return toStat(await translated(path, () => lookAt(path, real, realPath)));
    },
    async list(path, after, limit, signal) {
      signal.throwIfAborted();
      const real = resolve(path);
      return await translated(path, () => readFolder(path, real, realPath, { after, limit, signal }));
    },
    async open(path, signal) {
      signal.throwIfAborted();
      const real = resolve(path);
      if (held >= LIMITS.filesOpenMax) throw new JabberError("executor.too_many_calls", `${held} files are held open`);
      held++;
      const letGo = (): void => void held--;
      try {
        return await translated(
          path,
          async () => toOpenFile(path, await openRegular(path, real, realPath), signal, letGo),
        );
      } catch (cause) {
        letGo();
        throw cause;
      }
    },
    async standing(path): Promise<Standing> {
      const { real, exists } = checkPath(path, readable, realPath);
      if (!exists) return { kind: "missing" };
      try {
        const info = await translated(path, () => lookAt(path, real, realPath));
        return { kind: toStat(info).kind, identity: identityOf(info.dev, info.ino) };
      } catch (cause) {
        if (cause instanceof JabberError && cause.code === "input.not_found") return { kind: "missing" };
        throw cause;
      }
    },
    watch(path) {
      const { real } = checkPath(path, readable, realPath);
      return watches.open(real);
    },
  };
}

/** What stands at a resolved path, if it is still the one that was resolved. */
async function lookAt(path: string, real: string, realPath: RealPath): Promise<Deno.FileInfo> {
  const info = await Deno.lstat(real);
  // A link in the way by now: what was seen is not below the allowed folder.
  if (info.isSymlink || realPath(real) !== real) {
    if (realPath(real) === null) throw new JabberError("input.not_found", `no file ${quoted(path)}`);
    throw new JabberError("policy.path_refused", `${quoted(path)} changed while it was looked at`);
  }
  return info;
}

/** Opens a resolved path, which may have changed since it was resolved. */
async function openRegular(path: string, real: string, realPath: RealPath): Promise<FileHandle> {
  // Asked before the open: to open a device may do something.
  if (!(await Deno.lstat(real)).isFile) throw new JabberError("input.invalid", `${quoted(path)} is no regular file`);
  const file = await open(real, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  try {
    const opened = await file.stat();
    const found = await Deno.lstat(real);
    if (!opened.isFile()) throw new JabberError("input.invalid", `${quoted(path)} is no regular file`);
    // Somebody may have put a link in the way after the check: what is open must be what stands there, and be there.
    if (opened.dev === found.dev && opened.ino === found.ino && realPath(real) === real) return file;
    throw new JabberError("policy.path_refused", `${quoted(path)} changed while it was opened`);
  } catch (cause) {
    await file.close();
    throw cause;
  }
}

async function readPart(file: FileHandle, offset: number, length: number, signal: AbortSignal): Promise<Uint8Array> {
  const { size } = await file.stat();
  const buffer = new Uint8Array(Math.min(length, Math.max(size - offset, MIN_BUFFER_BYTES)));
  let filled = 0;
  while (filled < buffer.length) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** Files that say they are empty may still have content, like those of /sys. */
const MIN_BUFFER_BYTES = 64 * 1024;

async function toOpenFile(
  path: string,
  file: FileHandle,
  signal: AbortSignal,
  onClose: () => void,
): Promise<OpenFile> {
  const { dev, ino } = await file.stat();
  let open = true;
  return {
    identity: identityOf(dev, ino),
    size: () => translated(path, async () => (await file.stat()).size),
    read: (offset, length) =>
      translated(path, async () => {
        signal.throwIfAborted();
        const buffer = new Uint8Array(length);
        const { bytesRead } = await file.read(buffer, 0, length, offset);
        return buffer.subarray(0, bytesRead);
      }),
    close() {
      if (!open) return;
      open = false;
      onClose();
      file.close().catch(() => {});
    },
  };
}

function identityOf(dev: number | bigint, ino: number | bigint | null): string {
  return `${dev}:${ino}`;
}

/** The page of a folder's names; the runtime reads all of them at once, so a folder has a bound. */
async function readFolder(
  path: string,
  real: string,
  realPath: RealPath,
  { after, limit, signal }: { after: string; limit: number; signal: AbortSignal },
): Promise<FolderEntry[]> {
  const info = await lookAt(path, real, realPath);
  if (!info.isDirectory) throw new JabberError("input.invalid", `${quoted(path)} is no folder`);
  if (info.size > LIMITS.listFolderBytesMax) {
    throw new JabberError("input.too_large", `the folder ${quoted(path)} has ${info.size} bytes of names`);
  }
  let found: FolderEntry[] = [];
  const keepFirst = (): void => {
    found.sort((a, b) => a.name < b.name ? -1 : 1);
    found = found.slice(0, limit);
  };
  for await (const entry of Deno.readDir(real)) {
    signal.throwIfAborted();
    if (entry.name <= after) continue;
    found.push({ name: entry.name, kind: kindOf(entry) });
    if (found.length >= 2 * limit + KEEP_AT_LEAST) keepFirst();
  }
  keepFirst();
  // There is no way to hold a folder open: it must at least still be the one that was looked at.
  const then = await lookAt(path, real, realPath);
  if (then.dev === info.dev && then.ino === info.ino) return found;
  throw new JabberError("policy.path_refused", `${quoted(path)} changed while it was read`);
}

/** Names are sorted out in groups of that many more. */
const KEEP_AT_LEAST = 1000;

/** Runs `ask`; the system's errors become coded ones. */
async function translated<T>(path: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (isMissing(cause) || code === "ENOENT" || code === "ENOTDIR") {
      throw new JabberError("input.not_found", `no file ${quoted(path)}`);
    }
    if (cause instanceof Deno.errors.NotCapable) throw new JabberError("policy.path_refused", quoted(path));
    // The open met a link where a file was.
    if (code === "ELOOP") throw new JabberError("policy.path_refused", `${quoted(path)} changed while it was opened`);
    if (cause instanceof Error && cause.constructor !== JabberError && (code !== "" || cause.name in Deno.errors)) {
      throw new JabberError("host.failed", `${quoted(path)}: ${cause.message}`);
    }
    throw cause;
  }
}

function toStat(info: Deno.FileInfo): FileStat {
  return { kind: kindOf(info), bytes: info.size, modified: info.mtime?.getTime() ?? 0, mode: info.mode ?? 0 };
}

function kindOf(thing: { isFile: boolean; isDirectory: boolean; isSymlink: boolean }): FileStat["kind"] {
  return thing.isFile ? "file" : thing.isDirectory ? "directory" : thing.isSymlink ? "symlink" : "other";
}

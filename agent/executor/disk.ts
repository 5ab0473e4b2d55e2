/** What the policy's checks ask of the disk. A path this thread may not look at is a path that leads nowhere. */
import type { RealPath } from "../policy/paths.ts";
import type { PathStep, WalkPort } from "../policy/walk.ts";

/** Resolves every link; `null` when nothing is there. @throws what is neither "missing" nor "not allowed" */
export const realPath: RealPath = (path) => orNull(() => Deno.realPathSync(path));

/** The thing behind a path, links followed; `null` when nothing is there. */
export function statStep(path: string): PathStep | null {
  const info = orNull(() => Deno.statSync(path));
  return info === null ? null : { path, ...toStep(info) };
}

export const walkPort: WalkPort = {
  lstat: (path) => {
    const info = orNull(() => Deno.lstatSync(path));
    return info === null ? null : toStep(info);
  },
  readLink: (path) => Deno.readLinkSync(path),
};

function toStep(info: Deno.FileInfo): Omit<PathStep, "path"> {
  const kind = info.isFile ? "file" : info.isDirectory ? "directory" : info.isSymlink ? "symlink" : "other";
  return { kind, mode: info.mode, uid: info.uid };
}

function orNull<T>(ask: () => T): T | null {
  try {
    return ask();
  } catch (cause) {
    if (isMissing(cause) || cause instanceof Deno.errors.NotCapable) return null;
    throw cause;
  }
}

/** True for the errors of a path that leads nowhere. */
export function isMissing(cause: unknown): boolean {
  return cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory ||
    cause instanceof Deno.errors.FilesystemLoop;
}

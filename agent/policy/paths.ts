/**
 * The wall around files: every path a command names is checked on every call.
 *
 * Deno's own permissions follow symbolic links out of an allowed folder, so they are no wall against a link that
 * somebody puts there; this check is. A path passes when it is written in its only spelling (absolute, no `.`, `..`,
 * empty part, NUL), stands below an allowed folder as written, and still does after all links are resolved.
 * The caller then opens the *resolved* path and compares what it opened (`agent/executor/files.ts`).
 */
import { JabberError } from "../../base/errors.ts";
import { isBelow, isNormalPath, parentPath } from "../../base/paths.ts";
import { quoted } from "./quote.ts";

/** Resolves every link of a path, or answers `null` when nothing is there. */
export type RealPath = (path: string) => string | null;

/** Allowed folders (or single files): as the policy writes them, and where they really are. */
export interface Folders {
  written: readonly string[];
  real: readonly string[];
  /** Never allowed, also where they lie in an allowed folder; real. */
  except: readonly string[];
}

/**
 * Resolves the allowed folders once, at start: later a link in their place cannot move the wall.
 * A folder that is not there yet counts as written.
 */
export function resolveFolders(
  written: readonly string[],
  realPath: RealPath,
  except: readonly string[] = [],
): Folders {
  const resolve = (folder: string) => realPath(folder) ?? folder;
  return { written, real: written.map(resolve), except: except.map(resolve) };
}

/**
 * The real path behind `path`. For a path where nothing is: its parent's real path and the last part.
 * @throws `policy.path_refused`; also when the parent is missing, so that nothing is learned about other folders
 */
export function checkPath(path: string, folders: Folders, realPath: RealPath): { real: string; exists: boolean } {
  if (!isNormalPath(path)) {
    throw new JabberError("policy.path_refused", `${quoted(path)} is not absolute in its shortest spelling`);
  }
  const refused = () => new JabberError("policy.path_refused", quoted(path));
  const inside = (at: string) =>
    folders.real.some((folder) => isBelow(at, folder)) && !folders.except.some((folder) => isBelow(at, folder));
  // Before the disk is asked: a path elsewhere must not tell whether something is there.
  if (!folders.written.some((folder) => isBelow(path, folder)) && !inside(path)) throw refused();
  const real = realPath(path);
  if (real !== null) {
    if (!inside(real)) throw refused();
    return { real, exists: true };
  }
  const parent = path === "/" ? null : realPath(parentPath(path));
  if (parent === null) {
    // An allowed folder or something deeper is missing. The nearest parent that is there decides.
    if (inside(path) && nearestIsInside(path, folders, realPath)) return { real: path, exists: false };
    throw refused();
  }
  const missing = `${parent === "/" ? "" : parent}${path.slice(path.lastIndexOf("/"))}`;
  if (!inside(missing)) throw refused();
  return { real: missing, exists: false };
}

/** True when the nearest existing folder above is reached without a link and no deeper folder is reached elsewhere. */
function nearestIsInside(path: string, folders: Folders, realPath: RealPath): boolean {
  for (let at = parentPath(path); folders.real.some((folder) => isBelow(at, folder)); at = parentPath(at)) {
    const real = realPath(at);
    if (real !== null) return real === at;
    if (at === "/") return false;
  }
  return true;
}

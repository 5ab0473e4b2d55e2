/** Absolute POSIX paths as text. Nothing here touches a disk. */

/** True for an absolute path without NUL, empty, `.` or `..` parts and without a slash at its end (but for `/`). */
export function isNormalPath(path: string): boolean {
  if (path === "/") return true;
  if (!path.startsWith("/") || path.includes("\0") || !path.isWellFormed()) return false;
  return path.slice(1).split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

/** True when `path` is `folder` or lies below it; both normal. */
export function isBelow(path: string, folder: string): boolean {
  return folder === "/" || path === folder || path.startsWith(`${folder}/`);
}

/** The folder a normal path stands in; `/` for `/`. */
export function parentPath(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Every folder above a normal path, `/` first. */
export function foldersAbove(path: string): string[] {
  const found: string[] = [];
  for (let at = path; at !== "/"; at = parentPath(at)) found.unshift(parentPath(at));
  return found;
}

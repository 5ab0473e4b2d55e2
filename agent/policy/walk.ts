/** Follows a path the way the kernel does and names everything on the way: whoever may write there may change where it ends. */
import { parentPath } from "../../base/paths.ts";

/** One thing on the way. `mode` and `uid` are `null` where the platform has none. */
export interface PathStep {
  path: string;
  kind: "file" | "directory" | "symlink" | "other";
  mode: number | null;
  uid: number | null;
}

export interface WalkPort {
  /** Without following a link; `null` when nothing is there. */
  lstat(path: string): Omit<PathStep, "path"> | null;
  readLink(path: string): string;
}

export interface Walk {
  /** Folders and links in the order they were met, `/` first; the file at the end is the last when it is there. */
  steps: PathStep[];
  /** Where the path ends; also when only its last part is missing. `null`: it leads nowhere. */
  end: string | null;
}

/** The kernel's own bound. */
const LINKS_MAX = 40;

/** Walks a normal path. */
export function walkPath(path: string, port: WalkPort): Walk {
  const steps: PathStep[] = [];
  const see = (at: string): PathStep | null => {
    const found = port.lstat(at);
    if (found === null) return null;
    const step = { path: at, ...found };
    steps.push(step);
    return step;
  };
  if (see("/") === null) return { steps, end: null };
  const todo = path.split("/").reverse();
  let at = "/";
  let links = 0;
  while (todo.length > 0) {
    const name = todo.pop()!;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      at = parentPath(at);
      continue;
    }
    const next = at === "/" ? `/${name}` : `${at}/${name}`;
    const step = see(next);
    if (step === null) return { steps, end: todo.length === 0 ? next : null };
    if (step.kind !== "symlink") {
      at = next;
      continue;
    }
    if (++links > LINKS_MAX) return { steps, end: null };
    const target = port.readLink(next);
    if (target.startsWith("/")) at = "/";
    todo.push(...target.split("/").reverse());
  }
  return { steps, end: at };
}

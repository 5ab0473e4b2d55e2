/** Files that exist only in memory, and can be written, renamed and removed while somebody reads them. */
import type { Clock } from "../base/clock.ts";
import { JabberError } from "../base/errors.ts";
import { isBelow, isNormalPath } from "../base/paths.ts";
import { createBell } from "./bell.ts";
import type { Files, FileStat, FolderEntry, OpenFile, Standing, Watch } from "./host.ts";

interface Node {
  readonly identity: string;
  readonly kind: FileStat["kind"];
  bytes: Uint8Array;
}

/** What tests do to the disk behind a host's back. Paths are full; folders are there when something is below them. */
export interface MemoryDisk {
  /** Puts other content into the file, or makes one. */
  write(path: string, content: string | Uint8Array): void;
  append(path: string, content: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** A thing that is neither file nor folder, such as a pipe. */
  special(path: string): void;
  folder(path: string): void;
}

interface State {
  readonly nodes: Map<string, Node>;
  readonly watchers: Set<() => void>;
  made: number;
}

const states = new WeakMap<MemoryDisk, State>();

/** A disk with these files. */
export function createMemoryDisk(files: Readonly<Record<string, string | Uint8Array>> = {}): MemoryDisk {
  const state: State = { nodes: new Map(), watchers: new Set(), made: 0 };
  const { nodes, watchers } = state;
  const make = (kind: Node["kind"], bytes: Uint8Array = new Uint8Array(0)): Node => ({
    identity: `${++state.made}`,
    kind,
    bytes,
  });
  const changed = (): void => watchers.forEach((wake) => wake());
  const put = (path: string, bytes: Uint8Array): void => {
    const node = nodes.get(path);
    if (node === undefined) nodes.set(path, make("file", bytes));
    else node.bytes = bytes;
    changed();
  };
  const disk: MemoryDisk = {
    write: (path, content) => put(path, bytesOf(content)),
    append: (path, content) => put(path, new Uint8Array([...nodes.get(path)?.bytes ?? [], ...bytesOf(content)])),
    rename(from, to) {
      const node = nodes.get(from);
      if (node === undefined) throw new Error(`there is no ${from}`);
      nodes.delete(from);
      nodes.set(to, node);
      changed();
    },
    remove(path) {
      nodes.delete(path);
      changed();
    },
    special(path) {
      nodes.set(path, make("other"));
      changed();
    },
    folder(path) {
      nodes.set(path, make("directory"));
      changed();
    },
  };
  states.set(disk, state);
  for (const [path, content] of Object.entries(files)) disk.write(path, content);
  return disk;
}

/** The files of a disk, as far as they may be read. */
export function memoryFiles(disk: MemoryDisk, readable: readonly string[], clock: Clock): Files {
  const { nodes, watchers } = states.get(disk)!;
  const check = (path: string): void => {
    if (!isNormalPath(path)) throw new JabberError("policy.path_refused", `"${path}" is not a full, plain path`);
    if (!readable.some((folder) => isBelow(path, folder))) throw new JabberError("policy.path_refused", `"${path}"`);
  };
  const find = (path: string): Node | undefined => {
    check(path);
    const node = nodes.get(path);
    if (node !== undefined) return node;
    const isFolder = nodes.keys().some((other) => other !== path && isBelow(other, path));
    return isFolder ? { identity: path, kind: "directory", bytes: new Uint8Array(0) } : undefined;
  };
  const mustFind = (path: string, kind?: Node["kind"]): Node => {
    const node = find(path);
    if (node === undefined) throw new JabberError("input.not_found", `no file "${path}"`);
    if (kind !== undefined && node.kind !== kind) throw new JabberError("input.invalid", `"${path}" is a ${node.kind}`);
    return node;
  };
  return {
    // deno-lint-ignore require-await -- the contract answers later; memory has the answer at once
    async read(path, offset, length, signal) {
      signal.throwIfAborted();
      return mustFind(path, "file").bytes.slice(offset, offset + length);
    },
    // deno-lint-ignore require-await -- as above
    async stat(path) {
      const { kind, bytes } = mustFind(path);
      return { kind, bytes: bytes.length, modified: 0, mode: kind === "directory" ? 0o755 : 0o644 };
    },
    // deno-lint-ignore require-await -- as above
    async list(path, after, limit, signal) {
      signal.throwIfAborted();
      mustFind(path, "directory");
      return entriesOf(nodes, path).filter(({ name }) => name > after).slice(0, limit);
    },
    // deno-lint-ignore require-await -- as above
    async open(path, signal) {
      signal.throwIfAborted();
      return openNode(mustFind(path, "file"));
    },
    // deno-lint-ignore require-await -- as above
    async standing(path): Promise<Standing> {
      const node = find(path);
      return node === undefined ? { kind: "missing" } : { kind: node.kind, identity: node.identity };
    },
    watch(path) {
      check(path);
      return watchDisk(watchers, clock);
    },
  };
}

function openNode(node: Node): OpenFile {
  return {
    identity: node.identity,
    size: () => Promise.resolve(node.bytes.length),
    read: (offset, length) => Promise.resolve(node.bytes.slice(offset, offset + length)),
    close() {},
  };
}

function entriesOf(nodes: ReadonlyMap<string, Node>, folder: string): FolderEntry[] {
  const found = new Map<string, FolderEntry>();
  const start = folder === "/" ? 1 : folder.length + 1;
  for (const [path, node] of nodes) {
    if (path === folder || !isBelow(path, folder)) continue;
    const [name = "", ...below] = path.slice(start).split("/");
    found.set(name, { name, kind: below.length > 0 ? "directory" : node.kind });
  }
  return [...found.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}

function watchDisk(watchers: Set<() => void>, clock: Clock): Watch {
  const { ring, next } = createBell(clock);
  watchers.add(ring);
  return { next, close: () => void watchers.delete(ring) };
}

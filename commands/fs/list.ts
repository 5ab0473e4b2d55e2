/**
 * `fs.list`: the entries of a folder, in the order of their names, a page at a time.
 *
 * With `depth` a folder's entries follow it at once. A page ends at `limit` or where its answer would no longer fit a
 * record; it then says `cut`, and the next one goes on `after` its last path. Links are named, never followed. A folder
 * below that may not be read, or is gone by then, is named with its error; only the first one's error is the call's.
 */
import * as z from "zod/mini";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { type CommandContext, defineCommand, type Emission, type Outcome } from "../command.ts";
import type { Host } from "../host.ts";

const input = z.strictObject({
  path: z.string().check(z.minLength(1), z.describe("The folder's full path")),
  depth: z._default(z.int().check(z.minimum(0), z.maximum(LIMITS.listDepthMax)), 0)
    .check(z.describe("How many levels of folders below to list as well")),
  after: z._default(z.string(), "").check(z.describe("Go on after this path of an earlier answer")),
  limit: z._default(z.int().check(z.minimum(1), z.maximum(LIMITS.listEntriesMax)), LIMITS.listEntriesMax)
    .check(z.describe("Entries at most")),
});
type Input = z.infer<typeof input>;

const path = z.string().check(z.describe("From the listed folder on"));
const kind = z.enum(["file", "directory", "symlink", "other"]);
const entry = z.union([
  z.strictObject({ path, kind }),
  // Why this folder's own entries are missing.
  z.strictObject({ path, kind: z.literal("directory"), error: z.string() }),
]);
type Entry = z.infer<typeof entry>;

const result = z.strictObject({
  entries: z.array(entry),
  cut: z.boolean().check(z.describe("There is more: ask again with `after` the last path")),
});

/** The page so far. */
interface Page {
  host: Host;
  signal: AbortSignal;
  limit: number;
  entries: Entry[];
  /** Of its JSON text. */
  chars: number;
  cut: boolean;
}

// deno-lint-ignore require-yield -- the contract is a generator; this command only has an answer
async function* run(host: Host, input: Input, context: CommandContext): AsyncGenerator<Emission, Outcome, void> {
  const { path, depth, after, limit } = input;
  const page: Page = { host, signal: context.signal, limit, entries: [], chars: 0, cut: false };
  await listInto(page, path, "", depth, after === "" ? [] : after.split("/"));
  const { entries, cut } = page;
  return { ok: true, result: { entries, cut } };
}

/** Adds what comes after `after`, the names of a path below this folder. */
async function listInto(page: Page, path: string, prefix: string, depth: number, after: string[]): Promise<void> {
  const { host, signal, limit } = page;
  const [first = "", ...rest] = after;
  if (first !== "" && depth > 0) {
    // The page before ended inside or right before this folder's entries.
    await descend(page, path, `${prefix}${first}`, depth, rest);
    if (page.cut) return;
  }
  for (let from = first;;) {
    // One more than fits tells whether this is the end.
    const wanted = limit - page.entries.length + 1;
    const found = await host.files.list(path, from, wanted, signal);
    for (const { name, kind } of found) {
      const place = add(page, { path: `${prefix}${name}`, kind });
      if (place === undefined) return;
      if (kind === "directory" && depth > 0) await descend(page, path, `${prefix}${name}`, depth, [], place);
      if (page.cut) return;
      from = name;
    }
    if (found.length < wanted) return;
  }
}

/** Lists a folder below; whatever is wrong with it is told at its own entry, if that is on this page. */
async function descend(
  page: Page,
  parent: string,
  below: string,
  depth: number,
  after: string[],
  place?: number,
): Promise<void> {
  const name = below.slice(below.lastIndexOf("/") + 1);
  const path = parent === "/" ? `/${name}` : `${parent}/${name}`;
  try {
    await listInto(page, path, `${below}/`, depth - 1, after);
  } catch (cause) {
    if (!(cause instanceof JabberError) || page.signal.aborted) throw cause;
    if (place !== undefined) page.entries[place] = { path: below, kind: "directory", error: cause.code };
  }
}

/** The entry's place on the page, if there is room. */
function add(page: Page, entry: Entry): number | undefined {
  const chars = JSON.stringify(entry).length + ERROR_CHARS;
  if (page.entries.length >= page.limit || page.chars + chars > LIMITS.listAnswerCharsMax) {
    page.cut = true;
    return undefined;
  }
  page.chars += chars;
  return page.entries.push(entry) - 1;
}

/** Room for an error that a folder below may yet get, and for the comma. */
const ERROR_CHARS = 32;

export const fsList = defineCommand<Input>({
  key: "fs.list",
  access: 2,
  summary: "List a folder's entries in the order of their names",
  input,
  output: z.never(),
  result,
  positional: ["path"],
  run,
});

/** What the build's steps share: running Deno, hashing, temporary places, the one way to fail. */
import { createHash } from "node:crypto";

/** The repository's folder, with a final slash. */
export const ROOT: URL = new URL("../", import.meta.url);

/** A path inside the repository as the system writes it. */
export function inRepository(path: string): string {
  const url = new URL(path, ROOT);
  return decodeURIComponent(Deno.build.os === "windows" ? url.pathname.slice(1) : url.pathname);
}

/** A failure that the person at the keyboard can mend; printed without a stack. */
export class BuildError extends Error {
  override readonly name = "BuildError";
}

export interface Ran {
  ok: boolean;
  stdout: string;
  stderr: string;
}

/** Runs the Deno that runs the build, in the repository's folder. It is killed after `timeoutMs`. */
export async function runDeno(
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; timeoutMs?: number } = {},
): Promise<Ran> {
  const out = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: options.cwd ?? inRepository("."),
    env: { NO_COLOR: "1", RUST_BACKTRACE: "0", DENO_NO_UPDATE_CHECK: "1", ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...(options.timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(options.timeoutMs) }),
  }).output();
  const text = new TextDecoder();
  return { ok: out.success, stdout: text.decode(out.stdout), stderr: text.decode(out.stderr) };
}

export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** The file's text or bytes, or `undefined` when there is none. */
export async function readIfThere(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  }
}

/** Writes beside the place and renames, so that nobody ever sees half a file. */
export async function writeWhole(path: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  const temporary = `${path}.${Deno.pid}.tmp`;
  if (typeof data === "string") await Deno.writeTextFile(temporary, data, { mode });
  else await Deno.writeFile(temporary, data, { mode });
  await Deno.rename(temporary, path);
}

/** Reads configuration files from the disk. */
import { JabberError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

const WRITABLE_BY_OTHERS = 0o002;

/**
 * The text of a configuration file; `undefined` when it need not be there and is not.
 * @throws `config.missing`, `config.insecure`, `config.invalid`
 */
export function readConfigFile(path: string, mustExist: boolean): string | undefined {
  try {
    const { mode, size, isFile } = Deno.statSync(path);
    if (!isFile) throw new JabberError("config.missing", `"${path}" is no file`);
    if (mode !== null && (mode & WRITABLE_BY_OTHERS) !== 0) {
      throw new JabberError("config.insecure", `everybody may write "${path}"; run chmod o-w on it`);
    }
    return configText(path, size, () => Deno.readFileSync(path));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound && !mustExist) return undefined;
    if (cause instanceof JabberError) throw cause;
    const why = cause instanceof Error ? cause.name : String(cause);
    throw new JabberError("config.missing", `"${path}" (${why})`, undefined, { cause });
  }
}

/** As `readConfigFile`, for a thread that watches the file: fails for whatever reason. */
export function rereadConfigFile(path: string): string {
  const text = readConfigFile(path, true);
  if (text === undefined) throw new JabberError("config.missing", `"${path}"`);
  return text;
}

function configText(path: string, size: number, read: () => Uint8Array): string {
  if (size > LIMITS.configBytesMax) {
    throw new JabberError("config.invalid", `"${path}" is larger than ${LIMITS.configBytesMax / 1024 / 1024} MiB`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(read());
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new JabberError("config.invalid", `"${path}" is no UTF-8 text`, undefined, { cause });
  }
}

/** `null` where the platform has no modes, or there is no such file. */
export function fileMode(path: string): number | null {
  try {
    return Deno.statSync(path).mode;
  } catch {
    return null;
  }
}

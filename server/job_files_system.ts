/** Reads the job files that the configuration names. Whether they may be applied is for the core to say. */
import { isAbsolute, join } from "node:path";
import { JabberError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { ServerConfig } from "./config.ts";

/** What a configuration wants of the cluster's jobs; no owner and no files when it says nothing of them. */
export interface DesiredJobs {
  owner: string;
  files: { file: string; bytes: Uint8Array }[];
}

/**
 * Every named file, or none: half a list would make the other half look as if nobody named it.
 * @param folder where the configuration file lies
 * @throws `config.missing`, `config.invalid`
 */
export function readJobFiles(named: ServerConfig["jobs"], folder: string): DesiredJobs {
  if (named === undefined) return { owner: "", files: [] };
  const files = named.files.map((file) => ({ file, bytes: readJobFile(isAbsolute(file) ? file : join(folder, file)) }));
  return { owner: named.owner, files };
}

/** One job file. @throws `config.missing`, `config.invalid` */
export function readJobFile(path: string): Uint8Array {
  try {
    const { isFile, size } = Deno.statSync(path);
    // A pipe would keep the server waiting, and what is too large is no job.
    if (!isFile) throw new JabberError("config.invalid", `jobs: ${path} is no file`);
    if (size > LIMITS.orderBytesMax) throw new JabberError("config.invalid", `jobs: ${path} has ${size} bytes`);
    return Deno.readFileSync(path);
  } catch (cause) {
    if (cause instanceof JabberError) throw cause;
    const why = cause instanceof Error ? cause.name : String(cause);
    throw new JabberError("config.missing", `jobs: ${path} (${why})`, undefined, { cause });
  }
}

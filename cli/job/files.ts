/** Job files: signing them, and giving them the next serial. */
import { JabberError } from "../../base/errors.ts";
import { ANSWERS } from "../../server/core/requests.ts";
import type { JobRow } from "../../server/core/jobs/schemas.ts";
import { parseJob, sign, stripSignatures } from "../../wire/sign/mod.ts";
import { type Api, ServerRefusal } from "../api.ts";
import { readAuthorKey } from "../keys.ts";
import type { World } from "../world.ts";

export function jobPath(id: string): string {
  return `/v1/jobs/${encodeURIComponent(id)}`;
}

/** A job of the server with its document; undefined when it has none of that id. */
export async function findJob(api: Api, id: string) {
  try {
    const found = ANSWERS.job.parse(await api.ask({ method: "GET", path: jobPath(id) }));
    if (found.job.id === id) return found;
    throw new JabberError("script.mismatch", `job ${JSON.stringify(id)} was asked for, "${found.job.id}" came`);
  } catch (cause) {
    if (cause instanceof ServerRefusal && cause.code === "input.not_found") return undefined;
    throw cause;
  }
}

/** Signs files in place; with `api`, each first gets the serial that follows the server's, if it needs one. */
export async function signJobs(
  world: World,
  paths: readonly string[],
  keyPath: string | undefined,
  api: Api | undefined,
): Promise<void> {
  const key = await readAuthorKey(world, keyPath);
  for (const path of paths) {
    const bytes = await world.files.read(path);
    const ready = api === undefined ? bytes : await withNextSerial(world, api, bytes, path);
    const signed = sign(ready, "job", key, { at: world.clock.now() });
    await world.files.write(path, signed, { mode: await world.files.mode(path) ?? 0o644, overwrite: true });
    world.err(`signed ${path} as ${key.public.kid}\n`);
  }
}

async function withNextSerial(world: World, api: Api, bytes: Uint8Array, path: string): Promise<Uint8Array> {
  const { header, hash } = parseJob(bytes);
  const known = (await findJob(api, header.id))?.job;
  if (known === undefined || !needsSerial(known, header.serial, hash)) return bytes;
  const serial = known.serial + 1;
  world.err(`${path}: serial ${header.serial} → ${serial}\n`);
  return withSerial(bytes, serial);
}

function needsSerial(known: JobRow, serial: number, hash: string): boolean {
  return serial <= known.serial && hash !== known.hash;
}

/** The file with another serial; every signature was for the old one and goes. @throws when its serial stands in no line of its own */
export function withSerial(bytes: Uint8Array, serial: number): Uint8Array {
  const text = new TextDecoder().decode(stripSignatures(bytes, "job"));
  const changed = new TextEncoder().encode(text.replace(/^serial:[ \t]*\d+/m, `serial: ${serial}`));
  if (parseJob(changed).header.serial === serial) return changed;
  throw new JabberError("document.malformed", "write the serial in a line of its own, such as `serial: 1`");
}

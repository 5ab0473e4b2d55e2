/** The author's key: where it lies, and how it is read. */
import { JabberError } from "../base/errors.ts";
import { type PrivateKey, privateKeyFromPem } from "../wire/keys.ts";
import { configFolder } from "./context_file.ts";
import type { World } from "./world.ts";

/** Where `keygen` puts the key and everybody looks for it: `$JABBER_KEY`, else `author.key` in the config folder. */
export function defaultKeyPath(world: World): string {
  return world.env("JABBER_KEY") ?? `${configFolder(world)}/author.key`;
}

/**
 * The author's key. A key that others on this machine can read is refused, as ssh refuses it.
 * @throws `key.missing`, `key.exposed`, `key.malformed`, `file.unreadable`
 */
export async function readAuthorKey(world: World, path: string | undefined): Promise<PrivateKey> {
  const from = path ?? defaultKeyPath(world);
  const pem = await world.files.readIfThere(from);
  if (pem === undefined) throw new JabberError("key.missing", from);
  const mode = await world.files.mode(from);
  if (mode !== undefined && (mode & 0o077) !== 0) {
    throw new JabberError("key.exposed", `${from} has mode ${(mode & 0o777).toString(8)}`);
  }
  return privateKeyFromPem(pem);
}

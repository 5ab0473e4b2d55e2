/**
 * The rules of the key-value store, without its disk: what is there, which version it has, when it is full. One number
 * counts all writes, so that a key that was deleted and made again never has a version it had before.
 *
 * There is one store for an agent, not one for each signer: a script that a colleague signs again must find its values,
 * and an order must be able to look at them; whoever may act here is trusted by the host's owner. Begin keys with the
 * script's name.
 */
import { Buffer } from "node:buffer";
import { JabberError } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { KvEntry } from "../host.ts";

export const KV_KEY = /^[A-Za-z0-9._/-]{1,200}$/;

export interface KvTable {
  get(key: string): KvEntry | null;
  /** The new version. @throws `kv.conflict`, `kv.full`, `input.invalid`, `input.too_large` */
  set(key: string, value: Json, ifVersion: number | undefined): number;
  /** False when it was not there. @throws `kv.conflict` */
  delete(key: string, ifVersion: number | undefined): boolean;
  list(prefix: string, after: string, limit: number): string[];
  /** Of the last write. */
  version(): number;
}

/** @param version of the last write, that of a key which is gone included */
export function createKvTable(entries: Iterable<readonly [string, KvEntry]> = [], version = 0): KvTable {
  const table = new Map<string, KvEntry & { bytes: number }>();
  let bytes = 0;
  let last = version;
  for (const [key, entry] of entries) {
    const size = sizeOf(key, entry.value);
    table.set(key, { ...entry, bytes: size });
    bytes += size;
    last = Math.max(last, entry.version);
  }
  const checkVersion = (key: string, ifVersion: number | undefined): void => {
    const version = table.get(key)?.version ?? 0;
    if (ifVersion === undefined || ifVersion === version) return;
    throw new JabberError("kv.conflict", `"${key}" has version ${version}, not ${ifVersion}`, { version });
  };
  return {
    get(key) {
      const entry = table.get(key);
      return entry === undefined ? null : { value: entry.value, version: entry.version };
    },
    set(key, value, ifVersion) {
      if (!KV_KEY.test(key)) throw new JabberError("input.invalid", "a key is 1 to 200 of A-Z a-z 0-9 . _ / -");
      checkVersion(key, ifVersion);
      const size = sizeOf(key, value);
      if (size - key.length > LIMITS.kvValueBytesMax) {
        throw new JabberError("input.too_large", `the value of "${key}" has ${size - key.length} bytes of JSON`);
      }
      const old = table.get(key);
      const total = bytes + size - (old?.bytes ?? 0);
      if (old === undefined && table.size >= LIMITS.kvKeysMax) throw new JabberError("kv.full", `${table.size} keys`);
      if (total > LIMITS.kvBytesMax) throw new JabberError("kv.full", `${bytes} bytes are taken`);
      bytes = total;
      table.set(key, { value, version: ++last, bytes: size });
      return last;
    },
    delete(key, ifVersion) {
      checkVersion(key, ifVersion);
      const old = table.get(key);
      if (old === undefined) return false;
      table.delete(key);
      bytes -= old.bytes;
      last++;
      return true;
    },
    list(prefix, after, limit) {
      const found: string[] = [];
      for (const key of table.keys()) if (key.startsWith(prefix) && key > after) found.push(key);
      return found.sort().slice(0, limit);
    },
    version: () => last,
  };
}

function sizeOf(key: string, value: Json): number {
  return key.length + Buffer.byteLength(JSON.stringify(value), "utf8");
}

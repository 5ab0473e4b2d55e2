/**
 * The keyring of a server that runs: read from the key file at the start, changed by operators, kept in the store. The
 * file stays as it is: after a restart its keys open as well, but the key that was chosen last goes on sealing, and one
 * that was removed stays removed until it is added again.
 */
import { Buffer } from "node:buffer";
import { JabberError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import type { Row, Store } from "../../base/store.ts";
import { gossipKeyId, Keyring, parseKey, parseKeyring } from "../../cluster/swim/seal/mod.ts";
import type { GossipKey, GossipKeys } from "./face.ts";
import { allRows, type RowReader } from "../core/boot.ts";

/** Key id → {secret, primary} or {removed: true}. */
export const GOSSIP_KEYS_TABLE = "gossipKeys";

/** The keys of the file, and what operators made of them since. @throws `gossip.key_invalid`, those of the store */
export async function loadKeyring(
  security: Keyring["security"],
  fileText: string,
  store: RowReader,
): Promise<Keyring> {
  const inFile = parseKeyring(security, fileText).keys.map(({ bytes }) => bytes);
  const rows = await allRows(store, GOSSIP_KEYS_TABLE, "");
  const removed = new Set(rows.filter(({ row }) => row["removed"] === true).map(({ key }) => key));
  const primary = rows.filter(({ row }) => row["primary"] === true).flatMap(secretOf);
  const added = rows.flatMap(secretOf);
  const kept = [...primary, ...inFile, ...added].filter((bytes) => !removed.has(gossipKeyId(bytes)));
  // Whoever takes every key away means the file's.
  return new Keyring(security, kept.length > 0 ? kept : inFile);
}

function secretOf({ row }: Row): Uint8Array[] {
  return typeof row["secret"] === "string" ? [parseKey(row["secret"], "a stored key")] : [];
}

/** What operators may do with it; without a keyring gossip is not sealed. */
export function gossipKeys(keyring: Keyring | undefined, store: Pick<Store, "commit">): GossipKeys {
  const sealed = (): Keyring => {
    if (keyring === undefined) throw new JabberError("gossip.unsealed");
    return keyring;
  };
  const told = (id: string): GossipKey => ({ id, primary: sealed().primary.id === id });
  /** All of them: which one seals is a fact about each. */
  const save = async (removed?: string): Promise<void> => {
    const puts = sealed().keys.map(({ id, bytes }) => ({
      id,
      row: { secret: Buffer.from(bytes).toString("base64"), primary: sealed().primary.id === id } as JsonObject,
    }));
    if (removed !== undefined) puts.push({ id: removed, row: { removed: true } });
    await store.commit(puts.map(({ id, row }) => ({ op: "put", table: GOSSIP_KEYS_TABLE, key: id, row })));
  };
  return {
    list: () => keyring?.keys.map(({ id }) => told(id)) ?? [],
    async add(secret) {
      const { id } = sealed().add(parseKey(secret));
      await save();
      return told(id);
    },
    async use(id) {
      sealed().use(id);
      await save();
      return told(id);
    },
    async remove(id) {
      sealed().remove(id);
      await save(id);
    },
  };
}

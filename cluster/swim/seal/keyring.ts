/**
 * The pre-shared keys of gossip: the primary seals, all of them open. Changed live; the seals see it at once.
 * As text it is one base64 key a line, as `serf keygen` prints them, the primary first.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { JabberError } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import { toBase64url } from "../../../wire/base64url.ts";

export interface GossipKey {
  /** 8 characters that name the key and tell nothing of it. */
  readonly id: string;
  /** 16, 24 or 32. */
  readonly bytes: Uint8Array;
}

const KEY_BYTES: ReadonlySet<number> = new Set([16, 24, 32]);
const ID_BYTES = 6;
/** Longer than any key in base64. */
const LINE_CHARS_MAX = 64;

export class Keyring {
  /** The primary first. */
  #keys: readonly GossipKey[];

  /** Throws `key.malformed` for no key, a key that is none, or too many. */
  constructor(keys: readonly Uint8Array[]) {
    const unique = new Map(keys.map(gossipKey).map((key) => [key.id, key]));
    if (unique.size === 0) throw new JabberError("key.malformed", "the gossip keyring is empty");
    if (unique.size > LIMITS.gossipKeysMax) throw tooMany();
    this.#keys = [...unique.values()];
  }

  /** Another array after each change: whoever keeps things for each key compares it. */
  get keys(): readonly GossipKey[] {
    return this.#keys;
  }

  get primary(): GossipKey {
    return this.#keys[0]!;
  }

  /** Opens from now on. One that is there already stays as it is. Throws `key.malformed`. */
  add(bytes: Uint8Array): GossipKey {
    const key = gossipKey(bytes);
    const known = this.#keys.find(({ id }) => id === key.id);
    if (known !== undefined) return known;
    if (this.#keys.length === LIMITS.gossipKeysMax) throw tooMany();
    this.#keys = [...this.#keys, key];
    return key;
  }

  /** Seals from now on. Throws `input.not_found`. */
  use(id: string): void {
    const key = this.#known(id);
    this.#keys = [key, ...this.#keys.filter((other) => other !== key)];
  }

  /** Opens no longer. Throws `input.not_found`, and `input.conflict` for the primary. */
  remove(id: string): void {
    const key = this.#known(id);
    if (key === this.primary) {
      throw new JabberError("input.conflict", `the gossip key ${id} is in use: use another first`);
    }
    this.#keys = this.#keys.filter((other) => other !== key);
  }

  toText(): string {
    return this.#keys.map(({ bytes }) => `${Buffer.from(bytes).toString("base64")}\n`).join("");
  }

  #known(id: string): GossipKey {
    const key = this.#keys.find((each) => each.id === id);
    if (key === undefined) throw new JabberError("input.not_found", `no gossip key ${JSON.stringify(id.slice(0, 48))}`);
    return key;
  }
}

/** Reads a keyring's text. Throws `key.malformed`, and never says the key. */
export function parseKeyring(text: string): Keyring {
  return new Keyring(
    text.split("\n").flatMap((line, i) => line.trim() === "" ? [] : [parseKey(line.trim(), `line ${i + 1}`)]),
  );
}

/** Reads one key in base64, as it is typed. Throws `key.malformed`, and never says the key. */
export function parseKey(text: string, where = "the gossip key"): Uint8Array {
  const bytes = text.length <= LINE_CHARS_MAX ? Buffer.from(text, "base64") : Buffer.alloc(0);
  // Without this the decoder skips over what is no base64.
  if (bytes.toString("base64") !== text) throw new JabberError("key.malformed", `${where} is not base64`);
  return new Uint8Array(bytes);
}

function gossipKey(bytes: Uint8Array): GossipKey {
  if (!KEY_BYTES.has(bytes.length)) {
    throw new JabberError("key.malformed", `a gossip key has 16, 24 or 32 bytes, not ${bytes.length}`);
  }
  const digest = createHash("sha256").update("jabberwocky gossip key\n").update(bytes).digest();
  return { id: toBase64url(digest.subarray(0, ID_BYTES)), bytes: bytes.slice() };
}

function tooMany(): JabberError {
  return new JabberError(
    "key.malformed",
    `a gossip keyring has at most ${LIMITS.gossipKeysMax} keys: remove one first`,
  );
}

/**
 * The pre-shared keys of gossip: the primary seals, all of them open. Changed live; the seals see it at once.
 * As text it is one base64 key a line, as `serf keygen` prints them, the primary first.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { JabberError } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";

export interface GossipKey {
  /** 8 characters that name the key and tell nothing of it. */
  readonly id: string;
  /** 32 of them; for `aes-gcm` also 16 or 24. */
  readonly bytes: Uint8Array;
}

/** What the keys may be for. RFC 7518 §3.2: a key of HS256 has no less than 32 bytes. */
const KEY_BYTES = { "jws": [32], "aes-gcm": [16, 24, 32] } as const satisfies Record<string, readonly number[]>;
const ID_BYTES = 4;
/** Longer than any key in base64. */
const LINE_CHARS_MAX = 64;

export class Keyring {
  readonly security: keyof typeof KEY_BYTES;
  /** The primary first. */
  #keys: readonly GossipKey[];

  /** The first is the primary. Throws `gossip.key_invalid` for no key, a key of another length, or too many. */
  constructor(security: keyof typeof KEY_BYTES, keys: readonly Uint8Array[]) {
    this.security = security;
    const unique = new Map(keys.map((bytes) => this.#key(bytes)).map((key) => [key.id, key]));
    if (unique.size === 0) throw new JabberError("gossip.key_invalid", "the keyring is empty");
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

  /** Opens from now on. One that is there already stays as it is. Throws `gossip.key_invalid`. */
  add(bytes: Uint8Array): GossipKey {
    const key = this.#key(bytes);
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

  /** Opens no longer. Throws `input.not_found`, and `gossip.key_primary` for the primary. */
  remove(id: string): void {
    const key = this.#known(id);
    if (key === this.primary) throw new JabberError("gossip.key_primary", id);
    this.#keys = this.#keys.filter((other) => other !== key);
  }

  toText(): string {
    return this.#keys.map(({ bytes }) => `${Buffer.from(bytes).toString("base64")}\n`).join("");
  }

  #key(bytes: Uint8Array): GossipKey {
    const lengths: readonly number[] = KEY_BYTES[this.security];
    if (lengths.includes(bytes.length)) return { id: gossipKeyId(bytes), bytes: bytes.slice() };
    const wanted = `${this.security} takes ${lengths.join(", ")} bytes`;
    throw new JabberError("gossip.key_invalid", `it has ${bytes.length} bytes; ${wanted}`);
  }

  #known(id: string): GossipKey {
    const key = this.#keys.find((each) => each.id === id);
    if (key === undefined) throw new JabberError("input.not_found", `no gossip key ${JSON.stringify(id.slice(0, 48))}`);
    return key;
  }
}

/** Reads a keyring's text. Throws `gossip.key_invalid`, and never says the key. */
export function parseKeyring(security: Keyring["security"], text: string): Keyring {
  const lines = text.split("\n").map((line) => line.trim());
  return new Keyring(security, lines.flatMap((line, i) => line === "" ? [] : [parseKey(line, `line ${i + 1}`)]));
}

/** Reads one key in base64, as it is typed. Throws `gossip.key_invalid`, and never says the key. */
export function parseKey(text: string, where = "the text"): Uint8Array {
  const bytes = text.length <= LINE_CHARS_MAX ? Buffer.from(text, "base64") : Buffer.alloc(0);
  // Without this the decoder skips over what is no base64.
  if (bytes.length === 0 || bytes.toString("base64") !== text) {
    throw new JabberError("gossip.key_invalid", `${where} is not base64`);
  }
  return new Uint8Array(bytes);
}

/** Names a key: the start of a hash of it, in hex. */
export function gossipKeyId(bytes: Uint8Array): string {
  const digest = createHash("sha256").update("jabberwocky gossip key\n").update(bytes).digest();
  return digest.toString("hex", 0, ID_BYTES);
}

function tooMany(): JabberError {
  return new JabberError("gossip.key_invalid", `a keyring has at most ${LIMITS.gossipKeysMax} keys: remove one first`);
}

/**
 * Challenges: what a server answers to `POST /v1/agent/challenge`, before there is any session.
 *
 * A nonce proves itself, so an open challenge costs no memory: it holds a serial number, the time, chance and a MAC
 * under a secret that lives as long as the process. What must be remembered is only which serials were redeemed:
 * one bit each in a ring of `challengesOutstandingMax`. A flood of requests can make open challenges expire early
 * (after a million newer ones); it can neither fill memory nor make a nonce good twice.
 *
 * Time is the server's own on both ends. If its clock steps, challenges that are open expire and callers ask again.
 */
import { Buffer } from "node:buffer";
import { timingSafeEqual } from "node:crypto";
import * as z from "zod/mini";
import { rfc3339 } from "../../base/clock.ts";
import { ENGLISH } from "../../base/english.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Rng } from "../../base/rng.ts";
import { fromBase64url, toBase64url } from "../base64url.ts";
import { hmacSha256 } from "../hmac.ts";
import type { PrivateKey, PublicKey } from "../keys.ts";
import { nameFits } from "./names.ts";
import { clusterId, nonce as nonceSchema } from "./schemas.ts";
import { type NodeStatement, verifyNodeStatement } from "./statement.ts";

/** The answer to a challenge request. Nothing in it is signed but the statement; the welcome proof covers the rest. */
export const challengeSchema = z.object({
  nonce: nonceSchema,
  /** Thumbprint of the server's node key. */
  keyId: z.string().check(z.length(43)),
  node: z.string().check(z.maxLength(64)),
  cluster: clusterId,
  /** The server's node statement. */
  statement: z.string().check(z.maxLength(LIMITS.statementCharsMax)),
  /** RFC 3339, the server's clock. */
  time: z.string().check(z.maxLength(40)),
  expires: z.string().check(z.maxLength(40)),
});
export type Challenge = z.infer<typeof challengeSchema>;

/** What a server knows about itself. */
export interface NodeIdentity {
  cluster: string;
  node: string;
  key: PrivateKey;
  /** The node statement, compact JWS. */
  statement: string;
  /** The statement's names. */
  names: string[];
}

/** serial 6 · time 6 · chance 8 · MAC 16 bytes: 48 characters without padding. */
const BODY_BYTES = 20;
const MAC_BYTES = 16;
const MAC_LINE = "jabberwocky/challenge/v1\n";
const BUCKET_LINE = "jabberwocky/address/v1\n";

/** Hands out nonces and takes each back once. Nothing is kept for a nonce that nobody redeems. */
export class ChallengeBook {
  readonly #secret: Uint8Array;
  readonly #rng: Rng;
  readonly #window: number;
  readonly #redeemed: Uint8Array;
  #nextSerial = 0;
  /** Nonces that one address gets in a minute. */
  perAddressPerMinute: number = LIMITS.challengesPerAddressPerMinute;
  readonly #counts = new Uint16Array(LIMITS.challengeAddressBuckets);
  #minute = -1;

  /**
   * @param secret 32 random bytes of this process: never stored, never shared.
   * @param window how many challenges may be open at once.
   */
  constructor(secret: Uint8Array, rng: Rng, window: number = LIMITS.challengesOutstandingMax) {
    if (secret.length < 32) throw new JabberError("key.malformed", "a challenge secret has at least 32 bytes");
    this.#secret = secret;
    this.#rng = rng;
    this.#window = window;
    this.#redeemed = new Uint8Array(Math.ceil(window / 8));
  }

  /** A fresh nonce. `address` is the caller's IP address. Throws `auth.rate_limited`. */
  issue(address: string, now: number): string {
    this.#countAddress(address, now);
    const serial = this.#nextSerial++;
    this.#setRedeemed(serial, false);
    const nonce = Buffer.alloc(BODY_BYTES + MAC_BYTES);
    nonce.writeUIntBE(serial, 0, 6);
    nonce.writeUIntBE(Math.floor(now), 6, 6);
    nonce.set(this.#rng.bytes(8), 12);
    nonce.set(this.#mac(nonce.subarray(0, BODY_BYTES)), BODY_BYTES);
    return toBase64url(nonce);
  }

  /**
   * Throws unless the nonce is good now: `agent.challenge_unknown`, `…_expired`, `…_used`. Burns nothing; answers the
   * function that does, to be called in the same turn, once all else is right.
   */
  check(nonce: string, now: number): () => void {
    const serial = this.#serialOf(nonce, now);
    return () => this.#setRedeemed(serial, true);
  }

  /** Takes a nonce back: works once. Throws like `check`. */
  redeem(nonce: string, now: number): void {
    this.check(nonce, now)();
  }

  #serialOf(nonce: string, now: number): number {
    const decoded = nonce.length === 48 ? fromBase64url(nonce) : undefined;
    if (decoded === undefined) throw new JabberError("agent.challenge_unknown", "it has the wrong form");
    const bytes = Buffer.from(decoded.buffer);
    if (!timingSafeEqual(this.#mac(bytes.subarray(0, BODY_BYTES)), bytes.subarray(BODY_BYTES))) {
      throw new JabberError("agent.challenge_unknown", "another server made it, or this one before it was restarted");
    }
    const serial = bytes.readUIntBE(0, 6);
    const age = Math.floor(now) - bytes.readUIntBE(6, 6);
    if (age < 0 || age > LIMITS.challengeLifetimeMs || serial < this.#nextSerial - this.#window) {
      throw new JabberError("agent.challenge_expired", `it is ${age} ms old`);
    }
    if (this.#isRedeemed(serial)) throw new JabberError("agent.challenge_used");
    return serial;
  }

  #isRedeemed(serial: number): boolean {
    const slot = serial % this.#window;
    return (this.#redeemed[slot >> 3]! & (1 << (slot & 7))) !== 0;
  }

  #setRedeemed(serial: number, to: boolean): void {
    const slot = serial % this.#window;
    const bit = 1 << (slot & 7);
    const held = this.#redeemed[slot >> 3]!;
    this.#redeemed[slot >> 3] = to ? held | bit : held & ~bit;
  }

  #mac(body: Uint8Array): Uint8Array {
    return hmacSha256(this.#secret, MAC_LINE, body).subarray(0, MAC_BYTES);
  }

  #countAddress(address: string, now: number): void {
    const minute = Math.floor(now / 60_000);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#counts.fill(0);
    }
    // Keyed, so that nobody can choose an address that shares a victim's counter.
    const hash = hmacSha256(this.#secret, BUCKET_LINE, networkOf(address));
    const bucket = hash.readUInt32BE(0) % this.#counts.length;
    if (this.#counts[bucket]! >= this.perAddressPerMinute) {
      throw new JabberError("auth.rate_limited", `"${address}" asked ${this.#counts[bucket]} times in a minute`);
    }
    this.#counts[bucket]!++;
  }
}

/** The challenge to answer with. */
export function makeChallenge(self: NodeIdentity, nonce: string, now: number): Challenge {
  return {
    nonce,
    keyId: self.key.public.kid,
    node: self.node,
    cluster: self.cluster,
    statement: self.statement,
    time: rfc3339(now),
    expires: rfc3339(now + LIMITS.challengeLifetimeMs),
  };
}

/** What a caller demands of a challenge. */
export interface ChallengeDemand {
  caKey: PublicKey;
  cluster: string;
  /** The caller's own clock; used for the statement's expiry alone. */
  now: number;
  /** `dialledName(url)`. */
  dialled: string;
  /** Set when one certain server was meant, as after a redirect. */
  node?: string;
  revoked?: ReadonlySet<string>;
}

/**
 * Reads a server's answer and checks it before anything is signed.
 * Throws `frame.malformed`, `server.statement_*`, `server.wrong_name`, `server.revoked`.
 */
export function openChallenge(body: unknown, demand: ChallengeDemand): { nonce: string; statement: NodeStatement } {
  const read = challengeSchema.safeParse(body, ENGLISH);
  if (!read.success) throw new JabberError("frame.malformed", `challenge: ${z.prettifyError(read.error)}`);
  const { nonce, node, keyId, cluster } = read.data;
  const statement = verifyNodeStatement(read.data.statement, demand);
  if (statement.node !== node || statement.key.kid !== keyId || statement.cluster !== cluster) {
    throw new JabberError(
      "server.statement_invalid",
      `the challenge names "${node}", its statement "${statement.node}"`,
    );
  }
  if (demand.node !== undefined && demand.node !== node) {
    throw new JabberError("server.wrong_name", `"${demand.node}" was meant, "${node}" answered`);
  }
  if (!nameFits(statement.names, demand.dialled)) {
    throw new JabberError("server.wrong_name", `"${demand.dialled}" is none of ${statement.names.join(", ")}`);
  }
  return { nonce, statement };
}

/** The part of an address that one subscriber holds: all of IPv4, the first 64 bits of IPv6. */
export function networkOf(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [head = "", tail = ""] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  const rest = tail === "" ? [] : tail.split(":");
  if (address.includes("::")) {
    groups.push(...Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill("0"), ...rest);
  }
  return groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16)).join(":");
}

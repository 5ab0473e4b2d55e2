/**
 * Ids that follow from a key: nobody hands them out, nobody can take another's, and they are never reused.
 *
 * An id is `agent-` or `node-` and 26 base32 characters: the first 130 bits of the SHA-256 thumbprint (RFC 7638).
 * To pass for an existing id somebody needs a second preimage: 2^130 tries. Two keys of one's own with one id cost
 * about 2^65 tries; they gain nothing, because servers keep the whole public key beside the id and compare that.
 */
import { type PublicJwk, thumbprintBytes } from "../keys.ts";

/** RFC 4648, lower case. */
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const ID_CHARS = 26;
const AGENT_ID = /^agent-[a-z2-7]{26}$/;

/** The id of the agent that holds this key. */
export function agentIdOf(jwk: PublicJwk): string {
  return `agent-${shortName(jwk)}`;
}

/** The id of the server that holds this key. */
export function nodeIdOf(jwk: PublicJwk): string {
  return `node-${shortName(jwk)}`;
}

export function isAgentId(text: string): boolean {
  return AGENT_ID.test(text);
}

function shortName(jwk: PublicJwk): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of thumbprintBytes(jwk)) {
    held = (held << 8) | byte;
    bits += 8;
    for (; bits >= 5 && text.length < ID_CHARS; bits -= 5) text += ALPHABET[(held >> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
    if (text.length === ID_CHARS) break;
  }
  return text;
}

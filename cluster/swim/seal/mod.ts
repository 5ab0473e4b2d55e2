import { JabberError } from "../../../base/errors.ts";
import { isLoopbackName } from "../../../wire/identity/names.ts";
import { AesSeal } from "./aes_seal.ts";
import type { Seal, SealOptions } from "./contract.ts";
import { JwsSeal } from "./jws_seal.ts";
import { NoneSeal } from "./none_seal.ts";

export * from "./contract.ts";
export { type GossipKey, gossipKeyId, Keyring, parseKey, parseKeyring } from "./keyring.ts";

/**
 * Makes a member's seal. Throws `input.invalid` for `none` off loopback, `gossip.key_invalid` for a keyring of another
 * security, RangeError for a name or boot of another length.
 */
export function createSeal(options: SealOptions): Seal {
  if (options.security === "none") {
    const { listen } = options;
    if (isLoopbackName(listen.includes(":") ? `[${listen}]` : listen)) return new NoneSeal();
    throw new JabberError("input.invalid", `gossip that is not sealed stays on loopback, and ${listen} is not there`);
  }
  const { security, keyring } = options;
  if (keyring.security !== security) {
    throw new JabberError("gossip.key_invalid", `the keyring is for ${keyring.security}, not ${security}`);
  }
  return options.security === "jws" ? new JwsSeal(options) : new AesSeal(options);
}

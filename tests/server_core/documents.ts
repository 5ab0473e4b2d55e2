/** Signed scripts and orders for tests, and a trust list that knows their signer. */
import { rfc3339 } from "../../base/clock.ts";
import type { JsonObject } from "../../base/json.ts";
import { type PrivateKey, privateKeyFromSeed } from "../../wire/keys.ts";
import { composeOrder, composeScript, sign, type TrustList } from "../../wire/sign/mod.ts";
import { NOON } from "./hand_driver.ts";

export const AUTHOR = privateKeyFromSeed(new Uint8Array(32).fill(1));
export const STRANGER = privateKeyFromSeed(new Uint8Array(32).fill(2));

export const TRUST: TrustList = {
  signers: [{ key: AUTHOR.public.kid, x: AUTHOR.public.jwk.x, name: "ada" }],
  revoked: [],
  rules: [],
};

/** A signed script; `fields` win over the defaults. */
export function script(
  fields: JsonObject = {},
  body = "output.emit({ok: true});\n",
  key: PrivateKey = AUTHOR,
): Uint8Array {
  const header = { name: "report", access: 1, uses: ["output.emit"], ...fields };
  return sign(composeScript(header, body), "script", key, { at: NOON });
}

/** A signed order for everybody, good for an hour. */
export function order(id: string, fields: JsonObject = {}, key: PrivateKey = AUTHOR): Uint8Array {
  const header = {
    kind: "order",
    id,
    cluster: "home",
    does: "command:sys.facts",
    selector: "",
    notBefore: rfc3339(NOON),
    notAfter: rfc3339(NOON + 3600_000),
    ...fields,
  };
  return sign(composeOrder(header), "order", key, { at: NOON });
}

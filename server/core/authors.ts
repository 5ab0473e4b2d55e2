/** Who signed a document, as people know them. */
import type { Core } from "./state.ts";

/** The names of signers by this server's trust list; a key that is not in it any more stands for itself. */
export function authorsOf({ deps }: Pick<Core, "deps">, signers: readonly string[]): string[] {
  return signers.map((key) => deps.trust.signers.find((signer) => signer.key === key)?.name ?? key);
}

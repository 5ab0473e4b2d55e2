/**
 * A pinned CA has to be the only one. The runtime adds the CAs that a client names to roots of its own (Mozilla's, or the
 * system's), so that any public CA could vouch for a server. It reads which roots when the first connection is made, from
 * two variables of the environment: those are set here.
 */

/** From here on nothing is trusted but what a client itself names. Call it before the first TLS connection. */
export function trustNoRoots(): void {
  // A list of no names; the empty text would mean "not set" on some platforms.
  Deno.env.set("DENO_TLS_CA_STORE", ",");
  Deno.env.delete("DENO_CERT");
}

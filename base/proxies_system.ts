/**
 * An agent speaks to whom its files name, and to nobody in between. The runtime sends every request through the proxies
 * that the environment names when a client is made, and has no option against it, so they are taken out of it.
 */

const NAMES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] as const;

/** From here on no request takes a proxy. Call it before the first one, and before Workers are made. */
export function useNoProxies(): void {
  for (const name of NAMES) {
    Deno.env.delete(name);
    Deno.env.delete(name.toLowerCase());
  }
}

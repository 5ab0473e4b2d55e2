/**
 * The wall around the network: which addresses `http.fetch` may speak to. A rule is a host, or a host and a port; both
 * stand for themselves alone: no subdomain, no other spelling. Names are compared as the URL standard writes them.
 *
 * What a name leads to is DNS's word, here as in Deno's permission, which the runtime asks by name as well: whoever
 * rules a name that the policy allows decides which address is spoken to, inside the owner's network too. `host:port`
 * bounds it to that port, `https:` to whoever has the name's certificate.
 */
import { JabberError } from "../../base/errors.ts";
import { quoted } from "./quote.ts";

/** A rule as the policy writes it, in its one spelling; `null` when it is none. */
export function readHostRule(text: string): string | null {
  const found = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)(?::([1-9]\d{0,4}))?$/.exec(text);
  if (found === null) return null;
  const [, host = "", port] = found;
  if (port !== undefined && Number(port) > 65_535) return null;
  const url = URL.parse(`http://${host}/`);
  if (url === null) return null;
  return port === undefined ? url.hostname : `${url.hostname}:${port}`;
}

/** @throws `policy.host_refused` */
export function checkHost(url: URL, rules: readonly string[]): void {
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  if (rules.includes(url.hostname) || rules.includes(`${url.hostname}:${port}`)) return;
  throw new JabberError("policy.host_refused", quoted(`${url.hostname}:${port}`));
}

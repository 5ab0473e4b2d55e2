/** Where an answer sends on to, and what goes along. Whether the policy allows that address, the host decides anew. */
import { JabberError } from "../../base/errors.ts";
import type { HttpRequest, HttpResponse } from "../host.ts";

/** One request of a chain. */
export interface Hop extends Omit<HttpRequest, "url" | "timeoutMs"> {
  url: URL;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What is said to whoever is asked; everything else may be a secret between the script and the first address. */
const FOR_ALL = /^(?:accept(?:-.*)?|user-agent|content-type|content-language|cache-control|range|if-.*)$/;

/** The request that the answer asks for, if it is a redirect. @throws `http.redirect` for one that is not followed */
export function nextHop(hop: Hop, { status, headers }: Pick<HttpResponse, "status" | "headers">): Hop | undefined {
  if (!REDIRECTS.has(status)) return undefined;
  const location = headers.find(([name]) => name === "location")?.[1];
  if (location === undefined) return undefined;
  const refuse = (why: string): JabberError => new JabberError("http.redirect", `${hop.url.origin} sends on to ${why}`);
  const url = URL.parse(location, hop.url.href);
  if (url === null || !/^https?:$/.test(url.protocol)) throw refuse("what is no http: or https: address");
  if (url.username !== "" || url.password !== "") throw refuse("an address with credentials in it");
  if (hop.url.protocol === "https:" && url.protocol === "http:") throw refuse(`${url.origin}, without TLS`);
  url.hash = "";
  const kept = url.origin === hop.url.origin ? hop.headers : hop.headers.filter(([name]) => FOR_ALL.test(name));
  const asGet = status === 303 ? hop.method !== "HEAD" : status < 303 && hop.method === "POST";
  if (asGet) return { url, method: "GET", headers: kept.filter(([name]) => !name.startsWith("content-")) };
  return { ...hop, url, headers: kept };
}

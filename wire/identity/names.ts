/**
 * The names a server answers to, and the name a caller dialled.
 *
 * A name is `host` (every port of it) or `host:port`; IPv6 addresses stand in brackets. A caller signs the name it
 * dialled, so a stranger in the middle cannot pass the claim on: the server at the far end does not have that name.
 */
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";

const NAME = /^(\[[0-9a-f:.]+\]|[^\s:/\\?#@[\]%]+)(?::([0-9]{1,5}))?$/i;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "ws:": "80", "https:": "443", "wss:": "443" };

/** The one spelling of a name: lower case, IPv6 compressed and in brackets. Throws `input.invalid`. */
export function normaliseName(name: string): string {
  const bare = /^[0-9a-f.]*:[0-9a-f.]*:[0-9a-f:.]*$/i.test(name) ? `[${name}]` : name;
  const match = bare.length <= LIMITS.nodeNameCharsMax ? NAME.exec(bare) : null;
  const host = match?.[1] === undefined ? null : URL.parse(`http://${match[1]}/`)?.hostname;
  const port = match?.[2];
  if (!host || Number(port ?? 1) < 1 || Number(port ?? 1) > 65535) {
    throw new JabberError(
      "input.invalid",
      `${JSON.stringify(name.slice(0, 80))} is not host, host:port or [IPv6]:port`,
    );
  }
  return port === undefined ? host : `${host}:${Number(port)}`;
}

/** `host:port` of a URL to dial (http, https, ws, wss), default ports spelled out. Throws `input.invalid`. */
export function dialledName(url: string): string {
  const parsed = URL.parse(url);
  const port = parsed?.port || DEFAULT_PORTS[parsed?.protocol ?? ""];
  if (!parsed?.hostname || port === undefined) {
    throw new JabberError("input.invalid", `${JSON.stringify(url.slice(0, 80))} is not an http, https, ws or wss URL`);
  }
  return `${parsed.hostname}:${port}`;
}

/**
 * The name to check a server's certificate against: pass it as `servername` whenever `ws` dials. For an IP address
 * `ws` leaves it empty, and the runtime then takes any certificate for "localhost", which every server has.
 */
export function tlsServerName(url: string): string {
  return dialledName(url).replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

/** Whether `dialled` (host:port) is one of the names. */
export function nameFits(names: readonly string[], dialled: string): boolean {
  const host = dialled.slice(0, dialled.lastIndexOf(":"));
  return names.includes(dialled) || names.includes(host);
}

/** Whether a name means "this very host", wherever it is said. */
export function isLoopbackName(name: string): boolean {
  const host = name.startsWith("[") ? name.slice(0, name.indexOf("]") + 1) : name.split(":")[0]!;
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127\.[0-9.]+$/.test(host) ||
    /^\[::ffff:7f[0-9a-f]{2}:[0-9a-f]{1,4}\]$/.test(host);
}

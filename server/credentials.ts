/**
 * When the papers end that a server proves itself with: its TLS certificate, its node statement, the CA's certificate.
 * Nobody connects to a server whose papers have ended, so it says so while there is time: in the log at the start and
 * once a day, and in /metrics always.
 */
import { X509Certificate } from "node:crypto";
import { rfc3339 } from "../base/clock.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
const DAY_MS = 24 * 3600_000;

export interface Credential {
  name: "tls_certificate" | "node_statement" | "ca_certificate";
  /** Milliseconds since the epoch. */
  ends: number;
}

const TITLES: Readonly<Record<Credential["name"], string>> = {
  tls_certificate: "the TLS certificate",
  node_statement: "the node statement",
  ca_certificate: "the CA's certificate",
};

/** When a certificate ends; nothing for what cannot be read: the listener judges that. */
export function certificateEnd(name: Credential["name"], pem: string): Credential[] {
  try {
    return [{ name, ends: Date.parse(new X509Certificate(pem).validTo) }];
  } catch {
    return [];
  }
}

/** Logs what ends within `certificateWarnMs`. */
export function warnOfEnds(credentials: readonly Credential[], now: number, log: Log): void {
  for (const { name, ends } of credentials) {
    const left = ends - now;
    if (left >= LIMITS.certificateWarnMs) continue;
    log(left > 0 ? "warn" : "error", `${TITLES[name]} ${left > 0 ? "ends soon" : "has ended"}`, {
      ends: rfc3339(ends),
      days: Math.floor(left / DAY_MS),
      next: `run \`jabber server renew\`${name === "ca_certificate" ? " with --ca" : ""} where the CA's key lies`,
    });
  }
}

/** The addresses a server listens on. */
import { JabberError } from "../base/errors.ts";

/** Splits `host:port`; IPv6 in brackets. @throws `config.invalid` */
export function parseListen(text: string): { hostname: string; port: number } {
  const found = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text);
  const port = Number(found?.[3]);
  if (found === null || port > 65535) {
    throw new JabberError("config.invalid", `listen: ${JSON.stringify(text)} is not host:port`);
  }
  return { hostname: found[1] ?? found[2]!, port };
}

/** Whether an address never leaves the machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/i.test(hostname);
}

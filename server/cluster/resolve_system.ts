/** Addresses of other servers, as people write them. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { JabberError } from "../../base/errors.ts";
import type { Endpoint } from "../../cluster/swim/messages.ts";
import { parseListen } from "../listen.ts";

/** `host:port` with an address or a name; every address of a name. @throws `config.invalid`, `net.unreachable` */
export async function resolveEndpoint(text: string): Promise<Endpoint[]> {
  const { hostname, port } = parseListen(text);
  if (isIP(hostname) !== 0) return [{ address: hostname, port }];
  const found = await lookup(hostname, { all: true }).catch((cause) => {
    throw new JabberError("net.unreachable", `${hostname} has no address (${cause.code})`, undefined, { cause });
  });
  return found.map(({ address }) => ({ address, port }));
}

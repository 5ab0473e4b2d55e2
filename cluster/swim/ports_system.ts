/** The two sockets of gossip, on one port. */
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Endpoint } from "./messages.ts";
import { at } from "./tap.ts";
import { bindUdp, type UdpHandlers, type UdpSocket } from "./udp_system.ts";

export interface Ports {
  readonly udp: UdpSocket;
  readonly listener: Deno.TcpListener;
  readonly port: number;
}

/**
 * Listens on both; port 0 takes one that is free for both.
 * @throws `net.port_in_use`, or the system's error for an address that is not of this host
 */
export async function openPorts(listen: Endpoint, on: UdpHandlers): Promise<Ports> {
  for (let tried = 1;; tried++) {
    let listener: Deno.TcpListener | undefined;
    try {
      listener = Deno.listen({ hostname: listen.address, port: listen.port });
      const { port } = listener.addr;
      return { udp: await bindUdp({ address: listen.address, port }, on), listener, port };
    } catch (cause) {
      listener?.close();
      if (!isInUse(cause)) throw cause;
      // Only a port that the system chose may be another one: it was free for TCP alone.
      if (listen.port !== 0 || tried === LIMITS.gossipPortTriesMax) {
        throw new JabberError("net.port_in_use", at(listen), undefined, { cause });
      }
    }
  }
}

function isInUse(cause: unknown): boolean {
  return cause instanceof Deno.errors.AddrInUse || (cause as { code?: unknown }).code === "EADDRINUSE";
}

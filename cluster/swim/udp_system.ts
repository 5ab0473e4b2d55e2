/**
 * Datagrams over one UDP socket. Nothing here throws for what the network does: what cannot be sent is lost and counted
 * under a code, as a datagram may be lost anywhere. Sends are bounded; what is received is handed on at once, so nothing
 * queues but in the system's own buffer, which drops what it cannot hold.
 */
import { Buffer } from "node:buffer";
import dgram from "node:dgram";
import { isIPv4, isIPv6 } from "node:net";
import { LIMITS } from "../../base/limits.ts";
import type { Endpoint } from "./messages.ts";
import { dialled } from "./packet/address.ts";

export interface UdpHandlers {
  /** The bytes are the receiver's own. */
  packet(bytes: Uint8Array, from: Endpoint): void;
  /** `udp.busy`, `udp.address`, `udp.failed`. */
  count(code: string): void;
}

export interface UdpSocket {
  readonly port: number;
  send(bytes: Uint8Array, to: Endpoint): void;
  close(): Promise<void>;
}

/** How IPv4 is written where IPv6 listens for both. */
const MAPPED = "::ffff:";

/** @throws Error when the address is taken or not of this host */
export async function bindUdp({ address, port }: Endpoint, on: UdpHandlers): Promise<UdpSocket> {
  const isSix = isIPv6(address);
  // Addresses are literals: nothing is ever looked up.
  const socket = dgram.createSocket({
    type: isSix ? "udp6" : "udp4",
    lookup: (host, _options, done) => done(null, host, isSix ? 6 : 4),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind({ port, address, exclusive: true }, () => {
      socket.off("error", reject);
      resolve();
    });
  });
  socket.on("error", () => on.count("udp.failed"));
  socket.on("message", (bytes, { address, port }) => {
    // Each comes in a buffer as large as any datagram; what is kept of a small one must not keep all that.
    const own = new Uint8Array(bytes.length);
    own.set(bytes);
    on.packet(own, { address: dialled(address), port });
  });
  let sending = 0;
  let isOpen = true;
  return {
    port: socket.address().port,
    send(bytes, to) {
      if (!isOpen) return;
      if (sending >= LIMITS.gossipSendsMax) return on.count("udp.busy");
      const address = reachable(to.address, isSix);
      if (address === undefined || to.port === 0) return on.count("udp.address");
      sending++;
      try {
        socket.send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), to.port, address, (fault) => {
          sending--;
          if (fault !== null && isOpen) on.count("udp.failed");
        });
      } catch {
        sending--;
        on.count("udp.failed");
      }
    },
    close: () => {
      isOpen = false;
      return new Promise((resolve) => socket.close(() => resolve()));
    },
  };
}

/** The address as this socket takes it; `undefined` for one that it cannot reach. */
function reachable(address: string, isSix: boolean): string | undefined {
  const plain = dialled(address);
  if (isIPv4(plain)) return isSix ? MAPPED + plain : plain;
  return isSix && isIPv6(plain) ? plain : undefined;
}

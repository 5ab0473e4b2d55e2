/** What a server is told: by flags, by its environment, by `jabber-server.yaml`, in that precedence. */
import { type Layers, readConfig, type Reading } from "../base/config/read.ts";
import type { ConfigOf } from "../base/config/table.ts";
import { SERVER_KEYS } from "./config_table.ts";
import { isLoopback, parseListen } from "./listen.ts";

export { isLoopback, parseListen };

export type ServerConfig = ConfigOf<typeof SERVER_KEYS>;
export type ServerReading = Reading<typeof SERVER_KEYS>;

/** Addresses that mean every one of the host's. */
const UNSPECIFIED: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/** Reads all layers; every fault is in the answer. */
export function readServerConfig(layers: Layers): ServerReading {
  const reading = readConfig(SERVER_KEYS, layers);
  if (reading.faults.length > 0) return reading;
  const { listen, tls, gossip } = reading.config;
  if (tls === undefined) refuseOpen(reading, "listen", listen, "tls is not set");
  if (
    gossip?.listen !== undefined && gossip.advertise === undefined &&
    UNSPECIFIED.has(parseListen(gossip.listen).hostname)
  ) {
    reading.faults.push({
      code: "config.missing_key",
      key: "gossip.advertise",
      at: reading.origins.get("gossip.listen") ?? { kind: "default" },
      what: `is missing: ${JSON.stringify(gossip.listen)} is every address of this host, and others must dial one`,
    });
  }
  if (gossip?.security === "none") {
    refuseOpen(reading, "gossip.listen", gossip.listen, "gossip.security is none");
    refuseOpen(reading, "gossip.advertise", gossip.advertise, "gossip.security is none");
  }
  return reading;
}

/** What leaves the machine must be protected. */
function refuseOpen(reading: ServerReading, key: string, address: string | undefined, why: string): void {
  if (address === undefined || isLoopback(parseListen(address).hostname)) return;
  reading.faults.push({
    code: "config.insecure",
    key,
    at: reading.origins.get(key) ?? { kind: "default" },
    what: `is ${JSON.stringify(address)}, which is no loopback address, and ${why}`,
  });
}

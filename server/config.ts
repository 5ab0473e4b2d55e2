/** What a server is told: by flags, by its environment, by `jabber-server.yaml`, in that precedence. */
import { type Layers, readConfig, type Reading } from "../base/config/read.ts";
import type { ConfigOf } from "../base/config/table.ts";
import { SERVER_KEYS } from "./config_table.ts";
import { isLoopback, parseListen } from "./listen.ts";

export { isLoopback, parseListen };

export type ServerConfig = ConfigOf<typeof SERVER_KEYS>;
export type ServerReading = Reading<typeof SERVER_KEYS>;

/** Reads all layers; every fault is in the answer. */
export function readServerConfig(layers: Layers): ServerReading {
  const reading = readConfig(SERVER_KEYS, layers);
  const { listen } = reading.config;
  if (reading.faults.length === 0 && reading.config.tls === undefined && !isLoopback(parseListen(listen).hostname)) {
    reading.faults.push({
      code: "config.insecure",
      key: "listen",
      at: reading.origins.get("listen") ?? { kind: "default" },
      what: `is ${JSON.stringify(listen)}, which is no loopback address, and tls is not set`,
    });
  }
  return reading;
}

/** `jabber-server service install|uninstall`: what a server's unit needs to know of its configuration. */
import { dirname } from "node:path";
import { LIMITS } from "../base/limits.ts";
import { service, serviceFlags } from "../base/service/service_system.ts";
import { parseListen } from "./config.ts";
import { readConfig } from "./config_system.ts";

/** How much longer than its store's deadline a server may take to stop. */
const STOP_MARGIN_MS = 20_000;

/** Answers what to print. @throws `service.*`, `config.*`, `file.unreadable` */
export function serverService(args: readonly string[]): string {
  const flags = serviceFlags("jabber-server", args);
  const stopSeconds = (LIMITS.storeEndMsMax + STOP_MARGIN_MS) / 1000;
  if (flags.action === "uninstall") {
    return service("jabber-server", flags, { role: "server", writable: [], stopSeconds });
  }
  const { port } = parseListen(readConfig(flags.config).listen);
  const folderOfKeys = dirname(flags.config);
  return service("jabber-server", flags, { role: "server", writable: [], stopSeconds, port, folderOfKeys });
}

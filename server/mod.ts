/**
 * The face of the server, for those who run one inside a process of their own:
 *
 * ```ts
 * const settings = loadSettings({ config: "cluster/jabber-server.yaml" }, Date.now());
 * const store = await threadStore({ dataDir: settings.dataDir, storeId, onDeath });
 * const server = await startServer({ settings, store, clock: systemClock, rng: systemRng, log: stderrLog("info") });
 * await server.stop();
 * ```
 */
export { loadSettings, type ServerFlags, type Settings } from "./config_system.ts";
export { type RunningServer, type ServerParts, startServer } from "./server.ts";
export { type ThreadStore, threadStore } from "./storage/thread_store.ts";
export { systemClock } from "../base/clock_system.ts";
export { systemRng } from "../base/rng_system.ts";
export { stderrLog } from "../base/log_system.ts";
export { UlidMaker } from "../base/ids.ts";

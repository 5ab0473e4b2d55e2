/**
 * memberlist's presets (config.go: LAN, WAN, local). Failed members are tried as often as serf does, but for as long as
 * the catalog's tombstones last and not for one day: a cluster that was parted over a weekend heals by itself.
 */
import type { SwimSettings } from "./contract.ts";

const ALL_OF_LIFEGUARD = { health: true, suspicion: true, buddy: true };

/** One room or region: a failed member is known in about ten seconds. */
export const LAN: SwimSettings = {
  probeIntervalMs: 1000,
  probeTimeoutMs: 500,
  indirectChecks: 3,
  retransmitMult: 4,
  suspicionMult: 4,
  suspicionMaxTimeoutMult: 6,
  gossipIntervalMs: 200,
  gossipNodes: 3,
  gossipToTheDeadMs: 30_000,
  pushPullIntervalMs: 30_000,
  awarenessMax: 8,
  tcpTimeoutMs: 10_000,
  tcpFallbackPing: true,
  lifeguard: ALL_OF_LIFEGUARD,
  packetBytesMax: 1400,
  forgetDeadMs: 7 * 24 * 3600_000,
  reconnectIntervalMs: 30_000,
};

/** Between regions: slower, and surer. */
export const WAN: SwimSettings = {
  ...LAN,
  tcpTimeoutMs: 30_000,
  suspicionMult: 6,
  pushPullIntervalMs: 60_000,
  probeTimeoutMs: 3000,
  probeIntervalMs: 5000,
  gossipNodes: 4,
  gossipIntervalMs: 500,
  gossipToTheDeadMs: 60_000,
};

/** One host: demonstrations and tests. */
export const LOCAL: SwimSettings = {
  ...LAN,
  tcpTimeoutMs: 1000,
  indirectChecks: 1,
  retransmitMult: 2,
  suspicionMult: 3,
  pushPullIntervalMs: 15_000,
  probeTimeoutMs: 200,
  gossipIntervalMs: 100,
  gossipToTheDeadMs: 15_000,
};

export const PRESETS = { lan: LAN, wan: WAN, local: LOCAL } as const;

/** The same without Lifeguard and what goes beyond it: for comparison only. */
export function plainSwim(settings: SwimSettings): SwimSettings {
  return { ...settings, lifeguard: { health: false, suspicion: false, buddy: false } };
}

/** Gossip within its bounds: datagrams, queues, what a copy of the catalog holds, and what is sent when nothing happens. */
import { LIMITS } from "../../../base/limits.ts";
import type { SwimSettings } from "../../../cluster/swim/contract.ts";
import type { ClusterNode } from "../nodes/cluster_node.ts";
import type { GossipTraffic } from "../world/gossip_network.ts";
import { must } from "./failure.ts";
import type { Ledger } from "./ledger.ts";

/** A probe and its answer, both ways, with what rides along at the worst. */
const PROBE_BYTES_MAX = 600;
/** Of one key: the winner and its losers, and what waits to be told. */
const QUEUED_PER_KEY = 2;

export function checkDatagram(name: string, bytes: number, { packetBytesMax }: SwimSettings): void {
  must("bounds", bytes <= packetBytesMax, () => `${name} sends a datagram of ${bytes} bytes`);
}

export function checkLife({ seat, membership, core }: ClusterNode, ledger: Ledger, keys: number): void {
  const { name } = seat;
  const queued = membership.queued();
  must(
    "bounds",
    queued <= QUEUED_PER_KEY * keys + LIMITS.catalogGossipEntriesMax,
    () => `${name} has ${queued} messages to gossip about ${keys} things`,
  );
  const { records, losers, logs, bytes, waiting } = core.catalog.size();
  must(
    "bounds",
    records <= keys && losers <= LIMITS.catalogLosersPerKeyMax * keys,
    () => `${name} holds ${records} records and ${losers} losers of ${keys} keys`,
  );
  must("bounds", logs <= ledger.logs, () => `${name} knows ${logs} logs, and there are ${ledger.logs}`);
  must("bounds", bytes <= (records + losers) * ENTRY_BYTES_MAX, () => `${name} holds ${bytes} bytes of records`);
  must("bounds", waiting <= LIMITS.catalogQueueMax, () => `${name} has ${waiting} pieces waiting for its disk`);
}

/** No simulated record is larger: scripts are the largest. */
const ENTRY_BYTES_MAX = 8 * 1024;

/** @param ms that nothing has happened for */
export function checkRest(
  before: GossipTraffic,
  after: GossipTraffic,
  servers: number,
  ms: number,
  every: number,
): void {
  const most = servers * (ms / every + 1) * 2 * PROBE_BYTES_MAX;
  const sent = after.bytes - before.bytes;
  must("bounds", sent <= most, () => `${servers} servers at rest have sent ${sent} bytes in ${ms / 1000} s`);
}

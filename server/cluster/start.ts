/** Puts a server's part in its cluster together: keyring, seal, gossip's ports, catalog and facts. */
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Rng } from "../../base/rng.ts";
import type { Store } from "../../base/store.ts";
import { VERSION } from "../../base/version.ts";
import { CATALOG_TABLES } from "../../cluster/catalog/contract.ts";
import { createCatalogCore } from "../../cluster/catalog/core.ts";
import { createFacts } from "../../cluster/facts/core.ts";
import type { NodeState } from "../../cluster/node/contract.ts";
import { createNodeCore } from "../../cluster/node/core.ts";
import { roomIn } from "../../cluster/node/room.ts";
import { startGossip } from "../../cluster/swim/driver_system.ts";
import type { Endpoint } from "../../cluster/swim/messages.ts";
import { PRESETS } from "../../cluster/swim/presets.ts";
import { createSeal, type Keyring, type Seal } from "../../cluster/swim/seal/mod.ts";
import { at } from "../../cluster/swim/tap.ts";
import { type NodeIdentity, readConnectProof, verifyNodeStatement } from "../../wire/identity/mod.ts";
import type { PublicKey } from "../../wire/keys.ts";
import { allRows } from "../core/boot.ts";
import { gossipKeys, loadKeyring } from "./gossip_keys.ts";
import { ClusterPart, ROLE } from "./part.ts";

/** What the configuration says of gossip, its files read. */
export interface GossipSettings {
  readonly listen: Endpoint;
  readonly advertise: Endpoint | undefined;
  /** `host:port` each. */
  readonly join: readonly string[];
  readonly security: "jws" | "aes-gcm" | "none";
  readonly profile: keyof typeof PRESETS;
  readonly compress: boolean;
  /** The text of the key file. */
  readonly keys: string;
}

export interface ClusterParts {
  readonly self: NodeIdentity;
  readonly caKey: PublicKey;
  /** Thumbprints of node keys that count no more. */
  readonly revoked: ReadonlySet<string>;
  /** Where agents and operators reach this server; the first is told to the others. */
  readonly http: readonly string[];
  readonly gossip: GossipSettings;
  readonly store: Store;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
}

const BOOT_BYTES = 8;

/** Boots the catalog from the store and opens gossip's ports. @throws `net.port_in_use`, `gossip.key_invalid`, `store.*` */
export async function startCluster(parts: ClusterParts): Promise<ClusterPart> {
  const { gossip: settings, store, self, clock, rng, log, http } = parts;
  const { security, listen, advertise, compress } = settings;
  const keyring = security === "none" ? undefined : await loadKeyring(security, settings.keys, store);
  const seal = makeSeal(parts, keyring);
  const preset = PRESETS[settings.profile];
  const part = new ClusterPart({
    node: self.node,
    store,
    clock,
    log,
    join: settings.join,
    keys: gossipKeys(keyring, store),
  });
  const gossip = await startGossip({
    name: self.node,
    listen,
    ...(advertise !== undefined && { advertise }),
    settings: preset,
    seal,
    compress,
    tags: { role: ROLE, version: VERSION, ...(http[0] !== undefined && { http: http[0] }) },
    incarnation: 1,
    clock,
    rng,
    above: part,
    on: part,
  });
  const { gossipBytesMax, messageBytesMax } = roomIn(seal.roomFor(preset.packetBytesMax));
  const known = knownServers(parts);
  const catalog = createCatalogCore({
    cluster: self.cluster,
    node: self.node,
    key: self.key,
    rng,
    keyOf: (node) => known.keyOf(node, catalog.get("node", node)?.value?.["statement"]),
    readStatement: known.read,
    verifyProof: (jws) => orUndefined(() => readConnectProof(jws, { cluster: self.cluster })),
    gossipBytesMax,
  });
  const node = createNodeCore({
    node: self.node,
    statement: self.statement,
    catalog,
    facts: createFacts({ self: self.node, endpoint: gossip.endpoint, rng }),
    messageBytesMax,
    describe: (state: NodeState) => ({
      state,
      version: VERSION,
      gossip: at(gossip.endpoint),
      ...(http[0] !== undefined && { http: http[0] }),
    }),
  });
  const [record, loser, logs, own] = await Promise.all(
    (["record", "loser", "log", "self"] as const).map((table) => allRows(store, CATALOG_TABLES[table], "")),
  );
  part.boot(gossip, node, { record: record!, loser: loser!, log: logs!, self: own! });
  return part;
}

function makeSeal({ gossip, self, rng }: ClusterParts, keyring: Keyring | undefined): Seal {
  if (keyring === undefined) return createSeal({ security: "none", listen: gossip.listen.address });
  if (keyring.security === "aes-gcm") return createSeal({ security: "aes-gcm", keyring, rng });
  const boot = rng.bytes(BOOT_BYTES);
  return createSeal({ security: "jws", cluster: self.cluster, name: self.node, boot, keyring, rng });
}

/** The keys of servers, by the statements that the cluster's CA made about them. */
function knownServers({ self, caKey, revoked }: ClusterParts) {
  /** Statement → what it says; a statement never says anything else. */
  const read = new Map<string, { node: string; key: PublicKey } | undefined>();
  const readStatement = (jws: string) => {
    // An expired statement still says whose key it was: records outlive it. So its time is not held against it.
    if (!read.has(jws)) {
      read.set(jws, orUndefined(() => verifyNodeStatement(jws, { caKey, cluster: self.cluster, now: 0 })));
    }
    return read.get(jws);
  };
  return {
    read: readStatement,
    keyOf(node: string, statement: unknown): PublicKey | undefined {
      const found = readStatement(node === self.node || typeof statement !== "string" ? self.statement : statement);
      return found?.node === node && !revoked.has(found.key.kid) ? found.key : undefined;
    },
  };
}

function orUndefined<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

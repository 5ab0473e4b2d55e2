/**
 * Another server of a cluster that is there: its own key, statement and certificate, and what all servers share. Made
 * where the CA's key lies, from the files of a server that has them; nothing here touches a disk.
 */
import type { Rng } from "../../base/rng.ts";
import { type GossipFacts, type ServerConfigFacts, serverConfigText } from "./config_text.ts";
import { type InitOptions, type MaterialFile, nodeMaterial, placeOf } from "./init.ts";
import { loadCa } from "./x509_system.ts";

export interface AnotherOptions extends Pick<InitOptions, "now" | "names" | "listen" | "advertise"> {
  readonly rng: Rng;
  /** What every server of the cluster has. */
  readonly shared: Pick<ServerConfigFacts, "cluster" | "users" | "tokens" | "signers" | "revoked"> & {
    readonly caPem: string;
    readonly caKey: string;
    readonly gossipKey: string;
    readonly operatorSecret: string;
  };
  readonly gossip: GossipFacts;
}

/** Its files, without the CA's key. Throws `input.invalid` for a bad name or URL, `key.malformed` or `cluster.other_ca_key` for a bad CA key. */
export async function anotherServer(
  { now, rng, shared, gossip, ...where }: AnotherOptions,
): Promise<{ node: string; advertise: string[]; files: MaterialFile[] }> {
  const { cluster, users, tokens, signers, revoked = [] } = shared;
  const place = placeOf(where);
  const { node, files } = await nodeMaterial(
    loadCa(shared.caPem, shared.caKey),
    { cluster, names: place.names, now },
    rng,
  );
  const { listen, advertise } = place;
  const config = serverConfigText({
    cluster,
    node,
    listen,
    advertise,
    users,
    tokens,
    signers,
    revoked,
    gossip,
    holdsCaKey: false,
  });
  return {
    node,
    advertise,
    files: [
      { path: "jabber-server.yaml", mode: 0o600, text: config },
      { path: "cluster-ca.pem", mode: 0o644, text: shared.caPem },
      ...files,
      { path: "gossip.key", mode: 0o600, text: shared.gossipKey },
      { path: "operator-secret", mode: 0o600, text: shared.operatorSecret },
    ],
  };
}

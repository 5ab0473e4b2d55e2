/** The text of a first `jabber-server.yaml`, for people to read and edit. The server's own table of keys checks it. */

/** What goes into it; everything else stands in files beside it. */
export interface ServerConfigFacts {
  cluster: string;
  node: string;
  listen: string;
  advertise: readonly string[];
  users: readonly { name: string; role: string; bcrypt: string }[];
  tokens: readonly { id: string; hash: string; expires: string; uses?: number | undefined }[];
  signers: readonly { name: string; key: string }[];
  /** Thumbprints of keys that count no more. */
  revoked?: readonly string[];
  /** Where other servers reach this one, and whom it joins; without it the server is alone. */
  gossip?: GossipFacts;
  /** The CA's key lies beside the file. */
  holdsCaKey: boolean;
}

export interface GossipFacts {
  /** `host:port` */
  listen: string;
  join: readonly string[];
  /** What all servers of a cluster must have alike; written down only where it is given. */
  security?: string;
  profile?: string;
  compress?: boolean;
}

const CA_KEY_LINES = `  # Signs certificates and node statements: only on the first server, better on none.
  caKeyFile: cluster-ca.key
`;

/** YAML text. Scalars are spelled as JSON, which YAML reads as it is. */
export function serverConfigText(facts: ServerConfigFacts): string {
  return `# A Jabberwocky server. Paths are relative to this file.
cluster:
  id: ${quote(facts.cluster)}
  caFile: cluster-ca.pem
${facts.holdsCaKey ? CA_KEY_LINES : ""}node:
  id: ${quote(facts.node)}
  keyFile: node.key
  statementFile: node-statement.jws
listen: ${quote(facts.listen)}
# Where agents and operators reach this server.
advertise:${list(facts.advertise)}
tls:
  certFile: tls.pem
  keyFile: tls.key
data: ./data
auth:
  # Signs operators' tokens; the same on every server.
  secretFile: operator-secret
  users:${list(facts.users)}
join:
  # Only hashes: the token's text is shown once.
  tokens:${list(facts.tokens)}
gossip:
  keyFile: gossip.key
  # Where other servers reach this one, UDP and TCP, and whom to join. Without \`listen\` this server is alone.
${gossipLines(facts.gossip)}
trust:
  # The persons whose signatures make agents act.
  signers:${list(facts.signers)}
  revoked:${list(facts.revoked ?? [])}
`;
}

function gossipLines(gossip: GossipFacts | undefined): string {
  if (gossip === undefined) return `  # listen: 10.0.0.1:7946\n  # join: ["10.0.0.2:7946"]`;
  const { listen, join, ...alike } = gossip;
  const more = Object.entries(alike).map(([name, value]) => `\n  ${name}: ${quote(value)}`);
  return `  listen: ${quote(listen)}\n  join:${list(join)}${more.join("")}`;
}

/** A block list; a record's members stand below each other. */
function list(items: readonly (string | Readonly<Record<string, unknown>>)[]): string {
  if (items.length === 0) return " []";
  return items.map((item) => {
    const lines = typeof item === "string"
      ? [quote(item)]
      : Object.entries(item).flatMap(([name, value]) => value === undefined ? [] : [`${name}: ${quote(value)}`]);
    return `\n    - ${lines.join("\n      ")}`;
  }).join("");
}

function quote(value: unknown): string {
  return JSON.stringify(value);
}

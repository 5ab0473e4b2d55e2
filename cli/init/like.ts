/** `jabber init --like`: one more server of a cluster, made where the CA's key lies, from the files of a server it has. */
import * as z from "zod/mini";
import { JabberError } from "../../base/errors.ts";
import { sanitizeLine } from "../../base/sanitize.ts";
import { anotherServer, type GossipFacts } from "../../cluster/ca/mod.ts";
import { parseListen, type ServerConfig } from "../../server/config.ts";
import { caKeyOf, CONFIG, faultless, readServer, readServerFolder, writeMaterial } from "./files.ts";
import type { World } from "../world.ts";

export interface LikeOptions {
  /** The folder of a server that is there, or its configuration. */
  readonly like: string;
  readonly listen: string;
  readonly name?: string[] | undefined;
  readonly advertise?: string[] | undefined;
  readonly gossip?: string | undefined;
  readonly join?: string[] | undefined;
  readonly caKey?: string | undefined;
}

const ADDRESS = z.union([z.ipv4(), z.ipv6()]);
/** Sections that a further server has of its own, or shares with the first; the rest is for its owner to write. */
const MADE = /^(?:cluster|node|listen|advertise|tls|data|auth|join|gossip|trust)\b/;

/** Makes the folder. @throws `input.usage`, `input.conflict`, `config.*`, `cluster.no_ca_key`, `cluster.other_ca_key`, `key.malformed` */
export async function initLike(world: World, folder: string, options: LikeOptions): Promise<void> {
  const first = await readServerFolder(world, options.like);
  const { config } = first.reading;
  if (config.gossip === undefined) throw new JabberError("config.missing", `${options.like} names no gossip.keyFile`);
  const gossip = gossipFor(config, options);
  const made = await anotherServer({
    now: world.clock.now(),
    rng: world.rng,
    listen: options.listen,
    ...(options.name && { names: options.name }),
    ...(options.advertise && { advertise: options.advertise }),
    gossip,
    shared: {
      cluster: config.cluster.id,
      users: config.auth.users,
      tokens: config.join.tokens,
      signers: config.trust.signers,
      revoked: config.trust.revoked,
      caPem: await first.text(config.cluster.caFile),
      caKey: await caKeyOf(world, options.caKey ?? first.path(config.cluster.caKeyFile ?? "cluster-ca.key")),
      gossipKey: await first.text(config.gossip.keyFile),
      operatorSecret: await first.text(config.auth.secretFile),
    },
  });
  // What the flags said is checked by the server's own table before anything is written.
  const text = made.files.find(({ path }) => path === CONFIG)!.text;
  faultless(readServer(text, `${folder}/${CONFIG}`));
  await writeMaterial(world, folder, made.files);
  const foreign = [...first.reading.origins].filter(([key, { kind }]) => kind === "file" && !MADE.test(key));
  world.err(
    `Server ${made.node} of cluster ${config.cluster.id}, in ${folder}.\n` +
      (foreign.length === 0 ? "" : `Not taken over: ${sanitizeLine(foreign.map(([key]) => key).join(", "))}\n`) +
      `\nNext:\n` +
      `  move ${folder} to its host, with its modes: it holds keys\n` +
      `  jabber-server --config ${folder}/${CONFIG}\n` +
      (gossip.join.length === 0 ? "  jabber server join HOST:PORT   # of any other server\n" : "") +
      `  jabber server ls\n`,
  );
  world.out(`${folder}/${CONFIG}\n`);
}

/** Whom to join, unless it is said: the server whose files these are. */
function gossipFor({ gossip }: ServerConfig, options: LikeOptions): GossipFacts {
  const { gossip: listen } = options;
  if (listen === undefined) {
    throw new JabberError("input.usage", "--like needs --gossip HOST:PORT: where other servers reach the new one");
  }
  demandAddress(listen);
  const near = gossip?.advertise ?? gossip?.listen;
  const join = options.join ?? (near === undefined || parseListen(near).port === 0 ? [] : [near]);
  if (options.join === undefined && near === undefined) {
    throw new JabberError(
      "input.usage",
      `${options.like} does not listen for gossip: set gossip.listen there, or say with --join whom to join`,
    );
  }
  return {
    listen,
    join,
    ...(gossip !== undefined && gossip.security !== "jws" && { security: gossip.security }),
    ...(gossip !== undefined && gossip.profile !== "lan" && { profile: gossip.profile }),
    ...(gossip?.compress === false && { compress: false }),
  };
}

/** Gossip is dialled by what stands here, so a name will not do, nor an address that means all. @throws `input.usage` */
export function demandAddress(listen: string): void {
  const host = /^\[?([^\]]*)\]?:\d+$/.exec(listen)?.[1] ?? "";
  if (ADDRESS.safeParse(host).success && host !== "0.0.0.0" && host !== "::") return;
  throw new JabberError(
    "input.usage",
    `--gossip ${JSON.stringify(listen)} is not ADDRESS:PORT with an address of this host that others can dial`,
  );
}

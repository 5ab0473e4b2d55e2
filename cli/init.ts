import { Option } from "@commander-js/extra-typings";
import { initMaterial, type InitOptions } from "../cluster/ca/mod.ts";
import { JabberError } from "../base/errors.ts";
import { collect } from "./text/format_option.ts";
import { configFolder } from "./context_file.ts";
import { writeMaterial } from "./init/files.ts";
import { demandAddress, initLike } from "./init/like.ts";
import { publicKeyToText } from "../wire/keys.ts";
import { defaultKeyPath, readAuthorKey } from "./keys.ts";
import type { Register } from "./verb.ts";
import type { World } from "./world.ts";

export const initVerb: Register = (program, world) => {
  program.command("init")
    .description(
      "Makes a cluster: its CA, keys, first user, first join token and first server; or one more server of it.",
    )
    .argument("[folder]", "where everything goes", ".")
    .option("--listen <host:port>", "where the server listens", "127.0.0.1:7431")
    .option("--name <host>", "a host name or address under which the server is reached; may repeat", collect)
    .option("--advertise <url>", "a URL under which it is reached; may repeat (default: made from --name)", collect)
    .option("--user <name>", "the first user", "admin")
    .option("--password-file <file>", "read the password here instead of making one")
    .option(
      "--author <ed25519:…>",
      "the public key of the first author (default: your author key; made when there is none)",
    )
    .option("--gossip <host:port>", "where other servers reach this one, UDP and TCP (default: it stands alone)")
    .option(
      "--join <host:port>",
      "where another server's gossip listens; may repeat (default: the one of --like)",
      collect,
    )
    .addOption(
      new Option("--like <folder>", "make one more server of the cluster of the server whose files are there")
        .conflicts(["user", "passwordFile", "author"]),
    )
    .option("--ca-key <file>", "with --like: where the CA's key lies (default: where that server's configuration says)")
    .addHelpText(
      "after",
      "\nExamples:\n  jabber init ./cluster --name jabber1.example.org --listen 0.0.0.0:7431" +
        "\n  jabber init ./server1 --listen 127.0.0.1:7431 --gossip 127.0.0.1:7946" +
        "\n  jabber init ./server2 --like ./server1 --listen 127.0.0.1:7432 --gossip 127.0.0.1:7947",
    )
    .action(async (folder, options) => {
      const { like, gossip, join } = options;
      if (like !== undefined) return await initLike(world, folder, { ...options, like });
      if (gossip !== undefined) demandAddress(gossip);
      else if (join !== undefined) throw new JabberError("input.usage", "--join needs --gossip HOST:PORT");
      if (options.caKey !== undefined) throw new JabberError("input.usage", "--ca-key goes with --like");
      await initFirst(world, folder, options);
    });
};

interface FirstOptions {
  readonly listen: string;
  readonly user: string;
  readonly name?: string[] | undefined;
  readonly advertise?: string[] | undefined;
  readonly passwordFile?: string | undefined;
  readonly author?: string | undefined;
  readonly gossip?: string | undefined;
  readonly join?: string[] | undefined;
}

/** A cluster's first server. */
async function initFirst(world: World, folder: string, options: FirstOptions): Promise<void> {
  const { gossip, join = [] } = options;
  const { files, summary } = await initMaterial({
    now: world.clock.now(),
    rng: world.rng,
    listen: options.listen,
    operator: await operatorOf(world, options),
    ...(options.name && { names: options.name }),
    ...(options.advertise && { advertise: options.advertise }),
    ...(gossip !== undefined && { gossip: { listen: gossip, join } }),
  });
  if (files.some(({ path }) => path === AUTHOR_KEY)) await world.files.makeFolder(configFolder(world), 0o700);
  const place = (path: string) => path === AUTHOR_KEY ? defaultKeyPath(world) : `${folder}/${path}`;
  await writeMaterial(world, folder, files, place);
  const url = summary.advertise[0]!;
  world.err(
    `Cluster ${summary.cluster}, server ${summary.node}, in ${folder}.\n` +
      (summary.password === undefined ? "" : `Password of ${summary.operator}: ${summary.password}  (shown once)\n`) +
      `Author: ${summary.signer}\n` +
      (options.author === undefined ? `Author key: ${defaultKeyPath(world)} (yours; servers never need it)\n` : "") +
      `\nNext:\n` +
      `  jabber-server --config ${folder}/jabber-server.yaml\n` +
      `  jabber login ${url} --ca ${folder}/cluster-ca.pem --user ${summary.operator}\n` +
      `  jabber-agent --data ./agent --token-file ${folder}/join-token.txt\n` +
      `With ${folder}/cluster-pin.txt in place of the token, an agent waits for \`jabber agent approve\`.\n` +
      `Keep ${folder}/cluster-ca.key offline: it vouches for servers, and none needs it to run.\n`,
  );
  // The path, not the secret: what is printed ends up in scrollback and logs.
  world.out(`${folder}/join-token.txt\n`);
}

/** The signer is not the server: this one file never lies among the server's. */
const AUTHOR_KEY = "author.key";

async function operatorOf(
  world: World,
  options: { user: string; passwordFile?: string | undefined; author?: string | undefined },
): Promise<NonNullable<InitOptions["operator"]>> {
  const password = options.passwordFile === undefined
    ? undefined
    : new TextDecoder().decode(await world.files.read(options.passwordFile)).trim();
  const author = options.author ?? await ownPublicKey(world);
  return {
    name: options.user,
    ...(password !== undefined && { password }),
    ...(author !== undefined && { publicKey: author }),
  };
}

/** Who has an author key already is the first author with that one. */
async function ownPublicKey(world: World): Promise<string | undefined> {
  if (!await world.files.exists(defaultKeyPath(world))) return undefined;
  return publicKeyToText((await readAuthorKey(world, undefined)).public);
}

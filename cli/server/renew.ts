/** `jabber server renew`: a server's papers once more, made where the CA's key lies, from the server's own folder. */
import { rfc3339 } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import { renewal } from "../../cluster/ca/mod.ts";
import { caKeyOf, readServerFolder } from "../init/files.ts";
import type { World } from "../world.ts";

export interface RenewOptions {
  readonly caKey?: string | undefined;
  readonly ca?: true | undefined;
}

/** Writes over the files that the configuration names. @throws `config.*`, `cluster.no_ca_key`, `cluster.other_ca_key`, `key.malformed` */
export async function renewServer(world: World, folder: string, options: RenewOptions): Promise<void> {
  const server = await readServerFolder(world, folder);
  const { cluster, node, tls } = server.reading.config;
  const made = await renewal({
    now: world.clock.now(),
    rng: world.rng,
    cluster: cluster.id,
    caPem: await server.text(cluster.caFile),
    caKey: await caKeyOf(world, options.caKey ?? server.path(cluster.caKeyFile ?? "cluster-ca.key")),
    nodeKey: await server.text(node.keyFile),
    statement: await server.text(node.statementFile),
    tlsPem: tls && await server.text(tls.certFile),
    ca: options.ca === true,
  });
  if (made.node !== node.id) {
    throw new JabberError("config.invalid", `node.id is ${JSON.stringify(node.id)}, its statement says ${made.node}`);
  }
  const places: Record<string, string | undefined> = {
    "node-statement.jws": node.statementFile,
    "tls.pem": tls?.certFile,
    "tls.key": tls?.keyFile,
    "cluster-ca.pem": cluster.caFile,
  };
  const written: string[] = [];
  for (const { path, mode, text } of made.files) {
    const place = server.path(places[path] ?? path);
    await world.files.write(place, text, { mode, overwrite: true });
    written.push(place);
  }
  world.err(
    `Server ${made.node} of cluster ${cluster.id} is good until ${rfc3339(made.ends)}.\n` +
      (tls !== undefined && !made.tls ? `${server.path(tls.certFile)} is another CA's; it was left as it is.\n` : "") +
      (made.caEnds < made.ends
        ? `The CA's certificate ends before, on ${rfc3339(made.caEnds)}: renew with --ca.\n`
        : "") +
      `\nNext:\n` +
      `  restart the server: agents connect again by themselves, nobody has to join anew\n` +
      (options.ca ? `  copy ${server.path(cluster.caFile)} into every other server's folder and restart those\n` : "") +
      `  jabber doctor\n`,
  );
  for (const place of written) world.out(`${place}\n`);
}

/**
 * The papers of a server once more: statement and TLS certificate for the key and the names that it has, made where the
 * CA's key lies. Nobody who knows the server has to learn anything: its id stays, and so does what is pinned. Also the
 * CA's own certificate, for the same key and under the same name: whoever pinned the one before goes on with it, since
 * what is pinned is taken for that key and that name. Nothing here touches a disk.
 */
import { X509Certificate } from "node:crypto";
import { JabberError } from "../../base/errors.ts";
import type { Rng } from "../../base/rng.ts";
import { verifyNodeStatement } from "../../wire/identity/mod.ts";
import { privateKeyFromPem } from "../../wire/keys.ts";
import { type MaterialFile, nodeMaterial } from "./init.ts";
import { createCa, loadCa } from "./x509_system.ts";

export interface RenewalOptions {
  readonly now: number;
  readonly rng: Rng;
  readonly cluster: string;
  readonly caPem: string;
  readonly caKey: string;
  readonly nodeKey: string;
  readonly statement: string;
  /** The server's TLS certificate; one of another CA is not replaced. Absent for a server without TLS. */
  readonly tlsPem: string | undefined;
  /** The CA's certificate as well. */
  readonly ca: boolean;
}

export interface Renewal {
  node: string;
  names: string[];
  /** When what was made ends, milliseconds since the epoch. */
  ends: number;
  caEnds: number;
  /** False where another CA's certificate was left alone. */
  tls: boolean;
  /** By the names that `jabber init` gives them. */
  files: MaterialFile[];
}

/** @throws `key.malformed`, `cluster.other_ca_key`, `server.statement_invalid`, `config.invalid` when key and statement are not one server's */
export async function renewal(options: RenewalOptions): Promise<Renewal> {
  const { now, rng, cluster, tlsPem } = options;
  const old = loadCa(options.caPem, options.caKey);
  const ca = options.ca ? await createCa(nameOf(options.caPem), old.key, now, rng) : old;
  const key = privateKeyFromPem(options.nodeKey);
  // Also one that has ended says what it was about.
  const { node, names, key: stated } = verifyNodeStatement(options.statement.trim(), {
    caKey: old.key.public,
    cluster,
    now: 0,
  });
  if (stated.kid !== key.public.kid) {
    throw new JabberError("config.invalid", `node: the key is not the one of the statement of "${node}"`);
  }
  const made = await nodeMaterial(ca, { cluster, names, now, key }, rng);
  const tls = tlsPem !== undefined && isOf(options.caPem, tlsPem);
  const wanted = (path: string) => path === "node-statement.jws" || (tls && path.startsWith("tls."));
  const files = made.files.filter(({ path }) => wanted(path));
  if (options.ca) files.push({ path: "cluster-ca.pem", mode: 0o644, text: ca.certPem });
  const statement = files.find(({ path }) => path === "node-statement.jws")!.text.trim();
  return {
    node,
    names,
    ends: verifyNodeStatement(statement, { caKey: old.key.public, cluster, now }).expires,
    caEnds: Date.parse(new X509Certificate(ca.certPem).validTo),
    tls,
    files,
  };
}

function isOf(caPem: string, certPem: string): boolean {
  return new X509Certificate(certPem).verify(new X509Certificate(caPem).publicKey);
}

function nameOf(caPem: string): string {
  const { subject } = new X509Certificate(caPem);
  const name = /^CN=([^\n]+)$/.exec(subject)?.[1];
  if (name === undefined) throw new JabberError("key.malformed", `the CA certificate was not made here: ${subject}`);
  return name;
}

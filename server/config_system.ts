/** Reads the configuration and every file it names, once, at the start. */
import { dirname, isAbsolute, join } from "node:path";
import { exposedFault, faultsError } from "../base/config/faults.ts";
import { fileMode, readConfigFile } from "../base/config/file_system.ts";
import type { FlagValues } from "../base/config/read.ts";
import { envNames } from "../base/config/table.ts";
import { readYaml } from "../base/config/yaml.ts";
import { JabberError } from "../base/errors.ts";
import { type NodeIdentity, verifyNodeStatement } from "../wire/identity/mod.ts";
import { isIP } from "node:net";
import type { Endpoint } from "../cluster/swim/messages.ts";
import type { GossipSettings } from "./cluster/start.ts";
import { privateKeyFromPem, type PublicKey, publicKeyFromText, publicKeyOf, secretFromText } from "../wire/keys.ts";
import { parseTrustList, type TrustList } from "../wire/sign/mod.ts";
import { X509Certificate } from "node:crypto";
import { certificateEnd, type Credential } from "./credentials.ts";
import { parseListen, readServerConfig, type ServerConfig, type ServerReading } from "./config.ts";
import { SERVER_KEYS } from "./config_table.ts";
import { type DesiredJobs, readJobFiles } from "./job_files_system.ts";

/** What the flags said, each by its name in camel case; each wins over the file. */
export type ServerFlags = FlagValues & { config: string };

/** Everything a server needs to know before it starts. */
export interface Settings {
  config: ServerConfig;
  self: NodeIdentity;
  listen: { hostname: string; port: number };
  tls: { cert: string; key: string } | undefined;
  /** What ends one day. */
  credentials: Credential[];
  dataDir: string;
  operatorSecret: Uint8Array;
  trust: TrustList;
  /** The CA's key, and thumbprints of keys that count no more. */
  caKey: PublicKey;
  revoked: ReadonlySet<string>;
  /** Absent when this server is alone. */
  gossip: GossipSettings | undefined;
  /** The job files that the configuration names, as they are. */
  jobs: DesiredJobs;
  /** The configuration's file, its folder, and what it held. */
  file: string;
  folder: string;
  text: string;
  /** What the configuration was made of. */
  reading: ServerReading;
  /** Reads another text of the same file, under the variables and flags of the start. Touches no file. */
  reread(text: string): ServerReading;
}

/** @throws `config.*`, `key.malformed`, `server.statement_*` */
export function loadSettings(flags: ServerFlags, now: number): Settings {
  const environment = new Map(envNames(SERVER_KEYS).map((name) => [name, Deno.env.get(name)]));
  const reread = (text: string): ServerReading =>
    readServerConfig({ file: readYaml(text, flags.config), env: (name) => environment.get(name), flags });
  const text = readConfigFile(flags.config, true) ?? "";
  const reading = reread(text);
  if (reading.faults.length > 0) throw faultsError(reading.faults);
  const { config } = reading;
  const folder = dirname(flags.config);
  refuseExposed(reading, folder);
  const file = (path: string): string => readText(isAbsolute(path) ? path : join(folder, path));
  const listen = parseListen(config.listen);
  const caPem = file(config.cluster.caFile);
  const caKey = publicKeyOf(new X509Certificate(caPem).publicKey);
  const statement = verifyNodeStatement(file(config.node.statementFile).trim(), {
    caKey,
    cluster: config.cluster.id,
    now,
  });
  const key = privateKeyFromPem(file(config.node.keyFile));
  if (statement.node !== config.node.id || statement.key.kid !== key.public.kid) {
    throw new JabberError(
      "config.invalid",
      `node: key, statement and id ${JSON.stringify(config.node.id)} do not belong together`,
    );
  }
  const tls = config.tls && { cert: file(config.tls.certFile), key: file(config.tls.keyFile) };
  return {
    config,
    self: { cluster: statement.cluster, node: statement.node, key, statement: statement.jws, names: statement.names },
    listen,
    tls,
    credentials: [
      ...(tls === undefined ? [] : certificateEnd("tls_certificate", tls.cert)),
      { name: "node_statement", ends: statement.expires },
      ...certificateEnd("ca_certificate", caPem),
    ],
    dataDir: dataDirOf(reading, folder),
    operatorSecret: secretFromText(file(config.auth.secretFile)),
    trust: trustOf(config),
    caKey,
    revoked: new Set(config.trust.revoked),
    gossip: gossipOf(config, file),
    jobs: readJobFiles(config.jobs, folder),
    file: flags.config,
    folder,
    text,
    reading,
    reread,
  };
}

/** A relative folder in the file is relative to the file, elsewhere to where the program was started. */
function dataDirOf({ config, origins }: ServerReading, folder: string): string {
  const kind = origins.get("data")?.kind;
  return isAbsolute(config.data) || kind === "env" || kind === "flag" ? config.data : join(folder, config.data);
}

/** @throws `config.exposed`, which names all of them */
function refuseExposed({ values, origins }: ServerReading, folder: string): void {
  const faults = Object.entries(SERVER_KEYS).flatMap(([key, row]) => {
    const path = values.get(key);
    if (!("secretFile" in row) || typeof path !== "string") return [];
    const full = isAbsolute(path) ? path : join(folder, path);
    return exposedFault(key, origins.get(key) ?? { kind: "default" }, full, fileMode(full)) ?? [];
  });
  if (faults.length > 0) throw faultsError(faults);
}

/** The configuration alone, without the files it names. @throws `config.*` */
export function readConfig(path: string): ServerConfig {
  const text = readConfigFile(path, true) ?? "";
  const { config, faults } = readServerConfig({ file: readYaml(text, path), env: () => undefined, flags: {} });
  if (faults.length > 0) throw faultsError(faults);
  return config;
}

function gossipOf({ gossip }: ServerConfig, file: (path: string) => string): GossipSettings | undefined {
  if (gossip?.listen === undefined) return undefined;
  const { keyFile, listen, advertise, ...rest } = gossip;
  return {
    ...rest,
    listen: endpointOf("gossip.listen", listen),
    advertise: advertise === undefined ? undefined : endpointOf("gossip.advertise", advertise),
    keys: gossip.security === "none" ? "" : file(keyFile),
  };
}

function endpointOf(key: string, text: string): Endpoint {
  const { hostname, port } = parseListen(text);
  if (isIP(hostname) === 0) {
    throw new JabberError("config.invalid", `${key}: ${JSON.stringify(hostname)} is no IP address`);
  }
  return { address: hostname, port };
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.name : String(cause);
    throw new JabberError("config.missing", `${path} (${why})`, undefined, { cause });
  }
}

/** The registry's trust: it lets the server refuse early; agents decide by their own. */
function trustOf(config: ServerConfig): TrustList {
  return parseTrustList({
    signers: config.trust.signers.map(({ name, key }) => {
      const known = publicKeyFromText(key);
      return { key: known.kid, x: known.jwk.x, name };
    }),
    revoked: config.trust.revoked,
    rules: [],
  });
}

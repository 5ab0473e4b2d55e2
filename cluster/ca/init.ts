/**
 * What `jabber init` makes: everything a first server, a first operator and a first agent need, as files in memory.
 * The caller writes them; nothing here touches a disk. Chance and time are arguments.
 *
 * | file               | mode | holds                                                                |
 * |--------------------|------|----------------------------------------------------------------------|
 * | jabber-server.yaml | 0600 | the configuration, with the paths below relative to itself           |
 * | cluster-ca.pem     | 0644 | CA certificate: what everybody pins                                  |
 * | cluster-ca.key     | 0600 | CA key: signs certificates and node statements; only on this server  |
 * | node.key           | 0600 | this server's Ed25519 key                                            |
 * | node-statement.jws | 0644 | the CA's word for it                                                 |
 * | tls.pem, tls.key   |      | this server's TLS certificate (0644) and key (0600)                  |
 * | gossip.key         | 0600 | 32 bytes, base64 as `serf keygen` writes them; the same everywhere   |
 * | operator-secret    | 0600 | signs operators' tokens; the same on every server                    |
 * | join-token.txt     | 0600 | the first join token                                                 |
 * | cluster-pin.txt    | 0644 | the same without its secret: who starts with it waits for approval   |
 * | author.key, .pub   |      | the first operator's signing key (0600); belongs on that person's    |
 * |                    |      | machine, not here; left out when the public key was given            |
 */
import { Buffer } from "node:buffer";
import bcrypt from "bcryptjs";
import { rfc3339 } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import { UlidMaker } from "../../base/ids.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Rng } from "../../base/rng.ts";
import {
  dialledName,
  hashJoinSecret,
  isLoopbackName,
  issueNodeStatement,
  makeJoinToken,
  makePin,
  nodeIdOf,
  normaliseName,
} from "../../wire/identity/mod.ts";
import { toBase64url } from "../../wire/base64url.ts";
import {
  type PrivateKey,
  privateKeyFromSeed,
  privateKeyToPem,
  publicKeyFromText,
  publicKeyToText,
  secretToText,
} from "../../wire/keys.ts";
import { type GossipFacts, serverConfigText } from "./config_text.ts";
import { type CertificateAuthority, createCa, issueServerCertificate } from "./x509_system.ts";

/** A file to write. */
export interface MaterialFile {
  /** Relative to the folder of the configuration. */
  path: string;
  mode: 0o600 | 0o644;
  text: string;
}

export interface InitOptions {
  /** Milliseconds since the epoch. */
  now: number;
  /** Fit for secrets. */
  rng: Rng;
  /** Host names and addresses beside localhost, without ports. */
  names?: readonly string[];
  /** host:port; 127.0.0.1:7431 when left out. */
  listen?: string;
  /** URLs; when left out, made from `listen` and `names`. */
  advertise?: readonly string[];
  operator?: {
    /** `admin` when left out. */
    name?: string;
    /** Made when left out. */
    password?: string;
    /** `ed25519:…`; a key pair is made when left out. */
    publicKey?: string;
  };
  join?: { days?: number; uses?: number };
  gossip?: GossipFacts;
}

/** What to tell the person, once. */
export interface InitSummary {
  cluster: string;
  node: string;
  names: string[];
  advertise: string[];
  operator: string;
  /** Only when it was made here; it stands in no file. */
  password?: string;
  /** The root signer, `ed25519:…`. */
  signer: string;
  joinToken: string;
  /** RFC 3339. */
  joinTokenExpires: string;
}

const DAY_MS = 24 * 3600_000;
const DEFAULT_LISTEN = "127.0.0.1:7431";
const LOCAL_NAMES = ["localhost", "127.0.0.1", "::1"];
/** The same as the server compares unknown names with, so that a login's time tells nothing. */
const BCRYPT_ROUNDS = 10;
/** bcrypt reads no more. */
const PASSWORD_BYTES_MAX = 72;
const PASSWORD_CHARS_MIN = 8;

/** Makes a cluster. Throws `input.invalid` for a bad name, URL or password, `key.malformed` for a bad public key. */
export async function initMaterial(options: InitOptions): Promise<{ files: MaterialFile[]; summary: InitSummary }> {
  const { now, rng } = options;
  const ids = new UlidMaker(rng);
  const cluster = ids.next(now);
  const place = placeOf(options);
  const operator = operatorOf(options);
  const ca = await createCa(`Jabberwocky cluster ${cluster}`, newKey(rng), now, rng);
  const server = await nodeMaterial(ca, { cluster, names: place.names, now }, rng);

  const join = {
    id: ids.next(now),
    secret: toBase64url(rng.bytes(32)),
    expires: now + (options.join?.days ?? LIMITS.joinTokenDays) * DAY_MS,
    uses: options.join?.uses ?? LIMITS.joinTokenUses,
  };
  const signers = [{ name: operator.name, key: operator.signer }];
  const pin = {
    cluster,
    ca: ca.certPem,
    caKey: publicKeyToText(ca.key.public),
    signers,
    servers: place.advertise,
  };
  const joinToken = makeJoinToken({ ...pin, id: join.id, secret: join.secret, expires: join.expires });
  const config = serverConfigText({
    cluster,
    node: server.node,
    listen: place.listen,
    advertise: place.advertise,
    users: [{ name: operator.name, role: "admin", bcrypt: operator.bcrypt }],
    tokens: [{ id: join.id, hash: hashJoinSecret(join.secret), expires: rfc3339(join.expires), uses: join.uses }],
    signers,
    holdsCaKey: true,
    ...(options.gossip !== undefined && { gossip: options.gossip }),
  });
  return {
    files: [
      { path: "jabber-server.yaml", mode: 0o600, text: config },
      { path: "cluster-ca.pem", mode: 0o644, text: ca.certPem },
      { path: "cluster-ca.key", mode: 0o600, text: privateKeyToPem(ca.key) },
      ...server.files,
      { path: "gossip.key", mode: 0o600, text: `${Buffer.from(rng.bytes(32)).toString("base64")}\n` },
      { path: "operator-secret", mode: 0o600, text: secretToText(rng.bytes(32)) },
      { path: "join-token.txt", mode: 0o600, text: `${joinToken}\n` },
      { path: "cluster-pin.txt", mode: 0o644, text: `${makePin(pin)}\n` },
      ...operator.files,
    ],
    summary: {
      cluster,
      node: server.node,
      names: place.names,
      advertise: place.advertise,
      operator: operator.name,
      ...(operator.madePassword !== undefined && { password: operator.madePassword }),
      signer: operator.signer,
      joinToken,
      joinTokenExpires: rfc3339(join.expires),
    },
  };
}

/**
 * A server's own four files: key, statement, TLS certificate and key. Also for the servers after the first, and, with
 * the `key` a server has, for renewal: its id stays.
 */
export async function nodeMaterial(
  ca: CertificateAuthority,
  about: { cluster: string; names: readonly string[]; now: number; days?: number; key?: PrivateKey },
  rng: Rng,
): Promise<{ node: string; files: MaterialFile[] }> {
  const { cluster, names, now, days = LIMITS.nodeCertificateDays, key = newKey(rng) } = about;
  const node = nodeIdOf(key.public.jwk);
  const hosts = [...new Set(names.map(hostOf))];
  const statement = issueNodeStatement(ca.key, { cluster, key: key.public, names, now, lifetimeMs: days * DAY_MS });
  const tls = await issueServerCertificate(ca, { commonName: node, hosts, now, days }, rng);
  return {
    node,
    files: [
      { path: "node.key", mode: 0o600, text: privateKeyToPem(key) },
      { path: "node-statement.jws", mode: 0o644, text: `${statement}\n` },
      { path: "tls.pem", mode: 0o644, text: tls.certPem },
      { path: "tls.key", mode: 0o600, text: tls.keyPem },
    ],
  };
}

function newKey(rng: Rng): PrivateKey {
  return privateKeyFromSeed(rng.bytes(32));
}

export interface Place {
  listen: string;
  advertise: string[];
  names: string[];
}

/**
 * Names stand without ports, like those of the certificate: a changed port needs no new statement, and whoever can
 * listen on another port of the same host still has neither the TLS key nor the node key.
 */
export function placeOf(options: Pick<InitOptions, "listen" | "names" | "advertise">): Place {
  const listen = normaliseName(options.listen ?? DEFAULT_LISTEN);
  const port = /:(\d+)$/.exec(listen)?.[1];
  if (port === undefined || listen.endsWith("]")) {
    throw new JabberError("input.invalid", `"${listen}" is not host:port`);
  }
  const given = (options.names ?? []).map((name) => hostOf(normaliseName(name)));
  const listenHost = hostOf(listen);
  const reachable = isLoopbackName(listen) ? [listenHost] : given.filter((name) => !isLoopbackName(name));
  const fallback = isWildcard(listenHost) ? "127.0.0.1" : listenHost;
  const hosts = reachable.length > 0 ? reachable : [fallback];
  const advertise = options.advertise?.length ? [...options.advertise] : hosts.map((host) => `https://${host}:${port}`);
  const dialled = advertise.map((url) => hostOf(dialledName(url)));
  const local = LOCAL_NAMES.map(normaliseName);
  return { listen, advertise, names: [...new Set([...local, ...given, ...dialled])] };
}

/** A normalised name without its port. */
function hostOf(name: string): string {
  return name.replace(/:\d+$/, "");
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "[::]";
}

interface FirstOperator {
  name: string;
  signer: string;
  bcrypt: string;
  madePassword?: string;
  files: MaterialFile[];
}

function operatorOf({ operator = {}, rng }: InitOptions): FirstOperator {
  const { name = "admin", password = newPassword(rng) } = operator;
  if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(name)) {
    throw new JabberError("input.invalid", `the operator name ${JSON.stringify(name.slice(0, 80))}`);
  }
  if (password.length < PASSWORD_CHARS_MIN || Buffer.byteLength(password) > PASSWORD_BYTES_MAX) {
    throw new JabberError("input.invalid", `a password has ${PASSWORD_CHARS_MIN} to ${PASSWORD_BYTES_MAX} bytes`);
  }
  const salt = `$2b$${BCRYPT_ROUNDS}$${bcrypt.encodeBase64(rng.bytes(16), 16)}`;
  const files: MaterialFile[] = [];
  let signer: string;
  if (operator.publicKey === undefined) {
    const key = newKey(rng);
    signer = publicKeyToText(key.public);
    files.push(
      { path: "author.key", mode: 0o600, text: privateKeyToPem(key) },
      { path: "author.pub", mode: 0o644, text: `${signer}\n` },
    );
  } else {
    signer = publicKeyToText(publicKeyFromText(operator.publicKey.trim()));
  }
  return {
    name,
    signer,
    bcrypt: bcrypt.hashSync(password, salt),
    ...(operator.password === undefined && { madePassword: password }),
    files,
  };
}

/** 100 bits in four groups that survive being read aloud. */
function newPassword(rng: Rng): string {
  const letters = "abcdefghijkmnpqrstuvwxyz23456789";
  const text = [...rng.bytes(20)].map((byte) => letters[byte & 31]).join("");
  return text.match(/.{5}/g)!.join("-");
}

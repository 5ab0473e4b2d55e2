/** The agent's own files in its data folder: its key (mode 0600) and the cluster it belongs to. */
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { JabberError } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import type { Rng } from "../../base/rng.ts";
import type { ClusterPinText } from "../../wire/identity/join.ts";
import {
  type PrivateKey,
  privateKeyFromPem,
  privateKeyFromSeed,
  privateKeyToPem,
  type PublicKey,
  publicKeyFromText,
  publicKeyOf,
} from "../../wire/keys.ts";
import type { TrustList } from "../../wire/sign/trust.ts";
import { parseTrustList } from "../../wire/sign/trust_list.ts";

const KEY_FILE = "agent.key";
const PIN_FILE = "cluster.json";

/** The cluster this agent belongs to; learned once, from a join token, and kept. */
export interface ClusterPin {
  cluster: string;
  /** The cluster CA's certificate, PEM. */
  ca: string;
  caKey: PublicKey;
  /** URLs to try. */
  servers: string[];
  /** Whose signatures count when the owner's policy names nobody. */
  trust: TrustList;
}

/**
 * The agent's key; made at the first start.
 * @throws `key.malformed` when the file is there and cannot be used: a new key would be another agent
 */
export function loadKey(folder: string, rng: Rng): PrivateKey {
  const path = join(folder, KEY_FILE);
  const text = readIfThere(path);
  if (text === undefined) {
    const key = privateKeyFromSeed(rng.bytes(32));
    writeSynced(path, privateKeyToPem(key));
    return key;
  }
  try {
    return privateKeyFromPem(text);
  } catch (cause) {
    throw new JabberError(
      "key.malformed",
      `"${path}" is damaged; restore it, or move the data folder away`,
      undefined,
      {
        cause,
      },
    );
  }
}

/**
 * The pinned cluster. A token pins it the first time, and later only adds servers' addresses of the same cluster.
 * @throws `config.missing` without a pin and a token, `config.invalid` for another cluster's token
 */
export function loadPin(folder: string, token: ClusterPinText | undefined): ClusterPin {
  const path = join(folder, PIN_FILE);
  const text = readIfThere(path);
  if (text === undefined) {
    if (token === undefined) {
      throw new JabberError("config.missing", "this agent belongs to no cluster yet; start it once with --token");
    }
    const { cluster, ca, caKey, signers, servers } = token;
    writeSynced(path, JSON.stringify({ cluster, ca, caKey, signers, servers }, null, 2) + "\n");
    return pinOf({ cluster, ca, signers, servers }, path);
  }
  const pin = pinOf(readJson(text, path), path);
  if (token === undefined) return pin;
  if (token.cluster !== pin.cluster || token.ca !== pin.ca) {
    const why = `the token is for cluster "${token.cluster}", "${folder}" belongs to "${pin.cluster}"`;
    throw new JabberError("config.invalid", why);
  }
  return { ...pin, servers: [...new Set([...token.servers, ...pin.servers])] };
}

function pinOf(value: unknown, path: string): ClusterPin {
  try {
    if (!isJsonObject(value)) throw new Error("not an object");
    const { cluster, ca, signers, servers } = value;
    if (typeof cluster !== "string" || typeof ca !== "string") throw new Error("cluster or ca is missing");
    if (!Array.isArray(signers) || !Array.isArray(servers)) throw new Error("signers or servers is missing");
    return {
      cluster,
      ca,
      caKey: publicKeyOf(new X509Certificate(ca).publicKey),
      servers: servers.map(String),
      trust: trustOf(signers),
    };
  } catch (cause) {
    throw new JabberError("config.invalid", `"${path}" is damaged; join again with --token`, undefined, { cause });
  }
}

function trustOf(signers: readonly unknown[]): TrustList {
  const trusted = signers.map((signer) => {
    const name = isJsonObject(signer) ? String(signer["name"]) : "";
    const { kid, jwk } = publicKeyFromText(isJsonObject(signer) ? String(signer["key"]) : "");
    return { key: kid, x: jwk.x, name };
  });
  return parseTrustList({ signers: trusted, revoked: [], rules: [] });
}

function readJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new JabberError("config.invalid", `"${path}" is damaged; join again with --token`, undefined, { cause });
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new JabberError("config.missing", `"${path}" cannot be read`, undefined, { cause });
  }
}

/** Whole or not at all, also through a power cut: written aside, synced, renamed. */
function writeSynced(path: string, text: string): void {
  const aside = `${path}.new`;
  const file = Deno.openSync(aside, { write: true, create: true, truncate: true, mode: 0o600 });
  try {
    const bytes = new TextEncoder().encode(text);
    for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
    file.syncSync();
  } finally {
    file.close();
  }
  Deno.renameSync(aside, path);
}

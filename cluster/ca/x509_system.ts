/**
 * The cluster's certificate authority: X.509 over the system's WebCrypto.
 *
 * One Ed25519 key signs both these certificates and the node statements of `wire/identity`. Servers' TLS keys are
 * P-256, because TLS stacks of browsers and load balancers do not all take Ed25519 leaves.
 */
import "reflect-metadata";
import { Buffer } from "node:buffer";
import * as x509 from "@peculiar/x509";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Rng } from "../../base/rng.ts";
import { type PrivateKey, privateKeyFromPem, publicKeyOf } from "../../wire/keys.ts";
import { X509Certificate } from "node:crypto";

/** The CA: its certificate is public, its key stays on the host that ran `jabber init`. */
export interface CertificateAuthority {
  certPem: string;
  key: PrivateKey;
}

/** A server's TLS files. */
export interface ServerCertificate {
  certPem: string;
  /** PKCS #8, P-256: mode 0600. */
  keyPem: string;
}

const DAY_MS = 24 * 3600_000;
const ED25519 = { name: "Ed25519" };
const P256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const IP = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:.]*)$/i;

/** A self-signed certificate for `key`, valid for `days`. `name` is shown to people; `now` is milliseconds. */
export async function createCa(
  name: string,
  key: PrivateKey,
  now: number,
  rng: Rng,
  days: number = LIMITS.caCertificateDays,
): Promise<CertificateAuthority> {
  const keys = await webKeys(key);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(rng),
    name: [{ CN: [name] }],
    ...validity(now, days),
    signingAlgorithm: ED25519,
    keys,
    extensions: [
      // Path length 0: it may sign servers, and nothing it signs may sign again.
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
    ],
  }, crypto);
  return { certPem: pem(certificate), key };
}

/** Puts a CA together from its two files. Throws `key.malformed`, and `cluster.other_ca_key` when they are not one pair. */
export function loadCa(certPem: string, keyPem: string): CertificateAuthority {
  const key = privateKeyFromPem(keyPem);
  let inside: string;
  try {
    inside = publicKeyOf(new X509Certificate(certPem).publicKey).kid;
  } catch (cause) {
    throw new JabberError("key.malformed", "the CA file is not an Ed25519 certificate in PEM", undefined, { cause });
  }
  if (inside !== key.public.kid) throw new JabberError("cluster.other_ca_key");
  return { certPem, key };
}

/** A TLS certificate for a server, with a new P-256 key. `hosts` are DNS names and IP addresses, without ports. */
export async function issueServerCertificate(
  ca: CertificateAuthority,
  about: { commonName: string; hosts: readonly string[]; now: number; days: number },
  rng: Rng,
): Promise<ServerCertificate> {
  if (about.hosts.length === 0) throw new JabberError("input.invalid", "a certificate needs at least one host name");
  const keys = await crypto.subtle.generateKey(P256, true, ["sign", "verify"]);
  const issuer = new x509.X509Certificate(ca.certPem);
  const caKeys = await webKeys(ca.key);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(rng),
    subject: [{ CN: [about.commonName] }],
    issuer: issuer.subject,
    ...validity(about.now, about.days),
    signingAlgorithm: ED25519,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(about.hosts.map(alternativeName)),
      await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey, false, crypto),
    ],
  }, crypto);
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { certPem: pem(certificate), keyPem: `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY")}\n` };
}

async function webKeys(key: PrivateKey): Promise<CryptoKeyPair> {
  const pkcs8 = new Uint8Array(key.object.export({ format: "der", type: "pkcs8" }));
  const raw = new Uint8Array(Buffer.from(key.public.jwk.x, "base64url"));
  return {
    privateKey: await crypto.subtle.importKey("pkcs8", pkcs8, ED25519, true, ["sign"]),
    publicKey: await crypto.subtle.importKey("raw", raw, ED25519, true, ["verify"]),
  };
}

function validity(now: number, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - LIMITS.certificateBackdateMs), notAfter: new Date(now + days * DAY_MS) };
}

/** 16 random bytes, positive and without a leading zero byte (RFC 5280 §4.1.2.2). */
function serial(rng: Rng): string {
  const bytes = rng.bytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return Buffer.from(bytes).toString("hex");
}

function alternativeName(host: string): { type: "ip" | "dns"; value: string } {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  return IP.test(bare) ? { type: "ip", value: bare } : { type: "dns", value: bare };
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

/** Every key of `jabber-server.yaml`. Relative paths are relative to the file. */
import * as z from "zod";
import { LOG_KEYS } from "../base/config/log_keys.ts";
import { optional, required, requiredInSection, type Table, withDefault } from "../base/config/table.ts";
import { LIMITS } from "../base/limits.ts";
import { ROLES } from "../wire/identity/mod.ts";
import { parseListen } from "./listen.ts";

const file = z.string().min(1);
const name = z.string().min(1).max(64);
const DAY_MS = 24 * 3600_000;
const BYTES = /^([1-9][0-9]{0,14})(?: ?(KiB|MiB|GiB|TiB))?$/;
const UNITS = ["", "KiB", "MiB", "GiB", "TiB"];

const user = z.strictObject({
  name,
  role: z.enum(ROLES),
  bcrypt: z.string().regex(/^\$2[aby]\$/, "is no bcrypt hash"),
});
const joinToken = z.strictObject({
  id: z.string(),
  hash: z.string(),
  expires: z.iso.datetime({ offset: true }),
  uses: z.int().min(1).optional(),
});
const signer = z.strictObject({ name: z.string(), key: z.string() });
const bytes = z.union([z.int().min(1), z.string().regex(BYTES)], { error: "is no size such as 500 MiB or 10 GiB" })
  .transform((size) => {
    if (typeof size === "number") return size;
    const [, count, unit = ""] = BYTES.exec(size)!;
    return Number(count) * 1024 ** UNITS.indexOf(unit);
  });
const BYTES_JSON = { anyOf: [{ type: "integer", minimum: 1 }, { type: "string", pattern: BYTES.source }] };
const days = z.int().min(1).max(36_500);
const perMinute = z.int().min(1).max(65_535);

function isHostPort(text: string): boolean {
  try {
    return parseListen(text).hostname !== "";
  } catch {
    return false;
  }
}

export const SERVER_KEYS = {
  "cluster.id": required(name, { doc: "the cluster's name" }),
  "cluster.caFile": required(file, { doc: "the certificate of the cluster's CA, PEM" }),
  "cluster.caKeyFile": optional(file, { secretFile: true, doc: "the CA's key; only where certificates are issued" }),
  "node.id": required(name, { doc: "this server's name in the cluster" }),
  "node.keyFile": required(file, { secretFile: true, doc: "this server's private key, PEM" }),
  "node.statementFile": required(file, { doc: "what the CA says about this server" }),
  "listen": withDefault(z.string().refine(isHostPort, "is not host:port"), "127.0.0.1:7431", {
    doc: "the address and port to listen on; IPv6 in brackets",
    flag: { value: "HOST:PORT" },
  }),
  "advertise": withDefault(z.array(z.url()), [], {
    doc: "the URLs under which agents and operators reach this server",
  }),
  "tls.certFile": requiredInSection(file, { doc: "certificates of the listener, PEM; without `tls` only loopback" }),
  "tls.keyFile": requiredInSection(file, { secretFile: true, doc: "the certificate's key, PEM" }),
  "data": withDefault(file, "./data", { doc: "the folder of the database", flag: { value: "FOLDER" } }),
  "auth.secretFile": required(file, {
    secretFile: true,
    doc: "32 random bytes that sign operators' tokens; the same on every server",
  }),
  "auth.users": withDefault(z.array(user), [], {
    doc: "who may log in: name, role (viewer, operator, admin) and bcrypt hash",
    live: true,
    secret: ["bcrypt"],
  }),
  "join.tokens": withDefault(z.array(joinToken), [], {
    doc: "join tokens of agents: id, hash of the secret, expires, uses",
    live: true,
    secret: ["hash"],
  }),
  "gossip.keyFile": requiredInSection(file, {
    secretFile: true,
    doc: "the keys that servers of a cluster share, one a line; the first seals",
  }),
  "gossip.listen": optional(z.string().refine(isHostPort, "is not host:port"), {
    doc: "the address and port, UDP and TCP, where other servers reach this one; without it the server is alone",
    flag: { name: "gossip", value: "HOST:PORT" },
  }),
  "gossip.advertise": optional(z.string().refine(isHostPort, "is not host:port"), {
    doc: "what other servers dial, where that is not `gossip.listen`",
  }),
  "gossip.join": withDefault(z.array(z.string().refine(isHostPort, "is not host:port")).max(64), [], {
    doc: "servers to join at the start; one that answers is enough",
    flag: { name: "join", value: "HOST:PORT" },
  }),
  "gossip.security": withDefault(z.enum(["jws", "aes-gcm", "none"]), "jws", {
    doc: "what protects gossip; aes-gcm as HashiCorp's memberlist has it, none on loopback only",
  }),
  "gossip.profile": withDefault(z.enum(["lan", "wan", "local"]), "lan", {
    doc: "how far the servers are from each other: how often they probe, and how long they wait",
  }),
  "gossip.compress": withDefault(z.boolean(), true, { doc: "compresses what gets smaller by it" }),
  "trust.signers": withDefault(z.array(signer), [], { doc: "whose signatures the server takes: name and public key" }),
  "trust.revoked": withDefault(z.array(z.string()), [], {
    doc: "thumbprints of keys that count no more",
    form: "none",
  }),
  "jobs.owner": requiredInSection(z.string().min(1).max(63), {
    doc: "in whose name the job files below are kept in step with the cluster's jobs",
    live: true,
  }),
  "jobs.files": requiredInSection(z.array(file).max(1000), {
    doc: "signed job files; a file that is added needs a restart, a changed one does not",
    live: true,
    form: "none",
  }),
  "retention.bytes": withDefault(bytes, LIMITS.streamsBytesMax, {
    doc: "all streams together, as a number or like 10 GiB",
    live: true,
    form: "text",
    json: BYTES_JSON,
  }),
  "retention.streamBytes": withDefault(bytes, LIMITS.streamBytesMax, {
    doc: "one stream; its oldest records go first",
    live: true,
    form: "text",
    json: BYTES_JSON,
  }),
  "retention.streamDays": withDefault(days, LIMITS.streamAgeMsMax / DAY_MS, {
    doc: "how long the streams of ended runs are kept",
    live: true,
  }),
  "retention.historyDays": withDefault(days, LIMITS.historyAgeMsMax / DAY_MS, {
    doc: "how long the history is kept",
    live: true,
  }),
  "retention.orderDays": withDefault(days, LIMITS.orderAgeMsMax / DAY_MS, {
    doc: "how long orders that are over are kept",
    live: true,
  }),
  "limits.loginsPerMinute": withDefault(perMinute, LIMITS.loginsPerAddressPerMinute, {
    doc: "logins that one address may try",
    live: true,
  }),
  "limits.challengesPerMinute": withDefault(perMinute, LIMITS.challengesPerAddressPerMinute, {
    doc: "challenges that one address may ask for: agents that connect",
    live: true,
  }),
  ...LOG_KEYS,
} as const satisfies Table;

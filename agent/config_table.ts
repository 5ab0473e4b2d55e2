/** Every key of `jabber-agent.yaml`. */
import * as z from "zod/mini";
import { LOG_KEYS } from "../base/config/log_keys.ts";
import { optional, type Row, type Table, withDefault } from "../base/config/table.ts";
import { ERRORS, JabberError } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { LIMITS } from "../base/limits.ts";
import { isPlainLine } from "../base/sanitize.ts";
import { parseTrustList } from "../wire/sign/trust_list.ts";
import { LOCAL_JOBS_JSON, localJobs } from "./config_jobs.ts";
import { policySchema } from "./policy/parse.ts";

const NAME_RULE = "no control characters, line ends or bidirectional controls are allowed in a name";

const url = z.url({ protocol: /^https?$/ }).check(z.maxLength(2048));
const text = z.string().check(z.minLength(1));
const tags = z.record(
  z.string().check(z.regex(/^[A-Za-z0-9_./-]+$/, "is no tag name"), z.maxLength(LIMITS.tagKeyCharsMax)),
  z.string().check(z.maxLength(LIMITS.tagValueCharsMax)),
);

/** One or a list of them. */
const servers = z.pipe(
  z.transform((value: unknown) => typeof value === "string" ? [value] : value),
  z.array(url).check(z.maxLength(32)),
);

/** Checked here, so that a faulty one is told with its place; agent/policy reads it once more. */
const trust = z.pipe(
  z.unknown(),
  z.transform((value: unknown, context) => {
    try {
      parseTrustList(value);
    } catch (cause) {
      if (!(cause instanceof JabberError)) throw cause;
      const message = cause.message.slice(ERRORS[cause.code].message.length + 2);
      context.issues.push({ code: "custom", message, input: value });
    }
    return value;
  }),
);

const POLICY_DOCS: Readonly<Record<keyof typeof policySchema.shape, string>> = {
  trust: "who may sign for this host; default: the signers of the join token",
  tags: "tags that only rules of trust and selectors see",
  unsigned: "commands that run without a signed order",
  openScripts: "whether signed scripts that say `start: open` may be started without a signed order",
  files: "folders or files that commands may read and write: {read, write}",
  programs: "programs that commands may run, with their arguments",
  net: "hosts that commands may reach: `host` or `host:port`",
  netCa: "the PEM file of the CA that vouches for those hosts, beside the public ones",
};

/** A key of the policy: a change ends the agent with exit 75, so that it starts with walls to match. */
function policyRow<K extends keyof typeof policySchema.shape>(
  key: K,
): Row<z.infer<typeof policySchema.shape[K]>, "never"> {
  const type: z.core.$ZodType = key === "trust" ? trust : policySchema.shape[key];
  const facts = { doc: POLICY_DOCS[key], form: "none", restarts: true } as const;
  const { def } = (type as z.core.$ZodTypes)._zod;
  const row = optional(type as z.core.$ZodType<z.infer<typeof policySchema.shape[K]>>, facts);
  return def.type === "default" ? { ...row, otherwise: def.defaultValue as Json } : row;
}

export const AGENT_KEYS = {
  "server": withDefault(servers, [], {
    doc: "URLs of servers, the first to try first; tried before those of the join token",
    form: "list",
    flag: { value: "URL" },
    json: { anyOf: [{ type: "string", format: "uri" }, { type: "array", items: { type: "string", format: "uri" } }] },
  }),
  "token": optional(z.string().check(z.maxLength(LIMITS.joinTokenCharsMax)), {
    doc: "the cluster's join token; a variable keeps it off the list of processes",
    secret: true,
    replaces: ["tokenFile"],
    flag: { value: "TOKEN" },
  }),
  "tokenFile": optional(text, {
    doc: "the file that holds the join token, or the cluster's pin",
    replaces: ["token"],
    flag: { value: "FILE" },
  }),
  "name": optional(text.check(z.maxLength(255), z.refine(isPlainLine, NAME_RULE)), {
    doc: "what people call this agent; default: the host's name",
    flag: { value: "NAME" },
  }),
  "data": optional(text, {
    doc: "the folder of key, cluster and spool; nobody else may read it",
    flag: { value: "FOLDER" },
  }),
  "tags": withDefault(tags, {}, {
    doc: "tags of this host, for selectors and rules of trust",
    restarts: true,
    flag: { name: "tag", value: "KEY=VALUE" },
  }),
  "policy.trust": policyRow("trust"),
  "policy.tags": policyRow("tags"),
  "policy.unsigned": policyRow("unsigned"),
  "policy.openScripts": policyRow("openScripts"),
  "policy.files": policyRow("files"),
  "policy.programs": policyRow("programs"),
  "policy.net": policyRow("net"),
  "policy.netCa": policyRow("netCa"),
  "jobs": withDefault(localJobs, [], {
    doc: "jobs of the host's owner: id, trigger, does, args, options, meta",
    live: true,
    form: "none",
    json: LOCAL_JOBS_JSON,
  }),
  ...LOG_KEYS,
} as const satisfies Table & Readonly<Record<`policy.${keyof typeof policySchema.shape}`, Row>>;

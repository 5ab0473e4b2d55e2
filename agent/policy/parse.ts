/** Reads the `policy:` section of `jabber-agent.yaml`. What is not written is denied. */
import * as z from "zod/mini";
import { ENGLISH } from "../../base/english.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { once } from "../../base/once.ts";
import { isNormalPath } from "../../base/paths.ts";
import { parseTrustList } from "../../wire/sign/trust_list.ts";
import { readHostRule } from "./hosts.ts";
import type { AgentPolicy, ArgRule, ProgramRule } from "./policy.ts";
import { quoted } from "./quote.ts";

/**
 * The policy in a section of the configuration file, with defaults filled in.
 * @throws `policy.invalid`, `data.path` names the field; `trust.malformed` for its `trust`
 */
export function parsePolicy(section: unknown): AgentPolicy {
  const checked = policySchema.safeParse(section ?? {}, ENGLISH);
  if (!checked.success) throw invalid(checked.error);
  const { trust, tags, unsigned, openScripts, files, programs, net, netCa } = checked.data;
  return {
    trust: parseTrustList(trust ?? NOBODY),
    tags,
    unsigned,
    openScripts,
    files,
    programs: programs.map(toProgramRule),
    net,
    ...(netCa !== undefined && { netCa }),
  };
}

const NOBODY = { signers: [], revoked: [], rules: [] };

function invalid(error: z.core.$ZodError): JabberError {
  const issue = error.issues[0];
  const path = (issue?.path ?? []).reduce<string>(
    (text, part) => text + (typeof part === "number" ? `[${part}]` : `.${String(part)}`),
    "policy",
  );
  return new JabberError("policy.invalid", `${path}: ${issue?.message ?? "unknown"}`, { path });
}

/** A path as a person may write it; a slash at its end is taken off, everything else is refused. */
const path = z.pipe(
  z.string(),
  z.transform((text: string, issue) => {
    const path = text.length > 1 ? text.replace(/\/$/, "") : text;
    if (isNormalPath(path)) return path;
    const why = path.startsWith("/") ? "must be written without `//`, `.`, `..` or NUL" : "must be absolute";
    issue.issues.push({ code: "custom", message: `${quoted(path)} ${why}`, input: path, continue: true });
    return path;
  }),
);
const paths = z.array(path).check(z.maxLength(LIMITS.policyRulesMax));
const plain = once(() =>
  z.string().check(
    z.maxLength(LIMITS.programArgCharsMax),
    z.refine((text) => !text.includes("\0") && text.isWellFormed(), "must hold no NUL and no half characters"),
  )
);
const named = (max: number) => z.string().check(z.minLength(1), z.maxLength(max));

const argRule = once((): z.ZodMiniType<ArgRule> =>
  z.union([
    z.strictObject({ is: plain() }),
    z.strictObject({ oneOf: z.array(plain()).check(z.minLength(1), z.maxLength(LIMITS.policyRulesMax)) }),
    z.strictObject({ pathBelow: paths.check(z.minLength(1)) }),
    z.strictObject({
      integer: z.strictObject({ min: z.int(), max: z.int() }).check(
        z.refine((range) => range.min <= range.max, "`min` is above `max`"),
      ),
    }),
    z.strictObject({ word: z.int().check(z.minimum(1), z.maximum(LIMITS.programArgCharsMax)) }),
  ], { error: "is none of {is}, {oneOf}, {pathBelow}, {integer: {min, max}}, {word}" })
);

const envName = once(() =>
  z.string().check(
    z.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is no name of a variable"),
    // The dynamic loader would run code from there; Deno refuses to start such a program anyway.
    z.refine((name) => !/^(?:LD|DYLD)_/.test(name), "variables of the dynamic loader are refused"),
  )
);

/** Made for the first program: most policies allow none. */
const program = once(() =>
  z.strictObject({
    path,
    realPath: z.optional(path),
    sha256: z.optional(z.string().check(z.toLowerCase(), z.regex(/^[0-9a-f]{64}$/, "must be 64 hex digits"))),
    args: z._default(z.array(argRule()).check(z.maxLength(LIMITS.programArgsMax)), []),
    optional: z.optional(z.int().check(z.minimum(0))),
    repeatLast: z.optional(z.boolean()),
    options: z.optional(
      z.array(plain().check(z.refine((text) => text.startsWith("-"), "an option starts with `-`"))).check(
        z.maxLength(256),
      ),
    ),
    stdin: z.optional(z.boolean()),
    env: z.optional(z.record(envName(), plain())),
    interpreter: z.optional(z.boolean()),
  }).check(z.superRefine((rule, issue) => {
    if ((rule.optional ?? 0) > rule.args.length) {
      issue.addIssue({
        code: "custom",
        path: ["optional"],
        message: `is more than the ${rule.args.length} rules of \`args\``,
      });
    }
    if (rule.repeatLast === true && rule.args.length === 0) {
      issue.addIssue({ code: "custom", path: ["repeatLast"], message: "there is no rule in `args` to repeat" });
    }
  }))
);

/** In the one spelling that URLs have. */
const hostRule = z.pipe(
  z.string(),
  z.transform((text: string, issue) => {
    const rule = readHostRule(text);
    if (rule !== null) return rule;
    issue.issues.push({ code: "custom", message: `${quoted(text)} is no \`host\` or \`host:port\``, input: text });
    return text;
  }),
);

/** The section's shape; agent/config_table.ts has a row for each of its keys. */
export const policySchema = z.strictObject({
  trust: z.optional(z.unknown()),
  tags: z._default(z.record(named(LIMITS.tagKeyCharsMax), z.string().check(z.maxLength(LIMITS.tagValueCharsMax))), {}),
  unsigned: z._default(
    z.array(z.string().check(z.regex(/^[a-z][a-zA-Z0-9]*(?:\.[a-z][a-zA-Z0-9]*)+$/, "is no command key")))
      .check(z.maxLength(LIMITS.policyRulesMax)),
    ["sys.facts"],
  ),
  openScripts: z._default(z.boolean(), true),
  files: z._default(z.strictObject({ read: z._default(paths, []), write: z._default(paths, []) }), {
    read: [],
    write: [],
  }),
  programs: z._default(z.array(z.lazy(program)).check(z.maxLength(LIMITS.policyRulesMax)), []),
  net: z._default(z.array(hostRule).check(z.maxLength(LIMITS.policyRulesMax)), []),
  netCa: z.optional(path),
});

/** Leaves out what is absent, so that the rule is plain data. */
function toProgramRule(rule: z.infer<ReturnType<typeof program>>): ProgramRule {
  const { path, args, ...rest } = rule;
  const present = Object.entries(rest).filter(([, value]) => value !== undefined);
  return Object.assign({ path, args }, Object.fromEntries(present)) satisfies ProgramRule;
}

/**
 * Signed documents: scripts, orders and jobs. Nothing makes an agent act that is not in one of them.
 *
 * Read a file with `parseScript`, `parseOrder` or `parseJob`; prove it with `verifyTrust`; ask whether it is meant for
 * this host with `checkTarget`; check a script's arguments with `checkArgs`. Authors write files with an editor or
 * `composeOrder`, `composeJob`, `composeScript`, and `sign` them. Everything is synchronous and pure: time, tags and
 * keys are arguments; keys are those of `wire/keys.ts`.
 */
export * from "./types.ts";
export { type ArgsSchema, checkArgs, type ValueSchema } from "./args.ts";
export {
  composeJob,
  composeOrder,
  composeScript,
  parseDocument,
  parseJob,
  parseOrder,
  parseScript,
  sign,
  stripSignatures,
} from "./document.ts";
export { isCommandKey, parseTime } from "./fields.ts";
export { DOCUMENT_RULES, type DocumentRule } from "./rules.ts";
export {
  checkCluster,
  checkTarget,
  checkTime,
  isTarget,
  type SignatureVerdict,
  type TrustContext,
  type TrustedSigner,
  type TrustList,
  type TrustRule,
  type Verdict,
  verifySignatures,
  verifyTrust,
} from "./trust.ts";
export { parseTrustList } from "./trust_list.ts";

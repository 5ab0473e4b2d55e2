/**
 * Who is who, without mutual TLS: keys name agents and servers, the cluster CA vouches for servers, and both ends of
 * every connection prove their key before the first frame.
 *
 * ```
 * agent                                         server
 *   POST /v1/agent/challenge            ──▶      book.issue(address, now), makeChallenge
 *   openChallenge (statement, name)     ◀──      {nonce, node, statement, …}
 *   upgrade: makeConnectClaim           ──▶      verifyConnectClaim, enrolled?, judgeNewcomer
 *   verifyWelcomeProof                  ◀──      welcome {proof: makeWelcomeProof}
 * ```
 * Servers link to servers in the same four steps, with `makeLinkClaim` and `verifyLinkClaim`.
 * Everything here is synchronous and pure: time, chance and secrets are arguments.
 */
export * from "../keys.ts";
export * from "./ids.ts";
export * from "./names.ts";
export * from "./statement.ts";
export * from "./challenge.ts";
export * from "./claim.ts";
export * from "./welcome.ts";
export * from "./join.ts";
export * from "./operator.ts";
export * from "./clone.ts";

/**
 * The door agents come in by: a challenge over plain HTTP, then an upgrade request that carries the agent's claim.
 * No websocket exists before the claim was good.
 */
import { Buffer } from "node:buffer";
import * as z from "zod";
import type { Clock } from "../../base/clock.ts";
import { JabberError, toErrorBody } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Log } from "../../base/log.ts";
import {
  type ChallengeBook,
  checkJoinCredential,
  clockWarning,
  type ConnectIdentity,
  type JoinRow,
  makeChallenge,
  makeWelcomeProof,
  type NodeIdentity,
  verifyConnectClaim,
} from "../../wire/identity/mod.ts";
import type { AgentProof } from "../core/contract.ts";
import { isLoopback } from "../config.ts";

export interface AgentDoorDeps {
  self: NodeIdentity;
  book: ChallengeBook;
  clock: Clock;
  log: Log;
  /** Whether the agent was let in before: what it shows of a join token then counts no more. */
  isEnrolled(agent: string): boolean;
  /** The join tokens that may still be used. */
  joinRows(): JoinRow[];
  /** The whole file of a script that was not removed. */
  scriptText(hash: string): Promise<string | undefined>;
  /** There is no other server to be shown a claim: it need not outlive its request (docs/decisions/0020). */
  alone: boolean;
}

/** A claim that was good: what the core is told and what the agent is answered. */
export interface Admission {
  proof: AgentProof;
  /** The welcome's signed answer. */
  welcome: string;
}

/** The header a joining agent shows its token's id and secret in; the claim itself holds no secret. */
const JOIN_HEADER = "x-jabber-join";

const challengeRequest = z.strictObject({ agent: z.string().max(64).optional() });

/** Answers `POST /v1/agent/challenge`. @throws `input.*`, `auth.rate_limited` */
export async function answerChallenge(deps: AgentDoorDeps, request: Request, address: string): Promise<Response> {
  const text = await readSmallBody(request, LIMITS.anonymousBodyBytesMax);
  const body = challengeRequest.safeParse(parseBody(text));
  if (!body.success) throw new JabberError("input.invalid", z.prettifyError(body.error).slice(0, 300));
  const now = deps.clock.now();
  return Response.json(makeChallenge(deps.self, deps.book.issue(address, now), now));
}

/**
 * Checks the claim in a request's `Authorization` header; the nonce is burnt.
 * @throws `auth.missing`, `agent.*`, `token.*`
 */
export function admit(deps: AgentDoorDeps, headers: Headers, address: string): Admission {
  const identity = identifyAgent(deps, headers, address);
  const now = deps.clock.now();
  const credential = headers.get(JOIN_HEADER);
  const joins = credential !== null && !deps.isEnrolled(identity.id);
  const row = joins ? checkJoinCredential(credential, deps.joinRows(), now) : undefined;
  const warning = clockWarning(identity.skewMs);
  if (warning !== undefined) {
    const { code, message, next = "" } = warning;
    deps.log("warn", message, { agent: identity.id, code, next });
  }
  return {
    proof: {
      agent: identity.id,
      key: identity.key.jwk.x,
      claim: deps.alone ? "" : identity.proof,
      boot: identity.boot,
      epoch: identity.epoch,
      address,
      token: row?.id ?? null,
      ...(row?.uses !== undefined && { tokenUses: row.uses }),
    },
    welcome: makeWelcomeProof(deps.self, identity, now),
  };
}

/** Who a request's claim proves; also for what agents fetch over HTTP. @throws `auth.missing`, `agent.*` */
export function identifyAgent(deps: AgentDoorDeps, headers: Headers, address: string): ConnectIdentity {
  const found = /^Bearer ([\x21-\x7e]{1,8192})$/i.exec(headers.get("authorization") ?? "");
  if (found === null) throw new JabberError("auth.missing");
  const { self, book, clock } = deps;
  return verifyConnectClaim(found[1]!, { self, book, now: clock.now(), fromLoopback: isLoopback(address) });
}

/**
 * Answers `GET /v1/agent/scripts/{hash}`: the signed file, for an enrolled agent with a fresh claim.
 * @throws `auth.missing`, `agent.*`, `input.not_found`
 */
export async function answerScript(
  deps: AgentDoorDeps,
  headers: Headers,
  address: string,
  hash: string,
): Promise<Response> {
  const { id } = identifyAgent(deps, headers, address);
  // Anybody can make a key; a hash that leaked must not be enough to read a script.
  if (!deps.isEnrolled(id)) throw new JabberError("agent.not_enrolled", JSON.stringify(id));
  const text = await deps.scriptText(hash);
  if (text === undefined) throw new JabberError("input.not_found", `script ${JSON.stringify(hash)}`);
  return new Response(text, { headers: { "content-type": "application/octet-stream" } });
}

/** Reads a body of at most `bytesMax` bytes and gives up on the rest. @throws `input.too_large`, `input.invalid` */
export async function readSmallBody(request: Request, bytesMax: number): Promise<string> {
  // A body in chunks has no length, whatever a header beside them says.
  const isChunked = request.headers.has("transfer-encoding");
  const length = isChunked ? null : request.headers.get("content-length");
  if (Number(length ?? 0) > bytesMax) throw new JabberError("input.too_large", `more than ${bytesMax} bytes`);
  // A body whose length was told is no longer than that, and reading it whole makes no stream.
  const bytes = length === null ? await readBounded(request, bytesMax) : await request.bytes();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new JabberError("input.invalid", "the body is not UTF-8", undefined, { cause });
  }
}

async function readBounded(request: Request, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request.body ?? []) {
    size += part.length;
    if (size > bytesMax) throw new JabberError("input.too_large", `more than ${bytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function parseBody(text: string): unknown {
  if (text === "") return {};
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new JabberError("input.invalid", "the body is not JSON", undefined, { cause });
  }
}

/** Why a door stayed shut, for the log and the history. */
export function refusalOf(cause: unknown): { code: string; message: string } {
  const { code, message } = toErrorBody(cause);
  return { code, message };
}

/** Orders as they come, signed or not, read into one shape. */
import { JabberError } from "../../base/errors.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { AnyEnvelope } from "../../wire/envelope.ts";
import type { UnsignedOrder } from "../../wire/kinds.ts";
import type { Does, JobDocument, OrderDocument, SignedDocument } from "../../wire/sign/mod.ts";
import type { Documents } from "./documents.ts";
import type { Plan } from "./runs.ts";

/** A `command` frame. */
export type Command = Extract<AnyEnvelope, { kind: "command" }>;

/** An order, read and not yet judged. */
export interface Request {
  id: string;
  /** Of the document, or of the unsigned order's text. */
  hash: string;
  does: Does;
  args: JsonObject;
  notBefore: number;
  notAfter: number;
  /** Seconds. */
  timeout: number | undefined;
  /** May run again and again until notAfter. */
  repeats: boolean;
  meta: Json | undefined;
  /** `undefined` for an unsigned one. */
  document: OrderDocument | JobDocument | undefined;
  /** Written by the host's owner: nobody has to sign it. */
  owned?: boolean;
  selector: string | undefined;
  signers: string[];
}

/** What a refusal can say about what was asked. */
export interface Asked {
  job?: string | undefined;
  /**
   * What is remembered of a refusal; absent for what could not be read, and for what may come again and again.
   * `unproved`: the document, unless its signatures were found good.
   */
  paper?: { hash: string; notAfter: number; unproved?: SignedDocument };
  meta?: Json | undefined;
  does?: string;
  signers?: string[];
}

/** Reads what a frame asks for. Errors: those of reading an order, `input.invalid`. */
export function readRequest({ body, meta }: Command, { parseOrder }: Documents): Request {
  if ("unsigned" in body) return readUnsigned(body.unsigned, meta);
  if (!("order" in body)) throw new JabberError("input.invalid", "a job where an order was expected");
  const document = parseOrder(new TextEncoder().encode(body.order));
  const { id, does, args, notBefore, notAfter, timeoutSeconds, runs } = document.header;
  return {
    id,
    hash: document.hash,
    does,
    args,
    notBefore,
    notAfter,
    timeout: timeoutSeconds,
    repeats: runs === "many",
    meta: document.header.meta ?? meta,
    document,
    selector: undefined,
    signers: [],
  };
}

function readUnsigned(order: UnsignedOrder, meta: Json | undefined): Request {
  const found = /^(?:command:([a-zA-Z0-9.]{1,100})|script:(sha256-[0-9a-f]{64}))$/.exec(order.does);
  if (found === null) throw new JabberError("input.invalid", `does: ${JSON.stringify(order.does)}`);
  const notAfter = Date.parse(order.notAfter);
  if (Number.isNaN(notAfter)) throw new JabberError("input.invalid", `notAfter: ${JSON.stringify(order.notAfter)}`);
  return {
    id: order.id,
    hash: JSON.stringify([order.does, order.args, order.selector, order.notAfter, order.timeout ?? null]),
    does: found[1] !== undefined ? { kind: "command", key: found[1] } : { kind: "script", hash: found[2]! },
    args: order.args,
    notBefore: 0,
    notAfter,
    timeout: order.timeout,
    repeats: false,
    meta,
    document: undefined,
    selector: order.selector,
    signers: [],
  };
}

/** The part of a plan that does not depend on what is done. */
export function planBase(request: Request): Omit<Plan, "grant" | "args" | "work"> {
  const { id, hash, notBefore, notAfter, signers, meta, timeout } = request;
  return {
    order: id,
    hash,
    notBefore,
    notAfter,
    does: doesText(request.does),
    signers,
    ...(meta !== undefined && { meta }),
    timeoutMs: timeout === undefined ? LIMITS.runDefaultTimeoutMs : timeout * 1000,
  };
}

/** What a refusal of it can say. */
export function askedOf(request: Request): Asked {
  const { id, meta, signers, hash, notAfter, repeats, document } = request;
  const paper = { hash, notAfter, ...(document !== undefined && signers.length === 0 && { unproved: document }) };
  return { job: id, meta, does: doesText(request.does), signers, ...(!repeats && { paper }) };
}

/** As records name it. */
export function doesText(does: Does): string {
  return does.kind === "command" ? `command:${does.key}` : `script:${does.hash}`;
}

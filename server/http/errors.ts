import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { type ErrorBody, type ErrorCode, ERRORS, JabberError, toErrorBody } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { AnsweredError } from "../driver.ts";

/** The answer for anything thrown while a request was handled. Defects are logged; expected failures are not. */
export function errorAnswer(context: Context, cause: unknown, log: Log): Response {
  const body = bodyOf(cause);
  if (body.code === "internal") {
    log("error", "a request failed", {
      path: context.req.path,
      error: String(cause instanceof Error ? cause.stack : cause),
    });
  }
  return errorResponse(body);
}

/** An error's answer. What its sender has not sent yet is not waited for: the connection ends with it. */
export function errorResponse(error: ErrorBody): Response {
  const status = statusOf(error);
  const headers = status === 408 || status === 413 ? { connection: "close" } : {};
  return Response.json({ error }, { status, headers });
}

function statusOf(body: ErrorBody): number {
  return Object.hasOwn(ERRORS, body.code) ? ERRORS[body.code as ErrorCode].http : 500;
}

/** What is answered for anything thrown while a request was read or handled. */
export function bodyOf(cause: unknown): ErrorBody {
  if (cause instanceof AnsweredError) return cause.body;
  // The framework's own complaints are about the form of a request, a body that is not JSON among them.
  if (cause instanceof SyntaxError) return new JabberError("input.invalid", "the body is not JSON").toBody();
  if (cause instanceof HTTPException && cause.status < 500) {
    return new JabberError("input.invalid", cause.message).toBody();
  }
  // So the runtime calls a request that broke off; nobody is there to be answered, and nobody here is at fault.
  if (cause instanceof Error && cause.name === "Http") {
    return new JabberError("input.too_slow", "it broke off").toBody();
  }
  return toErrorBody(cause);
}

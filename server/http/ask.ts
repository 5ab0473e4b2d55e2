import type { z } from "@hono/zod-openapi";
import type { Operator, ServerRequest } from "../core/contract.ts";
import type { AnswerOf } from "../core/requests.ts";
import type { HttpDeps } from "./deps.ts";

/** Asks the core; the answer has the type that its row in `ANSWERS` says. */
export async function ask<R extends ServerRequest>(
  deps: HttpDeps,
  who: Operator,
  request: R,
): Promise<AnswerOf<R["ask"]>> {
  // The core builds every answer from its row's type; a test of the core checks each against the row's schema.
  return await deps.ask(who, request) as AnswerOf<R["ask"]>;
}

/** The `responses` of a route that answers 200 with this schema. */
export function answered<S extends z.ZodType>(schema: S) {
  return { 200: { description: "the answer", content: { "application/json": { schema } } } };
}

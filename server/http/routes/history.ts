import { createRoute, z } from "@hono/zod-openapi";
import { LIMITS } from "../../../base/limits.ts";
import { ANSWERS } from "../../core/requests.ts";
import { answered, ask } from "../ask.ts";
import type { App, HttpDeps } from "../deps.ts";

const list = createRoute({
  method: "get",
  path: "/v1/history",
  summary: "Who did what, newest first: pushes, runs, approvals, refusals, logins",
  request: {
    query: z.object({
      before: z.ulid().optional(),
      limit: z.coerce.number().int().min(1).max(LIMITS.readRecordsMax).default(50),
    }),
  },
  responses: answered(ANSWERS.history),
});

export function historyRoutes(app: App, deps: HttpDeps): void {
  app.openapi(list, async (context) => {
    const { before, limit } = context.req.valid("query");
    const request = { ask: "history" as const, limit, ...(before !== undefined && { before }) };
    return context.json(await ask(deps, context.get("who"), request), 200);
  });
}

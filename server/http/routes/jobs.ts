import { createRoute, z } from "@hono/zod-openapi";
import { LIMITS } from "../../../base/limits.ts";
import { ANSWERS } from "../../core/requests.ts";
import { answered, ask } from "../ask.ts";
import type { App, HttpDeps } from "../deps.ts";
import { demand } from "../operators.ts";

const params = z.object({ job: z.string().max(100) });

const apply = createRoute({
  method: "post",
  path: "/v1/jobs",
  summary: "Takes a signed job or cancellation; with dryRun only says what it would change, and on which agents",
  request: {
    query: z.object({ dryRun: z.enum(["true", "false"]).default("false") }),
    body: {
      required: true,
      content: { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } },
    },
  },
  responses: answered(ANSWERS.applyJob),
});

const list = createRoute({
  method: "get",
  path: "/v1/jobs",
  summary: "Jobs by id, cancelled ones too",
  request: {
    query: z.object({
      after: z.string().max(100).optional(),
      limit: z.coerce.number().int().min(1).max(LIMITS.jobsPerFrameMax).default(200),
    }),
  },
  responses: answered(ANSWERS.jobs),
});

const show = createRoute({
  method: "get",
  path: "/v1/jobs/{job}",
  summary: "A job, its document, and what became of it on each agent",
  request: { params },
  responses: answered(ANSWERS.job),
});

const runs = createRoute({
  method: "get",
  path: "/v1/jobs/{job}/runs",
  summary: "A job's runs, newest first",
  request: {
    params,
    query: z.object({
      before: z.string().max(200).optional(),
      limit: z.coerce.number().int().min(1).max(LIMITS.readRecordsMax).default(50),
    }),
  },
  responses: answered(ANSWERS.jobRuns),
});

/** Jobs: documents that make agents act again and again. */
export function jobRoutes(app: App, deps: HttpDeps): void {
  app.openapi(apply, async (context) => {
    const dryRun = context.req.valid("query").dryRun === "true";
    demand(context.get("who"), dryRun ? "read" : "run");
    const bytes = new Uint8Array(await context.req.arrayBuffer());
    return context.json(await ask(deps, context.get("who"), { ask: "applyJob", bytes, dryRun }), 200);
  });
  app.openapi(list, async (context) => {
    const { after, limit } = context.req.valid("query");
    const request = { ask: "jobs" as const, limit, ...(after !== undefined && { after }) };
    return context.json(await ask(deps, context.get("who"), request), 200);
  });
  app.openapi(show, async (context) => {
    const { job } = context.req.valid("param");
    return context.json(await ask(deps, context.get("who"), { ask: "job", job }), 200);
  });
  app.openapi(runs, async (context) => {
    const { job } = context.req.valid("param");
    const { before, limit } = context.req.valid("query");
    const request = { ask: "jobRuns" as const, job, limit, ...(before !== undefined && { before }) };
    return context.json(await ask(deps, context.get("who"), request), 200);
  });
}

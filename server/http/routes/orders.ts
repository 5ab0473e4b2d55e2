import { createRoute, z } from "@hono/zod-openapi";
import { pause } from "../../../base/clock.ts";
import { shallowJson } from "../../../base/json_schema.ts";
import { LIMITS } from "../../../base/limits.ts";
import { ANSWERS } from "../../core/requests.ts";
import { answered, ask } from "../ask.ts";
import type { App, HttpDeps } from "../deps.ts";
import { followOrder } from "../follow.ts";
import type { Ndjson } from "../ndjson.ts";
import { demand } from "../operators.ts";

/** Targets of a followed order that weigh as much as one more follower. */
const TARGETS_A_SEAT = 100;

const params = z.object({ order: z.ulid() });
const dryRun = z.object({ dryRun: z.enum(["true", "false"]).default("false") });
const page = z.object({
  before: z.ulid().optional(),
  limit: z.coerce.number().int().min(1).max(LIMITS.readRecordsMax).default(50),
});

const submit = createRoute({
  method: "post",
  path: "/v1/orders",
  summary: "Hands in a signed order; with dryRun only says whom it would reach",
  request: {
    query: dryRun,
    body: {
      required: true,
      content: { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } },
    },
  },
  responses: answered(ANSWERS.submitOrder),
});

const submitUnsigned = createRoute({
  method: "post",
  path: "/v1/orders/unsigned",
  summary: "Asks agents to run what needs no signed order: open scripts, and commands their policies leave free",
  request: {
    query: dryRun,
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.strictObject({
            /** `command:<key>`, `script:sha256-<hex>` */
            does: z.string().max(200),
            args: z.record(z.string(), shallowJson(LIMITS.hostCallDepthMax)).default({}),
            selector: z.string().max(LIMITS.selectorCharsMax).default(""),
            /** Seconds. */
            timeout: z.number().positive().max(LIMITS.timeoutSecondsMax).optional(),
            meta: shallowJson(LIMITS.metaDepthMax).optional(),
          }),
        },
      },
    },
  },
  responses: answered(ANSWERS.submitUnsigned),
});

const list = createRoute({
  method: "get",
  path: "/v1/orders",
  summary: "Orders, newest first",
  request: { query: page },
  responses: answered(ANSWERS.orders),
});

const show = createRoute({
  method: "get",
  path: "/v1/orders/{order}",
  summary: "An order and how far it got on each agent",
  request: { params },
  responses: answered(ANSWERS.order),
});

const follow = createRoute({
  method: "get",
  path: "/v1/orders/{order}/records",
  summary:
    "Everything about an order, one JSON text a line: {agents} first, {target}, {record}, {idle}, at the end {done}",
  request: { params, query: z.object({ follow: z.enum(["true", "false"]).default("true") }) },
  responses: {
    200: { description: "lines", content: { "application/x-ndjson": { schema: z.string() } } },
    404: { description: "no such order" },
  },
});

const cancel = createRoute({
  method: "post",
  path: "/v1/orders/{order}/cancel",
  summary: "Ends an order's runs, and keeps it from those it has not reached",
  request: {
    params,
    body: {
      required: true,
      content: { "application/json": { schema: z.strictObject({ reason: z.string().max(200).default("") }) } },
    },
  },
  responses: answered(ANSWERS.cancelOrder),
});

/** Orders and their runs. */
export function orderRoutes(app: App, deps: HttpDeps, ndjson: Ndjson): void {
  app.openapi(submit, async (context) => {
    const dry = context.req.valid("query").dryRun === "true";
    demand(context.get("who"), dry ? "read" : "run");
    const bytes = new Uint8Array(await context.req.arrayBuffer());
    return context.json(await ask(deps, context.get("who"), { ask: "submitOrder", bytes, dryRun: dry }), 200);
  });
  app.openapi(submitUnsigned, async (context) => {
    const dry = context.req.valid("query").dryRun === "true";
    demand(context.get("who"), dry ? "read" : "run");
    const { does, args, selector, timeout, meta } = context.req.valid("json");
    const answer = await ask(deps, context.get("who"), {
      ask: "submitUnsigned",
      does,
      args,
      selector,
      dryRun: dry,
      ...(timeout !== undefined && { timeout }),
      ...(meta !== undefined && { meta }),
    });
    return context.json(answer, 200);
  });
  app.openapi(list, async (context) => {
    const { before, limit } = context.req.valid("query");
    const request = { ask: "orders" as const, limit, ...(before !== undefined && { before }) };
    return context.json(await ask(deps, context.get("who"), request), 200);
  });
  app.openapi(show, async (context) => {
    const { order } = context.req.valid("param");
    return context.json(await ask(deps, context.get("who"), { ask: "order", order }), 200);
  });
  app.openapi(follow, async (context) => {
    const { order } = context.req.valid("param");
    const who = context.get("who");
    // Unknown orders must be an answer, not a broken-off body.
    const { targets } = await ask(deps, who, { ask: "order", order });
    const wanted = context.req.valid("query").follow === "true";
    const source = {
      store: deps.store,
      hub: deps.hub,
      order: () => ask(deps, who, { ask: "order", order }),
      pause: (ms: number) => pause(deps.clock, ms),
    };
    return ndjson(
      [context.req.raw.signal, deps.stopping, deps.operators.until(context.get("who").user)],
      (signal) => followOrder(source, order, wanted, signal),
      // Whoever follows looks at all targets again and again.
      1 + Math.floor(targets.length / TARGETS_A_SEAT),
    );
  });
  app.openapi(cancel, async (context) => {
    demand(context.get("who"), "run");
    const { order } = context.req.valid("param");
    const { reason } = context.req.valid("json");
    return context.json(await ask(deps, context.get("who"), { ask: "cancelOrder", order, reason }), 200);
  });
}

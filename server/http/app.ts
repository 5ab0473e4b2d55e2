/** The HTTP API: every route is one file's row, and the OpenAPI document is made from the same rows. */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Operator } from "../core/contract.ts";
import type { App, Connection, HttpDeps, HttpEnv } from "./deps.ts";
import { errorAnswer } from "./errors.ts";
import { createGate } from "./gate.ts";
import { createNdjson } from "./ndjson.ts";
import { agentRoutes } from "./routes/agents.ts";
import { clusterRoutes } from "./routes/cluster.ts";
import { factRoutes } from "./routes/facts.ts";
import { historyRoutes } from "./routes/history.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { orderRoutes } from "./routes/orders.ts";
import { scriptRoutes } from "./routes/scripts.ts";
import { sessionRoutes } from "./routes/session.ts";
import { streamRoutes } from "./routes/streams.ts";
import { systemRoutes } from "./routes/system.ts";

/** Of a request that is noted. */
const REQUEST_CHARS_MAX = 200;

/** Answers everything but the two websocket doors, which the driver handles before it asks the app. */
export function createApp(deps: HttpDeps): App {
  const app: App = new OpenAPIHono<HttpEnv & { Bindings: Connection }>({
    defaultHook: (result) => {
      if (!result.success) {
        const issue = result.error.issues[0];
        throw new JabberError("input.invalid", `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`);
      }
    },
  });
  app.onError((cause, context) => errorAnswer(context, cause, deps.log));
  app.notFound((context) => errorAnswer(context, new JabberError("input.not_found", context.req.path), deps.log));
  app.use(async (context, next) => {
    context.set("address", context.env.address);
    await next();
  });
  systemRoutes(app, deps);
  const gate = createGate(deps.clock);
  app.use("/v1/login", (_, next) => gate(next));
  app.use("/v1/login", limitBody(LIMITS.anonymousBodyBytesMax));
  sessionRoutes(app, deps);
  app.use("/v1/*", async (context, next) => {
    // Before any body is read: what is not authenticated costs nothing.
    const who = deps.operators.identify(context.req.header("authorization"), context.get("address"));
    context.set("who", who);
    await next();
    await noteForbidden(deps, who, context);
  });
  app.use("/v1/*", limitBody(LIMITS.operatorBodyBytesMax));
  agentRoutes(app, deps);
  scriptRoutes(app, deps);
  const ndjson = createNdjson(LIMITS.followersMax);
  orderRoutes(app, deps, ndjson);
  jobRoutes(app, deps);
  streamRoutes(app, deps, ndjson);
  historyRoutes(app, deps);
  clusterRoutes(app, deps);
  factRoutes(app, deps);
  app.openAPIRegistry.registerComponent("securitySchemes", "token", { type: "http", scheme: "bearer" });
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: { title: "Jabberwocky", version: deps.info.version },
    security: [{ token: [] }],
  });
  return app;
}

/** What the core never heard of, since the role does not allow it, leaves a history row all the same. */
async function noteForbidden(deps: HttpDeps, who: Operator, { error, req }: Context): Promise<void> {
  if (!(error instanceof JabberError) || error.code !== "auth.forbidden") return;
  const what = `${req.method} ${req.path}`.slice(0, REQUEST_CHARS_MAX);
  await deps.ask(who, { ask: "record", action: "request", what, outcome: error.code });
}

function limitBody(maxSize: number) {
  return bodyLimit({
    maxSize,
    onError: () => {
      throw new JabberError("input.too_large", `more than ${maxSize} bytes`);
    },
  });
}

import { createRoute, z } from "@hono/zod-openapi";
import type { App, HttpDeps } from "../deps.ts";

const health = createRoute({
  method: "get",
  path: "/healthz",
  summary: "Whether the process lives",
  security: [],
  responses: { 200: { description: "it does", content: { "text/plain": { schema: z.string() } } } },
});

const ready = createRoute({
  method: "get",
  path: "/readyz",
  summary: "Whether the server can work: store writable, not draining",
  security: [],
  responses: {
    200: { description: "ready", content: { "text/plain": { schema: z.string() } } },
    503: { description: "why not, one reason a line", content: { "text/plain": { schema: z.string() } } },
  },
});

const metrics = createRoute({
  method: "get",
  path: "/metrics",
  summary: "Prometheus metrics",
  security: [],
  responses: { 200: { description: "text exposition format", content: { "text/plain": { schema: z.string() } } } },
});

/** What load balancers, service managers and monitors ask; needs no credentials and tells no names. */
export function systemRoutes(app: App, deps: HttpDeps): void {
  app.openapi(health, (context) => context.text("ok\n"));
  app.openapi(ready, (context) => {
    const reasons = deps.notReady();
    return reasons.length === 0 ? context.text("ready\n") : context.text(reasons.join("\n") + "\n", 503);
  });
  app.openapi(metrics, async (context) => context.text(await deps.metrics()));
}

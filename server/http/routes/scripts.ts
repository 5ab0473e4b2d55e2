import { createRoute, z } from "@hono/zod-openapi";
import { ANSWERS } from "../../core/requests.ts";
import { answered, ask } from "../ask.ts";
import type { App, HttpDeps } from "../deps.ts";
import { demand } from "../operators.ts";

/** A name, or `sha256-<hex>`. */
const params = z.object({ name: z.string().max(80) });
const file = z.string().openapi({ format: "binary", description: "the signed file, byte for byte" });

const push = createRoute({
  method: "post",
  path: "/v1/scripts",
  summary: "Stores a signed script; storing it again is harmless",
  request: { body: { required: true, content: { "application/octet-stream": { schema: file } } } },
  responses: answered(ANSWERS.pushScript),
});

const list = createRoute({
  method: "get",
  path: "/v1/scripts",
  summary: "All scripts that were not removed",
  responses: answered(ANSWERS.scripts),
});

const show = createRoute({
  method: "get",
  path: "/v1/scripts/{name}",
  summary: "One script, by name (its latest version) or hash",
  request: { params },
  responses: answered(ANSWERS.script),
});

const remove = createRoute({
  method: "delete",
  path: "/v1/scripts/{name}",
  summary: "Removes a script: every version of a name, or the one with a hash",
  request: { params },
  responses: answered(ANSWERS.removeScript),
});

/** The script registry. Agents fetch by hash at a door of their own (`/v1/agent/scripts/{hash}`). */
export function scriptRoutes(app: App, deps: HttpDeps): void {
  app.openapi(push, async (context) => {
    demand(context.get("who"), "push");
    const bytes = new Uint8Array(await context.req.arrayBuffer());
    return context.json(await ask(deps, context.get("who"), { ask: "pushScript", bytes }), 200);
  });
  app.openapi(list, async (context) => context.json(await ask(deps, context.get("who"), { ask: "scripts" }), 200));
  app.openapi(show, async (context) => {
    const { name } = context.req.valid("param");
    return context.json(await ask(deps, context.get("who"), { ask: "script", name }), 200);
  });
  app.openapi(remove, async (context) => {
    demand(context.get("who"), "remove");
    const { name } = context.req.valid("param");
    return context.json(await ask(deps, context.get("who"), { ask: "removeScript", name }), 200);
  });
}

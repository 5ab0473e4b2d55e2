import { createRoute, z } from "@hono/zod-openapi";
import { JabberError, toErrorBody } from "../../../base/errors.ts";
import { rfc3339 } from "../../../base/clock.ts";
import type { App, HttpDeps } from "../deps.ts";
import type { Operator } from "../../core/contract.ts";

const login = createRoute({
  method: "post",
  path: "/v1/login",
  summary: "Changes a name and password into a token",
  security: [],
  request: {
    body: {
      required: true,
      content: {
        "application/json": { schema: z.strictObject({ user: z.string().max(64), password: z.string().max(256) }) },
      },
    },
  },
  responses: {
    200: {
      description: "the token, to be sent as `Authorization: Bearer …`",
      content: {
        "application/json": {
          schema: z.object({ token: z.string(), expires: z.string(), role: z.string(), cluster: z.string() }),
        },
      },
    },
  },
});

/** The door operators come in by. Each try leaves a history row. */
export function sessionRoutes(app: App, deps: HttpDeps): void {
  app.openapi(login, async (context) => {
    const { user, password } = context.req.valid("json");
    const address = context.get("address");
    try {
      const answer = await deps.operators.login(user, password, address);
      await record(deps, { user, role: answer.role, address }, "ok");
      const { token, role } = answer;
      return context.json({ token, expires: rfc3339(answer.expires), role, cluster: deps.info.cluster }, 200);
    } catch (cause) {
      if (cause instanceof JabberError && cause.code === "auth.refused") {
        await record(deps, { user, role: "viewer", address }, toErrorBody(cause).code);
      }
      throw cause;
    }
  });
}

function record(deps: HttpDeps, who: Operator, outcome: string): Promise<unknown> {
  return deps.ask(who, { ask: "record", action: "login", what: who.user, outcome });
}

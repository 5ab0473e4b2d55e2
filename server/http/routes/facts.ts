import { createRoute, z } from "@hono/zod-openapi";
import { rfc3339 } from "../../../base/clock.ts";
import { JabberError } from "../../../base/errors.ts";
import { ulidTime } from "../../../base/ids.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Fact } from "../../../cluster/facts/contract.ts";
import { type FactAnswer, factAnswer, factsAnswer } from "../../cluster/answers.ts";
import { answered } from "../ask.ts";
import type { App, HttpDeps } from "../deps.ts";
import { demand } from "../operators.ts";
import { addressText, clusterOf } from "./cluster.ts";

/** In place of an origin: the server that is asked. No member's name starts with it. */
const SELF = "-";

const params = z.object({
  /** A member's name; `-` is the server that is asked. */
  origin: z.string().max(LIMITS.factOriginCharsMax),
  name: z.string().max(LIMITS.factNameCharsMax),
});

const list = createRoute({
  method: "get",
  path: "/v1/facts",
  summary: "Every fact that is known, by origin and name",
  responses: answered(factsAnswer),
});

const show = createRoute({
  method: "get",
  path: "/v1/facts/{origin}/{name}",
  summary: "One fact; the origin `-` is the server that is asked",
  request: { params },
  responses: answered(factAnswer),
});

const set = createRoute({
  method: "put",
  path: "/v1/facts/{origin}/{name}",
  summary:
    "Sets a fact and gossips it; with another origin than `-` the server speaks in that member's name, and is named",
  request: {
    params,
    body: {
      required: true,
      content: {
        "application/json": { schema: z.strictObject({ value: z.string() }) },
      },
    },
  },
  responses: answered(factAnswer),
});

/** The facts that servers tell each other. */
export function factRoutes(app: App, deps: HttpDeps): void {
  app.openapi(list, (context) => context.json({ facts: clusterOf(deps).facts.list().map(factOf) }, 200));
  app.openapi(show, (context) => {
    const cluster = clusterOf(deps);
    const { origin, name } = context.req.valid("param");
    const fact = cluster.facts.get(origin === SELF ? cluster.self : origin, name);
    if (fact === undefined) {
      const asked = origin === SELF ? name : `${origin}/${name}`;
      throw new JabberError("input.not_found", `no fact ${JSON.stringify(asked)}`);
    }
    return context.json(factOf(fact), 200);
  });
  app.openapi(set, async (context) => {
    demand(context.get("who"), "facts");
    const cluster = clusterOf(deps);
    const { origin, name } = context.req.valid("param");
    const { value } = context.req.valid("json");
    const fact = await cluster.facts.set({ name, value, ...(origin !== SELF && { origin }) });
    const what = `${fact.origin}/${fact.name} version ${fact.version}`;
    await deps.ask(context.get("who"), { ask: "record", action: "set fact", what, outcome: "ok" });
    return context.json(factOf(fact), 200);
  });
}

function factOf({ address, port, ...fact }: Fact): FactAnswer {
  return { ...fact, at: rfc3339(ulidTime(fact.uuid)), address: addressText(address, port) };
}

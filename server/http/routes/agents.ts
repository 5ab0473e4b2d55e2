import { createRoute, z } from "@hono/zod-openapi";
import { toErrorBody } from "../../../base/errors.ts";
import { isAgentId } from "../../../wire/identity/ids.ts";
import type { Operator } from "../../core/contract.ts";
import { type AgentAnswer, ANSWERS } from "../../core/requests.ts";
import { agentRun, lastRuns } from "../agent_runs.ts";
import { answered, ask } from "../ask.ts";
import type { App, HttpDeps } from "../deps.ts";
import { demand } from "../operators.ts";

/** Some hundred ids. */
const AGENTS_NAMED_CHARS_MAX = 16 * 1024;

const AGENT_RUNS_MAX = 100;

const params = z.object({ agent: z.string().max(64) });

const list = createRoute({
  method: "get",
  path: "/v1/agents",
  summary: "The agents a selector matches, or those with these ids (unknown ones are left out); all without either",
  request: {
    query: z.object({
      selector: z.string().default(""),
      /** Joined by commas: who watches a part of a big fleet asks for that part alone. */
      ids: z.string().max(AGENTS_NAMED_CHARS_MAX).optional(),
    }),
  },
  responses: answered(ANSWERS.agents),
});

const show = createRoute({
  method: "get",
  path: "/v1/agents/{agent}",
  summary: "One agent, by id or name",
  request: { params },
  responses: answered(ANSWERS.agent),
});

const runs = createRoute({
  method: "get",
  path: "/v1/agents/{agent}/runs",
  summary: "The last runs of an agent, newest first",
  request: { params, query: z.object({ limit: z.coerce.number().int().min(1).max(AGENT_RUNS_MAX).default(20) }) },
  responses: answered(z.object({ runs: z.array(agentRun) })),
});

const cancelRun = createRoute({
  method: "post",
  path: "/v1/agents/{agent}/runs/{run}/cancel",
  summary: "Ends one run of an agent that is connected, whatever began it: an order or a job",
  request: {
    params: params.extend({ run: z.ulid() }),
    body: {
      required: true,
      content: { "application/json": { schema: z.strictObject({ reason: z.string().max(200).default("") }) } },
    },
  },
  responses: answered(ANSWERS.cancelRun),
});

const approve = createRoute({
  method: "post",
  path: "/v1/agents/{agent}/approve",
  summary: "Lets a waiting agent in, and clears its flags",
  request: { params },
  responses: answered(ANSWERS.approveAgent),
});

const remove = createRoute({
  method: "delete",
  path: "/v1/agents/{agent}",
  summary: "Removes an agent for good: its id is never let in again",
  request: { params },
  responses: answered(ANSWERS.removeAgent),
});

/** The fleet. */
export function agentRoutes(app: App, deps: HttpDeps): void {
  app.openapi(list, async (context) => {
    const { selector, ids } = context.req.valid("query");
    const { agents } = ids === undefined
      ? await ask(deps, context.get("who"), { ask: "agents", selector })
      : { agents: await named(deps, context.get("who"), ids.split(",")) };
    return context.json({ agents: withPlaces(deps, agents) }, 200);
  });
  app.openapi(show, async (context) => {
    const { agent } = context.req.valid("param");
    const [row] = withPlaces(deps, [await ask(deps, context.get("who"), { ask: "agent", agent })]);
    return context.json(row!, 200);
  });
  app.openapi(runs, async (context) => {
    const { agent } = context.req.valid("param");
    const { limit } = context.req.valid("query");
    const { id } = await ask(deps, context.get("who"), { ask: "agent", agent });
    return context.json({ runs: await lastRuns(deps.store, id, limit) }, 200);
  });
  app.openapi(cancelRun, async (context) => {
    demand(context.get("who"), "run");
    const { agent, run } = context.req.valid("param");
    const { reason } = context.req.valid("json");
    return context.json(await ask(deps, context.get("who"), { ask: "cancelRun", agent, run, reason }), 200);
  });
  app.openapi(approve, async (context) => {
    demand(context.get("who"), "approve");
    const { agent } = context.req.valid("param");
    return context.json(await ask(deps, context.get("who"), { ask: "approveAgent", agent }), 200);
  });
  app.openapi(remove, async (context) => {
    demand(context.get("who"), "remove");
    const { agent } = context.req.valid("param");
    return context.json(await ask(deps, context.get("who"), { ask: "removeAgent", agent }), 200);
  });
}

/** Says of those who are not connected here where they are, as far as the cluster knows. */
function withPlaces({ cluster }: HttpDeps, agents: readonly AgentAnswer[]): AgentAnswer[] {
  const absent = agents.filter(({ connected, state }) => !connected && state === "enrolled").map(({ id }) => id);
  const places = absent.length === 0 ? undefined : cluster?.elsewhere(absent);
  return agents.map((row) => {
    const elsewhere = places?.get(row.id);
    return elsewhere === undefined ? row : { ...row, elsewhere };
  });
}

/** Those of these agents that are known. Names are not looked up: several agents may have one. */
async function named(deps: HttpDeps, who: Operator, ids: readonly string[]): Promise<AgentAnswer[]> {
  const found = await Promise.all(
    ids.filter((id) => isAgentId(id)).map(async (agent) => {
      try {
        return await ask(deps, who, { ask: "agent", agent });
      } catch (cause) {
        if (toErrorBody(cause).code === "input.not_found") return undefined;
        throw cause;
      }
    }),
  );
  return found.filter((row) => row !== undefined);
}

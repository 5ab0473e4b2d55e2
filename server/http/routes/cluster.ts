import { createRoute, z } from "@hono/zod-openapi";
import { rfc3339 } from "../../../base/clock.ts";
import { JabberError, toErrorBody } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import { joinAnswer, keyAnswer, keysAnswer, type ServerAnswer, serversAnswer } from "../../cluster/answers.ts";
import type { ClusterFace, ServerMember } from "../../cluster/face.ts";
import type { Operator } from "../../core/contract.ts";
import { parseListen } from "../../listen.ts";
import { answered } from "../ask.ts";
import type { App, HttpDeps } from "../deps.ts";
import { demand } from "../operators.ts";

/** Longer than any key in base64. */
const SECRET_CHARS_MAX = 128;
const KEY_ID_CHARS_MAX = 64;

const endpoint = z.string().max(LIMITS.nodeNameCharsMax).refine(isDialable, "is not host:port");
const keyId = z.string().min(1).max(KEY_ID_CHARS_MAX);

const list = createRoute({
  method: "get",
  path: "/v1/servers",
  summary: "The servers of the cluster, as the one that answers sees them",
  responses: answered(serversAnswer),
});

const join = createRoute({
  method: "post",
  path: "/v1/servers/join",
  summary: "Joins the cluster of other servers, by the addresses of their gossip; one that answers is enough",
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.strictObject({
            /** `host:port` each. */
            endpoints: z.array(endpoint).min(1).max(LIMITS.joinEndpointsMax),
          }),
        },
      },
    },
  },
  responses: answered(joinAnswer),
});

const keys = createRoute({
  method: "get",
  path: "/v1/gossip/keys",
  summary: "The keys that this server seals and opens gossip with: their ids, never the keys",
  responses: answered(keysAnswer),
});

const addKey = createRoute({
  method: "post",
  path: "/v1/gossip/keys",
  summary: "Lets this server open gossip that is sealed with one more key",
  request: {
    body: {
      required: true,
      content: {
        "application/json": { schema: z.strictObject({ secret: z.string().max(SECRET_CHARS_MAX) }) },
      },
    },
  },
  responses: answered(keyAnswer),
});

const useKey = createRoute({
  method: "put",
  path: "/v1/gossip/keys/primary",
  summary: "Lets this server seal gossip with one of its keys",
  request: {
    body: { required: true, content: { "application/json": { schema: z.strictObject({ id: keyId }) } } },
  },
  responses: answered(keyAnswer),
});

const removeKey = createRoute({
  method: "delete",
  path: "/v1/gossip/keys/{key}",
  summary: "Lets this server forget a key",
  request: { params: z.object({ key: keyId }) },
  responses: answered(z.object({ removed: z.string() })),
});

/** Other servers, and what gossip with them is sealed with. Each change leaves a history row. */
export function clusterRoutes(app: App, deps: HttpDeps): void {
  app.openapi(list, (context) => {
    const cluster = clusterOf(deps);
    const servers = cluster.members().map((member) => serverOf(member, cluster.self));
    return context.json({ servers }, 200);
  });
  app.openapi(join, async (context) => {
    const { endpoints } = context.req.valid("json");
    const deed = { action: "join servers", what: endpoints.join(" ") };
    const joined = await change(deps, context.get("who"), deed, (cluster) => cluster.join(endpoints));
    return context.json({ reached: joined.reached, errors: [...joined.errors] }, 200);
  });
  app.openapi(keys, (context) => context.json({ keys: [...clusterOf(deps).keys.list()] }, 200));
  app.openapi(addKey, async (context) => {
    const { secret } = context.req.valid("json");
    // What the row names is known once the key was read; the secret itself stands nowhere.
    const deed = { action: "add gossip key", what: "" };
    const key = await change(deps, context.get("who"), deed, async (cluster) => {
      const added = await cluster.keys.add(secret);
      deed.what = added.id;
      return added;
    });
    return context.json(key, 200);
  });
  app.openapi(useKey, async (context) => {
    const { id } = context.req.valid("json");
    const deed = { action: "use gossip key", what: id };
    const key = await change(deps, context.get("who"), deed, (cluster) => cluster.keys.use(id));
    return context.json(key, 200);
  });
  app.openapi(removeKey, async (context) => {
    const { key } = context.req.valid("param");
    const deed = { action: "remove gossip key", what: key };
    await change(deps, context.get("who"), deed, (cluster) => cluster.keys.remove(key));
    return context.json({ removed: key }, 200);
  });
  // The listener answers it before the app is asked; it stands in the description all the same.
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/v1/gossip/events",
    summary: "A websocket of every message of gossip that this server sends and hears, one JSON text a frame",
    request: {
      query: z.object({
        /** Only these types, joined by commas. */
        type: z.string().optional(),
        /** Only what is said with this member. */
        peer: z.string().optional(),
      }),
    },
    responses: { 101: { description: "the websocket" } },
  });
}

/** @throws `gossip.off` */
export function clusterOf({ cluster }: Pick<HttpDeps, "cluster">): ClusterFace {
  if (cluster === undefined) throw new JabberError("gossip.off");
  return cluster;
}

/** Changes something about the cluster for who may, and leaves a history row of how that ended. */
async function change<T>(
  deps: HttpDeps,
  who: Operator,
  deed: { action: string; what: string },
  work: (cluster: ClusterFace) => Promise<T>,
): Promise<T> {
  demand(who, "cluster");
  const cluster = clusterOf(deps);
  const record = (outcome: string) => deps.ask(who, { ask: "record", ...deed, outcome });
  let done: T;
  try {
    done = await work(cluster);
  } catch (cause) {
    await record(toErrorBody(cause).code);
    throw cause;
  }
  await record("ok");
  return done;
}

function serverOf({ endpoint, since, ...member }: ServerMember, self: string): ServerAnswer {
  return {
    ...member,
    tags: { ...member.tags },
    address: addressText(endpoint.address, endpoint.port),
    since: rfc3339(since),
    self: member.name === self,
  };
}

/** `host:port`, IPv6 in brackets. */
export function addressText(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function isDialable(text: string): boolean {
  try {
    return parseListen(text).port > 0;
  } catch {
    return false;
  }
}

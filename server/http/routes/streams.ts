import { createRoute, z } from "@hono/zod-openapi";
import { JabberError } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import { parseStream, runStream } from "../../../wire/streams.ts";
import { ask } from "../ask.ts";
import type { App, HttpDeps } from "../deps.ts";
import { checkReadable, streamLines } from "../follow.ts";
import type { Ndjson } from "../ndjson.ts";

const streamName = z.string().refine(
  (name) => parseStream(name) !== undefined,
  "no stream name: <agent>/log or <agent>/<run>",
);

/** Anything less would list the streams of many agents, a million of them perhaps. */
function namesAgent(prefix: string): boolean {
  return /^[a-z0-9-]{1,64}\//.test(prefix);
}

/** Agents whose streams are looked up together: a round trip to the storage thread for each would take too long. */
const AGENTS_AT_ONCE = 256;

const list = createRoute({
  method: "get",
  path: "/v1/streams",
  summary: "The streams of an agent, or of an agent and run",
  request: { query: z.object({ prefix: z.string().max(200).refine(namesAgent, "no <agent>/ or <agent>/<run>") }) },
  responses: {
    200: {
      description: "names, offsets held (`to` exclusive) and bytes",
      content: {
        "application/json": {
          schema: z.object({
            streams: z.array(z.object({
              stream: z.string(),
              ranges: z.array(z.object({ from: z.int(), to: z.int() })),
              bytes: z.number(),
            })),
            /** There are more than one answer holds. */
            more: z.boolean().optional(),
          }),
        },
      },
    },
  },
});

const ofRun = createRoute({
  method: "get",
  path: "/v1/runs/{run}",
  summary: "The stream of a run",
  request: { params: z.object({ run: z.ulid() }) },
  responses: {
    200: {
      description: "its name",
      content: { "application/json": { schema: z.object({ stream: z.string(), agent: z.string() }) } },
    },
    404: { description: "no such run" },
  },
});

const read = createRoute({
  method: "get",
  path: "/v1/streams/records",
  summary: "The records of a stream from an offset, one JSON text a line, exactly as the agent minted them",
  request: {
    query: z.object({
      stream: streamName,
      /** Inclusive. */
      from: z.coerce.number().int().min(0).default(0),
      /** Waits for more instead of ending. */
      follow: z.enum(["true", "false"]).default("false"),
    }),
  },
  responses: {
    200: { description: "records", content: { "application/x-ndjson": { schema: z.string() } } },
    410: { description: "that offset was trimmed; `error.data.first` is the first one held" },
  },
});

/** Reading what agents said. */
export function streamRoutes(app: App, deps: HttpDeps, ndjson: Ndjson): void {
  app.openapi(list, async (context) => {
    const { prefix } = context.req.valid("query");
    const found = await deps.store.extents(prefix, LIMITS.readRecordsMax + 1);
    const streams = found.slice(0, LIMITS.readRecordsMax).map(({ stream, ranges, bytes }) => ({
      stream,
      ranges,
      bytes,
    }));
    return context.json({ streams, ...(found.length > streams.length && { more: true }) }, 200);
  });
  app.openapi(ofRun, async (context) => {
    const { run } = context.req.valid("param");
    const { agents } = await ask(deps, context.get("who"), { ask: "agents", selector: "" });
    for (let at = 0; at < agents.length; at += AGENTS_AT_ONCE) {
      const some = agents.slice(at, at + AGENTS_AT_ONCE);
      const extents = await Promise.all(some.map(({ id }) => deps.store.extent(runStream(id, run, 0))));
      const found = extents.findIndex((extent) => extent !== undefined);
      if (found >= 0) return context.json({ stream: extents[found]!.stream, agent: some[found]!.id }, 200);
    }
    throw new JabberError("stream.unknown", `no run ${JSON.stringify(run)}`);
  });
  app.openapi(read, async (context) => {
    const { stream, from, follow } = context.req.valid("query");
    await checkReadable(deps.store, stream, from, follow === "true");
    return ndjson(
      [context.req.raw.signal, deps.stopping, deps.operators.until(context.get("who").user)],
      (signal) => streamLines(deps.store, deps.hub, stream, { from, follow: follow === "true", signal }),
    );
  });
}

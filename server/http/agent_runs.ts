/** The last runs of one agent, read from the ends of their streams: the first record says what began, the last how it ended. */
import { z } from "@hono/zod-openapi";
import type { Store } from "../../base/store.ts";
import type { Envelope } from "../../wire/envelope.ts";
import { parseStream } from "../../wire/streams.ts";

const optional = <T extends z.ZodType>(schema: T) => schema.exactOptional();

export const agentRun = z.object({
  run: z.string(),
  order: z.string(),
  /** `command:<key>`, `script:sha256-<hex>` */
  does: z.string(),
  startedAt: z.string(),
  state: z.enum(["refused", "started", "finished"]),
  ok: optional(z.boolean()),
  exitCode: optional(z.number()),
  error: optional(z.string()),
  finishedAt: optional(z.string()),
});
export type AgentRunAnswer = z.infer<typeof agentRun>;

/** Streams of one agent that are looked through for its newest runs; retention keeps fewer. */
const STREAMS_MAX = 10_000;
const ONE = { lines: 1, bytes: 128 * 1024 };

/** Newest first. */
export async function lastRuns(store: Store, agent: string, limit: number): Promise<AgentRunAnswer[]> {
  const extents = await store.extents(`${agent}/`, STREAMS_MAX);
  // Runs are named by the time they began.
  const newest = extents.filter(({ stream }) => parseStream(stream)?.run !== undefined)
    .sort((a, b) => a.stream < b.stream ? 1 : -1).slice(0, limit);
  const runs = await Promise.all(newest.map(async ({ stream, ranges, end }) => {
    const [first, last] = await Promise.all([
      store.read(stream, ranges[0]?.from ?? 0, ONE),
      store.read(stream, Math.max(0, end - 1), ONE),
    ]);
    return described(parseStream(stream)!.run!, first.lines[0]?.text, last.lines[0]?.text);
  }));
  return runs.filter((run) => run !== undefined);
}

/** Undefined when retention took its beginning. */
function described(
  run: string,
  firstText: string | undefined,
  lastText: string | undefined,
): AgentRunAnswer | undefined {
  const first = stateIn(firstText);
  if (first === undefined) return undefined;
  const last = stateIn(lastText) ?? first;
  const { state, ok, exitCode } = last.body;
  return {
    run,
    order: first.job ?? "",
    does: first.body.does ?? "",
    startedAt: first.time,
    state,
    ...(ok !== undefined && { ok }),
    ...(exitCode !== undefined && { exitCode }),
    ...(last.error !== undefined && { error: last.error.message }),
    ...(state !== "started" && { finishedAt: last.time }),
  };
}

function stateIn(text: string | undefined): Envelope<"runState"> | undefined {
  if (text === undefined) return undefined;
  // The line passed the schema on its way in.
  const envelope = JSON.parse(text) as Envelope;
  return envelope.kind === "runState" ? envelope as Envelope<"runState"> : undefined;
}

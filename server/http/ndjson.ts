import { JabberError } from "../../base/errors.ts";

/**
 * A streaming answer, one text a line. Pulled by the reader: a reader that stops reading stops the generator, so that
 * nothing is queued for it.
 * @param ends any of them ends the answer: the request's own signal, the server's
 * @param weight what it takes of the room there is
 * @throws `server.busy` when there is no room
 */
export type Ndjson = (
  ends: readonly AbortSignal[],
  lines: (signal: AbortSignal) => AsyncGenerator<string, void, void>,
  weight?: number,
) => Response;

/** @param room what all answers under way may weigh together */
export function createNdjson(room: number): Ndjson {
  let left = room;
  return (ends, lines, weight = 1) => {
    if (weight > left) throw new JabberError("server.busy", "streamed answers");
    left -= weight;
    return answer(ends, lines, () => left += weight);
  };
}

/** @param over called once, when nothing more is sent */
function answer(
  ends: readonly AbortSignal[],
  lines: (signal: AbortSignal) => AsyncGenerator<string, void, void>,
  over: () => void,
): Response {
  const stop = new AbortController();
  const source = lines(stop.signal);
  const encoder = new TextEncoder();
  // Also when nobody pulls any more: the generator has to let go of what it watches.
  stop.signal.addEventListener("abort", () => void source.return().finally(over), { once: true });
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const line = await source.next();
        if (!line.done) return controller.enqueue(encoder.encode(line.value + "\n"));
        controller.close();
      } catch (cause) {
        controller.error(cause);
      }
      stop.abort();
    },
    cancel: () => stop.abort(),
  });
  for (const end of ends) {
    // One that has aborted meanwhile will not say so again.
    if (end.aborted) stop.abort();
    else end.addEventListener("abort", () => stop.abort(), { once: true, signal: stop.signal });
  }
  return new Response(body, { headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" } });
}

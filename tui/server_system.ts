/** The server as the console reaches it: the command line's client, and websockets that say when they stand. */
import type { ErrorBody } from "../base/errors.ts";
import type { Json } from "../base/json.ts";
import { Api, ServerRefusal } from "../cli/api.ts";
import type { OperatorContext } from "../cli/context_file.ts";
import { frames } from "../cli/world/frames_system.ts";
import type { World } from "../cli/world.ts";
import type { ConsoleServer } from "./run.tsx";

export function systemServer(world: World, context: OperatorContext): ConsoleServer {
  const api = new Api(world, context);
  return {
    ask: (path, signal) => withSignal(api.ask({ method: "GET", path }), signal),
    send: (method, path, body) => api.ask({ method, path, ...(body !== undefined && { body }) }),
    lines: (path, signal) => api.lines(path, signal),
    frames(path, signal, opened) {
      const url = context.url.replace(/^http/, "ws") + path;
      const headers = { authorization: `Bearer ${context.token}` };
      return frames(url, { headers, ca: context.ca, signal, opened });
    },
    refusalOf,
  };
}

/** The answer, or the end of waiting for it. */
function withSignal(answer: Promise<Json>, signal: AbortSignal): Promise<Json> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function refusalOf(cause: unknown): ErrorBody | undefined {
  if (!(cause instanceof ServerRefusal)) return undefined;
  const { code, message, next } = cause;
  return { code, message, ...(next !== undefined && { next }) } as ErrorBody;
}

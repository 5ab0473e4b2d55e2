/** The frames of a websocket as the platform gives them. */
import process from "node:process";
import { WebSocket } from "ws";
import { JabberError } from "../../base/errors.ts";
import { trustNoRoots } from "../../base/roots_system.ts";
import { tlsServerName } from "../../wire/identity/mod.ts";
import { refusal } from "../api.ts";

/** Text frames until the socket ends or the signal aborts. @throws what the server refuses, `net.unreachable` */
export async function* frames(
  url: string,
  options: {
    headers: Record<string, string>;
    ca: string | undefined;
    signal: AbortSignal;
    /** Called when the socket stands. */
    opened?(): void;
  },
): AsyncGenerator<string, void, void> {
  const { headers, ca, signal } = options;
  if (ca !== undefined) trustNoRoots();
  // The platform would warn of the address in `servername` on standard error, at each start.
  process.noDeprecation = true;
  // Without `servername` the certificate of an IP address would be checked against "localhost".
  const settings = { headers, servername: tlsServerName(url), ...(ca !== undefined && { ca }) };
  const socket = new WebSocket(url, settings);
  const queue: string[] = [];
  let wake = () => {};
  let end: Error | "closed" | undefined;
  socket.on("open", () => options.opened?.());
  socket.on("message", (data: unknown) => {
    queue.push(String(data));
    wake();
  });
  socket.on(
    "unexpected-response",
    (_request: unknown, response: AsyncIterable<Uint8Array> & { statusCode?: number }) => {
      void refusedBy(response).then((error) => {
        end ??= error;
        wake();
      });
    },
  );
  socket.on("error", (error: Error) => {
    end ??= new JabberError("net.unreachable", `${new URL(url).origin} (${error.message})`);
    wake();
  });
  socket.on("close", () => {
    end ??= "closed";
    wake();
  });
  signal.addEventListener("abort", () => socket.close(), { once: true });
  try {
    for (;;) {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield next;
      if (end instanceof Error) throw end;
      if (end === "closed" || signal.aborted) return;
      await new Promise<void>((resolve) => wake = resolve);
    }
  } finally {
    socket.close();
  }
}

/** The coded answer of a server that did not upgrade. */
async function refusedBy(response: AsyncIterable<Uint8Array> & { statusCode?: number }): Promise<Error> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const part of response) parts.push(new Uint8Array(part));
  return await refusal(new Response(new Blob(parts), { status: response.statusCode ?? 500 }));
}

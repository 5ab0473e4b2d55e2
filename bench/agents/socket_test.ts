import assert from "node:assert/strict";
import { dial, textFrame } from "./socket.ts";

/** A websocket server that sends every text back twice. */
function echo(): { port: number; stop(): Promise<void> } {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    if (request.headers.get("authorization") !== "Bearer good") return new Response("who?", { status: 401 });
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => {
      socket.send(data);
      socket.send(data);
    };
    return response;
  });
  return { port: server.addr.port, stop: () => server.shutdown() };
}

Deno.test("dial() sends and hears texts of every length class, in order", async () => {
  const server = echo();
  const texts = [0, 1, 125, 126, 65535, 65536, 200_000, 7].map((length) => "ü".repeat(length >> 1).padEnd(length, "x"));
  const heard: string[] = [];
  const all = Promise.withResolvers<void>();
  const headers = { authorization: "Bearer good" };
  const socket = await dial({ hostname: "127.0.0.1", port: server.port, path: "/", headers }, (text) => {
    if (heard.push(text) === 2 * texts.length) all.resolve();
  });
  for (const text of texts) socket.send(textFrame(text));
  await all.promise;
  assert.deepEqual(heard, texts.flatMap((text) => [text, text]));
  socket.close();
  await socket.ended;
  await server.stop();
});

Deno.test("dial() tells why there is no websocket", async () => {
  const server = echo();
  await assert.rejects(dial({ hostname: "127.0.0.1", port: server.port, path: "/" }, () => {}), /401[\s\S]*who\?/);
  await server.stop();
});

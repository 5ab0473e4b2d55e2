/**
 * The peer: a websocket server of Deno and nothing else. It answers a connection's first text with a welcome of the
 * size of ours, and each later one with as many characters as our answer to a sign of life. `POST /broadcast?answers=N` sends its body to everybody, and is answered when N texts have come back.
 */
const WELCOME = "w".repeat(Number(Deno.args[0] ?? 1000));
const ANSWER = "a".repeat(Number(Deno.args[1] ?? 0));

const sockets = new Set<WebSocket>();
let left = 0;
let done = (): void => {};

function upgrade(request: Request): Response {
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  let welcomed = false;
  socket.onopen = () => sockets.add(socket);
  socket.onmessage = () => {
    if (!welcomed) {
      welcomed = true;
      socket.send(WELCOME);
    } else if (left > 0) {
      if (--left === 0) done();
    } else if (ANSWER !== "") socket.send(ANSWER);
  };
  socket.onclose = () => sockets.delete(socket);
  socket.onerror = (event) => event.preventDefault();
  return response;
}

async function broadcast(request: Request): Promise<Response> {
  const text = await request.text();
  left = Number(new URL(request.url).searchParams.get("answers"));
  const all = new Promise<void>((resolve) => done = resolve);
  for (const socket of sockets) socket.send(text);
  await all;
  return new Response("done");
}

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
  return request.headers.get("upgrade") === "websocket" ? upgrade(request) : broadcast(request);
});
console.log(`listening port=${server.addr.port}`);

/** A server whose storage thread stalls, comes back, or dies. */
import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import type { FromStorage, ToStorage } from "../../server/storage/protocol.ts";
import { spawnStorage, type StorageWorker } from "../../server/storage/thread_store.ts";
import { NearAgent, nearServer, ulid } from "../support/near_server.ts";

/** The real thread behind a tap: while it is shut, nothing that is said to it arrives. */
interface Tap {
  spawn(dataDir: string): StorageWorker;
  shut(): void;
  open(): void;
  kill(): void;
}

function tapped(): Tap {
  let waiting: ToStorage[] | undefined;
  let thread: StorageWorker;
  let face: StorageWorker;
  return {
    spawn(dataDir) {
      thread = spawnStorage(dataDir);
      face = {
        onmessage: null,
        onerror: null,
        onmessageerror: null,
        postMessage: (message) => waiting === undefined ? thread.postMessage(message) : waiting.push(message),
        terminate: () => thread.terminate(),
      };
      thread.onmessage = (event: MessageEvent<FromStorage>) => face.onmessage?.(event);
      thread.onerror = (event) => face.onerror?.(event);
      return face;
    },
    shut: () => waiting = [],
    open() {
      const held = waiting ?? [];
      waiting = undefined;
      for (const message of held) thread.postMessage(message);
    },
    kill: () => face.onerror?.(new ErrorEvent("error", { message: "gone", cancelable: true })),
  };
}

/** Asks until the answer fits: what changes is seen by asking only. */
async function until(ask: () => Promise<Response>, fits: (status: number, text: string) => boolean): Promise<void> {
  for (;;) {
    const response = await ask();
    if (fits(response.status, await response.text())) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("a server whose storage stalls says so, takes no more than its bound, and goes on by itself", async () => {
  const tap = tapped();
  const server = await nearServer({ spawn: tap.spawn });
  const agent = await NearAgent.ready(server);
  const stream = `${agent.id}/${ulid()}`;
  agent.say("output", { n: 0 }, { stream, offset: 0 });
  await agent.until("ack");
  tap.shut();
  const ready = () => fetch(`${server.url}/readyz`);
  const big = "y".repeat(60_000);
  let offset = 1;
  // Far more than the bound, unless the server hangs up.
  while (agent.socket.readyState === WebSocket.OPEN && offset < 3 * LIMITS.storeQueueBytesMax / big.length) {
    agent.socket.send(
      [0, 1, 2, 3].map((n) => agent.line("output", { big }, { stream, offset: offset + n })).join("\n"),
    );
    offset += 4;
    if (agent.socket.bufferedAmount > 1e6) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await agent.closed;
  assert.equal(agent.heard.filter(({ kind }) => kind === "ack").length, 0, "nothing is acknowledged meanwhile");
  await until(ready, (status, text) => status === 503 && text.includes("the store does not answer"));
  tap.open();
  await until(ready, (status) => status === 200);
  const again = await NearAgent.ready(server);
  again.say("output", { n: 0 }, { stream: `${again.id}/log`, offset: 0 });
  await again.until("ack");
  await again.close();
  await server.end();
});

Deno.test("a server whose storage dies is told to end, and acknowledges nothing any more", async () => {
  const tap = tapped();
  const died = Promise.withResolvers<void>();
  const server = await nearServer({ spawn: tap.spawn, onDeath: died.resolve });
  const agent = await NearAgent.ready(server);
  tap.shut();
  agent.say("output", { n: 0 }, { stream: `${agent.id}/log`, offset: 0 });
  agent.say("alive", { running: 0, spoolBytes: 0 });
  await agent.until("ack", ({ body }) => JSON.stringify(body) === '{"streams":[]}');
  tap.kill();
  await died.promise;
  await agent.closed;
  assert.ok(agent.heard.some((one) => JSON.stringify(one).includes('"store.failed"')));
  assert.equal(agent.heard.filter(({ kind }) => kind === "ack").length, 0);
  await server.running.stop();
  await Deno.remove(server.folder, { recursive: true });
});

import assert from "node:assert/strict";
import { systemClock } from "../../base/clock_system.ts";
import { seededRng } from "../../base/rng.ts";
import { createCa } from "../../cluster/ca/mod.ts";
import { privateKeyFromSeed } from "../../wire/keys.ts";
import type { AgentEvent } from "../core/contract.ts";
import { createDialer, lossText } from "./dial.ts";

/** Far more turns of the event loop than it takes to look at an answer that is there. */
const TURNS = 50;

// A dialer's HTTP client lives as long as the agent does.
const forLife = { sanitizeResources: false };

Deno.test("dial() looks at nothing that a server answers before the walls are up", forLife, async () => {
  const answered = Promise.withResolvers<void>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, ({ url }, { completed }) => {
    if (new URL(url).pathname !== "/v1/agent/challenge") return new Response();
    completed.then(answered.resolve, answered.reject);
    return new Response("no challenge");
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const walls = Promise.withResolvers<void>();
  const fed: AgentEvent[] = [];
  const failed = Promise.withResolvers<void>();
  const key = privateKeyFromSeed(new Uint8Array(32).fill(1));
  const { certPem } = await createCa("a", key, Date.now(), seededRng(1));
  const dialer = createDialer({
    key,
    pin: { cluster: "cluster-a", ca: certPem, caKey: key.public },
    boot: "boot",
    join: undefined,
    clock: systemClock,
    rng: seededRng(2),
    walls: walls.promise,
    feed: (event) => {
      fed.push(event);
      failed.resolve();
    },
  });
  dialer.dial({ attempt: 1, url, epoch: 1 });
  await answered.promise;
  for (let turn = 0; turn < TURNS; turn++) await (await fetch(url)).text();
  assert.equal(fed.length, 0);
  walls.resolve();
  await failed.promise;
  assert.deepEqual(fed.map((event) => event.type === "dialFailed" && event.error.code), ["frame.malformed"]);
  await server.shutdown();
});

Deno.test("lossText() says of a server that is cut off that it went away, and shows nobody a page of the TLS library", () => {
  const words = "the server went away without a goodbye";
  const page = "https://docs.rs/rustls/latest/rustls/manual/_03_howto/index.html#unexpected-eof";
  const cut = `peer closed connection without sending TLS close_notify: ${page}`;
  assert.equal(lossText(cut, "", 1006), words);
  assert.equal(lossText(`Unexpected end: ${cut}`, "", 1006), `Unexpected end: ${words}`);
  assert.equal(lossText("", "", 1006), words);
  assert.equal(
    lossText("Connection reset by peer (os error 104)", "", 1006),
    "Connection reset by peer (os error 104)",
  );
  assert.equal(lossText("", "stopping", 1001), "stopping");
  assert.equal(lossText("", "", 1000), "code 1000");
});

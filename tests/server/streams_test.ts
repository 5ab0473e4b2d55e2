/** An enrolled agent that begins streams without end, before a whole server. */
import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { NearAgent, nearServer, newAgentKey, ulid } from "../support/near_server.ts";

Deno.test("a server keeps so many streams of one agent, refuses it more, and serves all others", async () => {
  const server = await nearServer();
  try {
    const key = newAgentKey();
    const hostile = await NearAgent.ready(server, key);
    const record = (agent: NearAgent, stream: string, offset = 0) =>
      agent.line("output", { n: offset }, { stream, offset });
    const first = `${hostile.id}/${ulid()}`;
    hostile.socket.send(record(hostile, first));
    await hostile.until("ack");
    for (let begun = 1; begun < LIMITS.streamsPerAgentMax;) {
      const count = Math.min(LIMITS.frameRecordsMax, LIMITS.streamsPerAgentMax - begun);
      const lines = Array.from({ length: count }, () => record(hostile, `${hostile.id}/${ulid()}`));
      hostile.socket.send(lines.join("\n"));
      begun += count;
      // No more at once than an honest agent's window.
      if (begun % (64 * LIMITS.frameRecordsMax) === 0) await hostile.until("ack");
    }
    hostile.say("alive", { running: 0, spoolBytes: 0 });
    await hostile.until("ack", ({ body }) => JSON.stringify(body) === '{"streams":[]}');
    hostile.socket.send(record(hostile, `${hostile.id}/${ulid()}`));
    const { body } = await hostile.until("error");
    assert.ok(typeof body === "object" && body !== null && !Array.isArray(body));
    assert.equal(body["code"], "stream.too_many");
    assert.match(String(body["next"]), /jabber agent rm/);
    assert.equal((await hostile.closed).code, 4507);
    assert.match(await (await fetch(`${server.url}/metrics`)).text(), /^jabber_streams_refused_total 1$/m);
    const other = await NearAgent.ready(server);
    other.socket.send(record(other, `${other.id}/${ulid()}`));
    await other.until("ack");
    await other.close();
    const again = await NearAgent.ready(server, key);
    again.socket.send(record(again, first, 1));
    await again.until("ack");
    await again.close();
  } finally {
    await server.end();
  }
});

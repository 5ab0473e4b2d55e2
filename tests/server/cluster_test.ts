/** Several real servers in one process, their gossip on real sockets. */
import assert from "node:assert/strict";
import { type ClusterServer, nearCluster, untilMet, WAIT_MS } from "../support/near_cluster.ts";
import { eventually } from "../support/proc.ts";
import type { PrivateKey } from "../../wire/keys.ts";
import { composeScript, sign } from "../../wire/sign/mod.ts";

const JSON_TYPE = { "content-type": "application/json" };

/** Signs a script and pushes it; its hash. */
async function push(server: ClusterServer, author: PrivateKey, name: string): Promise<string> {
  const text = composeScript({ name, access: 1, uses: ["log.info"] }, "print(1);\n");
  const body = new Uint8Array(sign(text, "script", author, { at: Date.now() }));
  const answer = await server.ask("/v1/scripts", { method: "POST", body });
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()).hash;
}

async function has(server: ClusterServer, script: string): Promise<true | undefined> {
  const answer = await server.ask(`/v1/scripts/${script}`);
  await answer.body?.cancel();
  return answer.status === 200 || undefined;
}

/** Whether all copies of the catalog are the same. */
function equal(servers: readonly ClusterServer[]): true | undefined {
  return new Set(servers.map(({ part }) => part.catalogHash())).size === 1 || undefined;
}

Deno.test("servers of a cluster find each other, and what one is given the others have", async () => {
  const cluster = await nearCluster(3);
  try {
    const first = await cluster.start(0);
    const second = await cluster.start(1);
    await untilMet([first, second]);
    const pushed = await push(first, cluster.author, "look");
    await eventually("the script on the second server", WAIT_MS, () => has(second, pushed));

    // One that comes later takes over what was said before.
    const third = await cluster.start(2);
    await untilMet([first, second, third]);
    await eventually("the script on the third server", WAIT_MS, () => has(third, pushed));
    await eventually("equal catalogs", WAIT_MS, () => equal([first, second, third]));

    const fact = await third.ask(`/v1/facts/${third.node}/book`, {
      method: "PUT",
      headers: JSON_TYPE,
      body: JSON.stringify({ value: "gatsby" }),
    });
    assert.equal(fact.status, 200, await fact.clone().text());
    await fact.body?.cancel();
    await eventually("the fact on the first server", WAIT_MS, async () => {
      const found = await first.ask(`/v1/facts/${third.node}/book`);
      return found.status === 200 && (await found.json()).value === "gatsby" || undefined;
    });

    await third.stop();
    await eventually(
      "the third server to have left",
      WAIT_MS,
      () => first.part.members().find(({ name, state }) => name === third.node && state === "left"),
    );
  } finally {
    await cluster.end();
  }
});

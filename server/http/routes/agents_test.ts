import assert from "node:assert/strict";
import { appDoor } from "../../../tests/support/app_door.ts";
import { memoryCluster } from "../../../tests/support/memory_cluster.ts";

const row = (id: string, connected: boolean, state = "enrolled") => ({ id, name: id, connected, state });

Deno.test("an agent that another server holds is told with where that server is, and one that is here is not", async () => {
  const cluster = memoryCluster();
  for (const id of ["agent-a", "agent-b", "agent-c"]) cluster.held.set(id, "https://b.example:7431");
  const agents = [row("agent-a", false), row("agent-b", true), row("agent-c", false, "pending"), row("agent-d", false)];
  const { ask } = await appDoor(() => ({ agents }), cluster);
  const answer = await (await ask("vera", "/v1/agents")).json();
  assert.deepEqual(
    answer.agents.map(({ elsewhere }: { elsewhere?: string }) => elsewhere),
    ["https://b.example:7431", undefined, undefined, undefined],
  );
  const one = await appDoor(() => row("agent-a", false), cluster);
  assert.equal((await (await one.ask("vera", "/v1/agents/agent-a")).json()).elsewhere, "https://b.example:7431");
});

Deno.test("a server without gossip tells of no other", async () => {
  const { ask } = await appDoor(() => ({ agents: [row("agent-a", false)] }));
  assert.deepEqual(await (await ask("vera", "/v1/agents")).json(), { agents: [row("agent-a", false)] });
});

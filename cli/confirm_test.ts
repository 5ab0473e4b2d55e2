import assert from "node:assert/strict";
import { LIMITS } from "../base/limits.ts";
import { confirmed } from "./confirm.ts";
import { runCli } from "./program.ts";
import { memoryWorld, type MemoryWorldOptions } from "./world/world_memory.ts";

const CONTEXT = {
  current: "default",
  contexts: {
    default: { url: "https://127.0.0.1:1", user: "ada", token: "t", expires: "2040-01-01T00:00:00Z", cluster: "home" },
  },
};

const agent = (name: string) => ({
  id: `agent-${name}`,
  key: "k",
  name,
  tags: {},
  state: "enrolled",
  connected: true,
  address: "",
  version: "1",
  firstSeen: "2026-11-20T00:00:00Z",
  lastSeen: "2026-11-20T00:00:00Z",
  flags: [],
});

const SCRIPT = {
  hash: `sha256-${"ab".repeat(32)}`,
  name: "report",
  access: 1,
  uses: [],
  start: "open",
  tags: {},
  targets: "",
  args: {},
  metadata: {},
  signers: [],
  authors: [],
  pushedBy: "ada",
  pushedAt: "2026-11-20T00:00:00Z",
  latest: true,
  text: "",
};

/** A server that keeps count of what it was told to remove. */
function fleet(options: MemoryWorldOptions = {}) {
  const removed: string[] = [];
  const w = memoryWorld({
    answer(request) {
      const { pathname } = new URL(request.url);
      const name = pathname.split("/").at(-1)!;
      if (request.method === "DELETE") removed.push(pathname);
      if (pathname.startsWith("/v1/agents/")) return Response.json(agent(name.replace(/^agent-/, "")));
      return Response.json(request.method === "DELETE" ? { removed: [SCRIPT.hash] } : SCRIPT);
    },
    ...options,
  });
  w.disk.set("/home/jabber/contexts.json", { content: new TextEncoder().encode(JSON.stringify(CONTEXT)), mode: 0o600 });
  return { w, removed };
}

Deno.test("jabber agent rm names whom it means, and removes nobody without a yes", async () => {
  const { w, removed } = fleet({ typed: ["", "y"] });
  assert.equal(await runCli(["agent", "rm", "old1", "old2"], w), 1);
  assert.match(
    w.printed.err,
    /Remove old1 \(agent-old1\), old2 \(agent-old2\) for good\? \[y\/N\] nothing was changed/,
  );
  assert.deepEqual(removed, []);
  assert.equal(await runCli(["agent", "rm", "old1"], w), 0);
  assert.deepEqual(removed, ["/v1/agents/agent-old1"]);
});

Deno.test("jabber script rm says that a name means every version, and removes none without a yes", async () => {
  const { w, removed } = fleet({ typed: ["n", "no", "yes"] });
  assert.equal(await runCli(["script", "rm", "report"], w), 1);
  assert.match(w.printed.err, /Remove every version of report\? \[y\/N\] /);
  assert.equal(await runCli(["script", "rm", SCRIPT.hash], w), 1);
  assert.match(w.printed.err, /Remove report, sha256-abab/);
  assert.deepEqual(removed, []);
  assert.equal(await runCli(["script", "rm", "report"], w), 0);
  assert.deepEqual(removed, ["/v1/scripts/report"]);
});

Deno.test("what removes needs --yes where nobody can be asked", async () => {
  for (const words of [["agent", "rm", "old1"], ["script", "rm", "report"]]) {
    const { w, removed } = fleet();
    assert.equal(await runCli(words, w), 2);
    assert.match(w.printed.err, /nobody can be asked here; add --yes to remove/);
    assert.deepEqual(removed, []);
    assert.equal(await runCli([...words, "--yes"], w), 0);
    assert.equal(removed.length, 1);
  }
});

Deno.test("confirmed() wants the number typed above the limit, and takes no yes for it", async () => {
  const count = LIMITS.consoleConfirmHosts + 1;
  const w = memoryWorld({ typed: ["y", String(count - 1), ` ${count} `] });
  const ask = () => confirmed(w, { text: "Remove many", count, things: "agents", verb: "remove" });
  assert.deepEqual([await ask(), await ask(), await ask()], [false, false, true]);
  assert.match(w.printed.err, /Remove many\? Type the number of agents: /);
});

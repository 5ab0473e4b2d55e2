import assert from "node:assert/strict";
import bcrypt from "bcryptjs";
import type { Clock } from "../../../base/clock.ts";
import { JabberError } from "../../../base/errors.ts";
import { seededRng } from "../../../base/rng.ts";
import { memoryStore } from "../../../base/store_memory.ts";
import type { Operator, ServerRequest } from "../../core/contract.ts";
import { AnsweredError } from "../../driver.ts";
import { createApp } from "../app.ts";
import { Hub } from "../hub.ts";
import { OperatorDoor } from "../operators.ts";

const clock: Clock = { now: () => 1_800_000_000_000, monotonic: () => 0, after: () => () => {} };

/** The app in front of a core that answers every request the same; answers how to ask as somebody. */
async function door(answer: () => unknown = () => ({})) {
  const asked: ServerRequest[] = [];
  const user = (name: string, role: Operator["role"]) => ({ name, role, bcrypt: bcrypt.hashSync("secret", 4) });
  const operators = new OperatorDoor(
    [user("vera", "viewer"), user("otto", "operator")],
    { cluster: "C1", secret: new Uint8Array(32) },
    clock,
    seededRng(1),
  );
  const app = createApp({
    ask: (_, request) => {
      asked.push(request);
      return Promise.resolve().then(() => answer() as never);
    },
    store: memoryStore(),
    hub: new Hub(() => ({}), () => "now"),
    operators,
    clock,
    log: () => {},
    notReady: () => [],
    metrics: () => Promise.resolve(""),
    stopping: new AbortController().signal,
    info: { version: "1.2.3", node: "node-x", cluster: "C1" },
  });
  const tokens = new Map<string, string>();
  for (const name of ["vera", "otto"]) tokens.set(name, (await operators.login(name, "secret", "127.0.0.1")).token);
  const ask = async (who: string, path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${tokens.get(who)}` };
    return await app.fetch(new Request(`http://server${path}`, { ...init, headers }), { address: "127.0.0.1" });
  };
  return { ask, asked };
}

Deno.test("jobs: viewers read and try, operators apply", async () => {
  const { ask, asked } = await door();
  const body = "kind: job\n";
  const bytes = new TextEncoder().encode(body);
  assert.equal((await ask("vera", "/v1/jobs", { method: "POST", body })).status, 403);
  assert.equal((await ask("vera", "/v1/jobs?dryRun=true", { method: "POST", body })).status, 200);
  assert.equal((await ask("otto", "/v1/jobs", { method: "POST", body })).status, 200);
  assert.equal((await ask("nobody", "/v1/jobs")).status, 401);
  assert.deepEqual(asked, [{ ask: "applyJob", bytes, dryRun: true }, { ask: "applyJob", bytes, dryRun: false }]);
});

Deno.test("jobs: pages and names reach the core as they were asked for, and nothing that is out of bounds", async () => {
  const { ask, asked } = await door();
  for (const path of ["", "?after=b&limit=3", "/nightly", "/nightly/runs", "/nightly/runs?before=X%2Fy&limit=7"]) {
    assert.equal((await ask("vera", `/v1/jobs${path}`)).status, 200, path);
  }
  assert.deepEqual(asked, [
    { ask: "jobs", limit: 200 },
    { ask: "jobs", after: "b", limit: 3 },
    { ask: "job", job: "nightly" },
    { ask: "jobRuns", job: "nightly", limit: 50 },
    { ask: "jobRuns", job: "nightly", before: "X/y", limit: 7 },
  ]);
  for (const path of ["?limit=0", "?limit=501", "?limit=x", "/nightly/runs?limit=1001", `/${"x".repeat(101)}`]) {
    assert.equal((await ask("vera", `/v1/jobs${path}`)).status, 400, path);
  }
});

Deno.test("jobs: what the core refuses comes out with its code and status", async () => {
  const { ask } = await door(() => {
    throw new AnsweredError(new JabberError("job.older", "serial 3").toBody());
  });
  const response = await ask("otto", "/v1/jobs", { method: "POST", body: "kind: job\n" });
  assert.deepEqual([response.status, (await response.json()).error.code], [409, "job.older"]);
});

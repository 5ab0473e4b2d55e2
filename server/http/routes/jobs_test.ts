import assert from "node:assert/strict";
import { JabberError } from "../../../base/errors.ts";
import { appDoor } from "../../../tests/support/app_door.ts";
import { AnsweredError } from "../../driver.ts";

Deno.test("jobs: viewers read and try, operators apply", async () => {
  const { ask, asked } = await appDoor();
  const body = "kind: job\n";
  const bytes = new TextEncoder().encode(body);
  assert.equal((await ask("vera", "/v1/jobs", { method: "POST", body })).status, 403);
  assert.equal((await ask("vera", "/v1/jobs?dryRun=true", { method: "POST", body })).status, 200);
  assert.equal((await ask("otto", "/v1/jobs", { method: "POST", body })).status, 200);
  assert.equal((await ask("nobody", "/v1/jobs")).status, 401);
  assert.deepEqual(asked, [
    { ask: "record", action: "request", what: "POST /v1/jobs", outcome: "auth.forbidden" },
    { ask: "applyJob", bytes, dryRun: true },
    { ask: "applyJob", bytes, dryRun: false },
  ]);
});

Deno.test("jobs: pages and names reach the core as they were asked for, and nothing that is out of bounds", async () => {
  const { ask, asked } = await appDoor();
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
  const { ask } = await appDoor(() => {
    throw new AnsweredError(new JabberError("job.older", "serial 3").toBody());
  });
  const response = await ask("otto", "/v1/jobs", { method: "POST", body: "kind: job\n" });
  assert.deepEqual([response.status, (await response.json()).error.code], [409, "job.older"]);
});

import assert from "node:assert/strict";
import { ViewDriver } from "../../../tests/support/console_view.ts";
import type { JobRow } from "../../../server/core/jobs/schemas.ts";
import { jobView } from "../job/view.ts";
import { jobRunsView } from "../jobruns/view.ts";
import { jobsView } from "./view.ts";

const COUNTS = { matching: 2, accepted: 2, refused: 0, cancelled: 0, ended: 0, failed: 0 };
const job = (id: string, more: Partial<JobRow> = {}): JobRow => ({
  id,
  serial: 3,
  hash: "sha256-00",
  state: "active",
  does: "command:sys.facts",
  trigger: { kind: "cron", pattern: "0 3 * * *", zone: "UTC" },
  selector: "role=web",
  until: "2027-11-20T00:00:00.000Z",
  signers: ["thumbprint"],
  authors: ["ada"],
  appliedBy: "ada",
  appliedFrom: "127.0.0.1",
  appliedAt: "2026-11-20T10:00:00.000Z",
  orphaned: false,
  counts: COUNTS,
  ...more,
});

Deno.test("jobs are listed with when they run, on how many agents, and how they are", () => {
  const driver = new ViewDriver(jobsView, "", { area: { columns: 160, rows: 20 } });
  driver.answer("jobs", {
    jobs: [
      job("nightly"),
      job("sick", { counts: { ...COUNTS, failed: 1 } }),
      job("slow", { counts: { ...COUNTS, accepted: 1 } }),
    ],
  });
  const [, ...lines] = driver.lines();
  assert.match(lines[0]!, /nightly +● active +cron 0 3 \* \* \* +sys\.facts +2\/2 +2026-11-21 03:00:00 +role=web/);
  assert.match(lines[1]!, /sick +✖ failing/);
  assert.match(lines[2]!, /slow +◌ waiting/);
});

Deno.test("a job is cancelled by the name that was asked about", () => {
  const driver = new ViewDriver(jobsView);
  driver.answer("jobs", { jobs: [job("nightly"), job("other")] });
  const [question] = driver.press("jobs.cancel");
  assert.ok(question?.do === "confirm");
  assert.equal(question.question.title, "Cancel the job nightly?");
  assert.match(question.question.lines.join("\n"), /serial 4/);
  driver.answer("jobs", { jobs: [job("aaa"), job("nightly")] });
  assert.deepEqual(driver.send({ type: "confirmed", name: "cancel" }), [
    { do: "act", name: "cancel", act: { kind: "cancelJob", id: "nightly" } },
  ]);
});

Deno.test("a job file is applied after it was said what it changes, and where", () => {
  const driver = new ViewDriver(jobsView);
  driver.answer("jobs", { jobs: [] });
  driver.press("jobs.apply");
  assert.deepEqual(driver.send({ type: "entered", name: "path", text: "n.yaml" }), [
    { do: "act", name: "plan", act: { kind: "applyJob", path: "n.yaml", dryRun: true } },
  ]);
  const targets = [{ agent: "a", name: "web1", tags: {}, connected: true }];
  const plan = { kind: "applyJob", job: job("nightly"), change: "create", targets, leaving: [] } as const;
  const [question] = driver.send({ type: "acted", name: "plan", answer: plan });
  assert.ok(question?.do === "confirm" && question.question.title === "Create the job nightly?");
  assert.deepEqual(driver.send({ type: "confirmed", name: "apply" }), [
    { do: "act", name: "apply", act: { kind: "applyJob", path: "n.yaml", dryRun: false } },
  ]);
  const same = { ...plan, change: "same" } as const;
  assert.equal(driver.send({ type: "acted", name: "plan", answer: same })[0]?.do, "notice");
});

Deno.test("a job shows what became of it on each agent, and leads to its runs", () => {
  const driver = new ViewDriver(jobView, "nightly");
  const agent = { agent: "a", name: "web1", connected: true, matches: true };
  driver.answer("job", {
    job: job("nightly"),
    text: "",
    agents: [
      { ...agent, state: "accepted", next: "2026-11-21T03:00:00.000Z" },
      { ...agent, agent: "b", name: "web2", state: "refused", error: { code: "x", message: "not trusted" } },
    ],
  });
  const text = driver.lines().join("\n");
  assert.match(text, /when +cron 0 3 \* \* \*, until 2027-11-20/);
  assert.match(text, /web1 +● accepted +2026-11-21 03:00:00/);
  assert.match(text, /web2 +✖ refused +not trusted/);
  assert.deepEqual(driver.press("jobs.runs"), [{ do: "open", view: "jobruns", arg: "nightly" }]);
});

Deno.test("one run of a job is cancelled on its agent, and only while it goes on", () => {
  const driver = new ViewDriver(jobRunsView, "nightly");
  const run = { job: "nightly", agent: "agent-a", name: "web1", trigger: "cron", attempt: 1 } as const;
  const started = "2026-11-20T03:00:00.000Z";
  driver.answer("runs", {
    runs: [{ ...run, run: "01B", state: "started", started }, {
      ...run,
      run: "01A",
      state: "finished",
      started,
      ok: true,
    }],
  });
  const [question] = driver.press("run.cancel");
  assert.ok(question?.do === "confirm" && question.question.title === "Cancel this run of nightly on web1?");
  const [ask] = driver.send({ type: "confirmed", name: "cancel" });
  assert.ok(ask?.do === "ask" && ask.path === "/v1/agents/agent-a/runs/01B/cancel");
  driver.press("move.down");
  assert.equal(driver.press("run.cancel")[0]?.do, "notice");
});

Deno.test("runs of a job stand newest first, with why they ran and how they ended", () => {
  const driver = new ViewDriver(jobRunsView, "nightly");
  const run = { job: "nightly", agent: "a", name: "web1", trigger: "cron", attempt: 1, state: "finished" } as const;
  const started = "2026-11-20T03:00:00.000Z";
  driver.answer("runs", {
    runs: [
      { ...run, run: "01A", started, finished: "2026-11-20T03:00:00.120Z", ok: true },
      { ...run, run: "01B", started, attempt: 2, ok: false, exitCode: 4, finished: "2026-11-20T03:05:00.000Z" },
    ],
  });
  const [, first, second] = driver.lines();
  assert.match(first!, /web1 +✖ failed, exit 4 +5 min +cron, try 2/);
  assert.match(second!, /web1 +✔ ok +120 ms +cron/);
});

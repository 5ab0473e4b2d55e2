import assert from "node:assert/strict";
import * as z from "zod/mini";
import { ENGLISH } from "../base/english.ts";
import { localJobs } from "./config_jobs.ts";

const faultsOf = (value: unknown): string[] => {
  const read = z.safeParse(localJobs, value, ENGLISH);
  return read.success ? [] : read.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
};

Deno.test("localJobs reads a job as a signed one is read, with defaults filled in", () => {
  const [job, ...others] = z.parse(localJobs, [{
    id: "nightly",
    trigger: { kind: "cron", pattern: "0 3 * * *", zone: "Europe/Berlin" },
    does: "command:sys.facts",
    options: { timeout: 60, missed: "once" },
    meta: { ticket: 7 },
  }]);
  assert.deepEqual(others, []);
  assert.deepEqual(job, {
    id: "nightly",
    trigger: { kind: "cron", pattern: "0 3 * * *", zone: "Europe/Berlin" },
    does: { kind: "command", key: "sys.facts" },
    args: {},
    options: {
      timeoutSeconds: 60,
      killTree: true,
      retries: { times: 0, delaySeconds: 1, factor: 2, delayMaxSeconds: 300 },
      jitterSeconds: 0,
      overlap: "forbid",
      missed: "once",
      once: "match",
      partition: "run",
    },
    meta: { ticket: 7 },
  });
});

Deno.test("localJobs names every faulty job, and what is wrong with it", () => {
  const good = { id: "a", trigger: { kind: "now" }, does: "command:sys.facts" };
  const cases: [unknown, RegExp][] = [
    ["x", /0: .*"job" is "x", it must be a map/],
    [{ ...good, until: "2027-01-01" }, /0: .*unknown here: "job.until"/],
    [{ id: "a", does: good.does }, /0: a key is missing: "trigger"/],
    [{ ...good, trigger: { kind: "sometimes" } }, /0: .*"trigger" is \{"kind":"sometimes"\}/],
    [{ ...good, trigger: { kind: "interval", seconds: 0 } }, /"trigger.seconds" is 0, it must be from 1/],
    [{ ...good, does: "rm -rf" }, /0: .*"does" is "rm -rf"/],
    [{ ...good, options: { waves: { size: 1 } } }, /0: "options.waves" is for signed jobs/],
    [{ ...good, id: "A b" }, /0: .*"id" is "A b"/],
  ];
  for (const [job, wanted] of cases) assert.match(faultsOf([job]).join("\n"), wanted);
  assert.equal(faultsOf([{ ...good, id: "A b" }, good, { ...good, does: 1 }, good]).length, 3);
});

import assert from "node:assert/strict";
import type { JsonObject } from "../../../base/json.ts";
import { TRUST } from "../../../tests/server_core/documents.ts";
import { HandDriver } from "../../../tests/server_core/hand_driver.ts";
import { cancellation, job } from "../../../tests/server_core/jobs.ts";
import type { ServerEffect } from "../contract.ts";
import type { AnswerOf } from "../requests.ts";

const rows = (driver: HandDriver) =>
  driver.get<AnswerOf<"jobs"> & JsonObject>({ ask: "jobs", limit: 100 }).jobs
    .map(({ id, serial, state, owner, orphaned }) => [id, serial, state, owner ?? "", orphaned]);

/** Gives the core what a configuration names; answers what it logged. */
function desire(driver: HandDriver, owner: string, files: Record<string, Uint8Array>): string[] {
  const logged: string[] = [];
  const hear = (effects: ServerEffect[]) => {
    for (const effect of effects) {
      if (effect.do !== "log") continue;
      const { file, job: id, change, code } = effect.fields ?? {};
      logged.push([effect.level, file ?? id, change ?? code ?? "orphaned"].join(" "));
    }
  };
  driver.auto = false;
  hear(driver.feed({
    type: "desiredJobs",
    owner,
    files: Object.entries(files).map(([file, bytes]) => ({ file, bytes })),
  }));
  while (driver.work.length > 0) {
    driver.settle(1);
    hear(driver.last);
  }
  driver.auto = true;
  return logged;
}

Deno.test("takeDesired() applies what is new or newer, logs the difference, and does nothing the second time", async () => {
  const driver = await HandDriver.boot(TRUST);
  const session = driver.connect("agent-1");
  driver.took(session, "jobs");
  const files = { "a.yaml": job("a", 1), "b.yaml": job("b", 2) };
  assert.deepEqual(desire(driver, "ops", files), ["info a.yaml create", "info b.yaml create"]);
  assert.deepEqual(rows(driver), [["a", 1, "active", "ops", false], ["b", 2, "active", "ops", false]]);
  assert.equal(driver.took(session, "jobs").length, 2);
  assert.deepEqual(desire(driver, "ops", files), ["info a.yaml same", "info b.yaml same"]);
  assert.equal(driver.took(session, "jobs").length, 0);
  assert.deepEqual(desire(driver, "ops", { ...files, "a.yaml": job("a", 2) }), [
    "info b.yaml same",
    "info a.yaml update",
  ]);
  const { history } = driver.get<AnswerOf<"history"> & JsonObject>({ ask: "history", limit: 100 });
  assert.deepEqual(history.filter(({ who }) => who === "config:ops").map(({ from, what }) => `${from} ${what}`), [
    "configuration a",
    "configuration b",
    "configuration a",
  ]);
});

Deno.test("takeDesired() warns of a file that is older than what is here, and of one that nobody trusted signed", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.get({ ask: "applyJob", bytes: job("a", 5), dryRun: false });
  const broken = new TextEncoder().encode("kind: job\n");
  const said = desire(driver, "ops", {
    "a.yaml": job("a", 4),
    "b.yaml": broken,
    "c.yaml": job("c", 1),
    "c2.yaml": job("c", 2),
  });
  assert.deepEqual(said, [
    "warn a.yaml job.older",
    "warn b.yaml document.malformed",
    "warn c2.yaml config.invalid",
    "info c.yaml create",
  ]);
  assert.deepEqual(rows(driver), [["a", 5, "active", "", false], ["c", 1, "active", "ops", false]]);
});

Deno.test("takeDesired() ends nothing: a job that is named no more is orphaned until it is cancelled", async () => {
  const driver = await HandDriver.boot(TRUST);
  desire(driver, "ops", { "a.yaml": job("a", 1), "b.yaml": job("b", 1) });
  assert.deepEqual(desire(driver, "ops", { "a.yaml": job("a", 1) }), ["info a.yaml same", "warn b orphaned"]);
  assert.deepEqual(rows(driver).map(([id, , state, , orphaned]) => [id, state, orphaned]), [
    ["a", "active", false],
    ["b", "active", true],
  ]);
  await driver.crash();
  assert.deepEqual(
    rows(driver).map(([id, , , , orphaned]) => [id, orphaned]),
    [["a", false], ["b", false]],
    "not known yet",
  );
  assert.deepEqual(desire(driver, "", {}), ["warn a orphaned", "warn b orphaned"], "no configuration names any");
  desire(driver, "ops", { "a.yaml": job("a", 1), "b.yaml": cancellation("b", 2) });
  assert.deepEqual(rows(driver), [["a", 1, "active", "ops", false], ["b", 2, "cancelled", "ops", false]]);
});

Deno.test("takeDesired() answers for a job that an operator applied before", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.get({ ask: "applyJob", bytes: job("a", 1), dryRun: false });
  assert.deepEqual(desire(driver, "ops", { "a.yaml": job("a", 1) }), ["info a.yaml same"]);
  assert.deepEqual(rows(driver), [["a", 1, "active", "ops", false]]);
  driver.get({ ask: "applyJob", bytes: job("a", 2), dryRun: false });
  assert.deepEqual(rows(driver), [["a", 2, "active", "ops", false]], "also when somebody was quicker with a newer one");
  assert.deepEqual(desire(driver, "ops", { "a.yaml": job("a", 1) }), ["warn a.yaml job.older"]);
});

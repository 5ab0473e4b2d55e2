/** Jobs from a server that has everything but a person's key: none is kept, none runs, none comes back. */
import assert from "node:assert/strict";
import type { JsonObject } from "../../base/json.ts";
import type { AnyEnvelope } from "../../wire/envelope.ts";
import type { PrivateKey } from "../../wire/keys.ts";
import { composeJob, sign } from "../../wire/sign/mod.ts";
import { isRunState } from "./heard.ts";
import { newKey, seconds, signerOf, Stage } from "./stage.ts";

const revoked = newKey();
const DAY_MS = 24 * 3600_000;
/** Whatever is taken for a job with this trigger leaves its marker at once. */
const NOW: JsonObject = { kind: "now" };
const NIGHTLY: JsonObject = { kind: "cron", pattern: "0 3 * * *", zone: "UTC" };

/** A job's text that would leave a marker, signed by `key` (the author's when left out, nobody's for null). */
function job(stage: Stage, id: string, fields: JsonObject = {}, key?: PrivateKey | null): string {
  const { cluster, author } = stage.server.material;
  const active = {
    does: "command:process.exec",
    args: { program: "/usr/bin/touch", args: [stage.marker(id)] },
    selector: "",
    trigger: NOW,
    until: seconds(Date.now() + DAY_MS),
  };
  const bytes = composeJob({ id, cluster, serial: 1, ...(fields["cancelled"] === undefined && active), ...fields });
  return new TextDecoder().decode(key === null ? bytes : sign(bytes, "job", key ?? author, { at: Date.now() }));
}

function changed(text: string, from: string, to: string): string {
  const result = text.replace(from, to);
  assert.notEqual(result, text, `the job holds no ${from}`);
  return result;
}

type JobState = Extract<AnyEnvelope, { kind: "jobState" }>;

/** Hands the agent a job and answers what it made of it. */
async function offer(stage: Stage, text: string): Promise<JobState> {
  const { heard } = stage.server;
  const from = heard.length;
  stage.server.say("command", { job: text });
  return await heard.until("what became of the job", (since) => {
    return since.find((one): one is JobState => one.kind === "jobState");
  }, from);
}

interface Attack {
  name: string;
  refused: string;
  text(stage: Stage): string;
}

const ATTACKS: Attack[] = [
  {
    name: "a job that nobody signed",
    refused: "signature.missing",
    text: (stage) => job(stage, "bare", {}, null),
  },
  {
    name: "a job signed by a stranger",
    refused: "signer.unknown",
    text: (stage) => job(stage, "stranger", {}, stage.stranger),
  },
  {
    name: "a job signed by the server's own node key",
    refused: "signer.unknown",
    text: (stage) => job(stage, "node", {}, stage.server.material.node.key),
  },
  {
    name: "a job signed by a key that was revoked",
    refused: "signer.revoked",
    text: (stage) => job(stage, "revoked", {}, revoked),
  },
  {
    name: "a changed cron line",
    refused: "signature.invalid",
    text: (stage) => changed(job(stage, "cron", { trigger: NIGHTLY }), "0 3 * * *", "* * * * *"),
  },
  {
    name: "a cron line that became now",
    refused: "signature.invalid",
    text: (stage) => changed(job(stage, "now", { trigger: NIGHTLY }), JSON.stringify(NIGHTLY), JSON.stringify(NOW)),
  },
  {
    name: "a selector that was widened",
    refused: "signature.invalid",
    text: (stage) => changed(job(stage, "widened", { selector: "role=db" }), '"role=db"', '""'),
  },
  {
    name: "an end that was put off",
    refused: "signature.invalid",
    text: (stage) => {
      const end = seconds(Date.now() - 1000);
      return changed(job(stage, "late", { until: end }), end, seconds(Date.now() + DAY_MS));
    },
  },
  {
    name: "a serial that was raised",
    refused: "signature.invalid",
    text: (stage) => changed(job(stage, "raised"), "serial: 1", "serial: 2"),
  },
  {
    name: "a job that is over",
    refused: "document.expired",
    text: (stage) => job(stage, "over", { until: seconds(Date.now() - 1000) }),
  },
  {
    name: "another agent's job",
    refused: "document.wrong_host",
    text: (stage) => job(stage, "other", { selector: "id=agent-aaaaaaaaaaaaaaaaaaaaaaaaaa" }),
  },
  {
    name: "another cluster's job",
    refused: "document.wrong_cluster",
    text: (stage) => job(stage, "cluster", { cluster: "01M7W7A0T9CHEQHAJ342FR7MFM" }),
  },
  {
    name: "an order where a job belongs",
    refused: "document.malformed",
    text: (stage) => stage.order("order"),
  },
];

/** An honest order is carried out, and has left nothing but its own marker beside those that are expected. */
async function nothingElseRan(stage: Stage, expected: readonly string[]): Promise<void> {
  await stage.honestOrder();
  assert.deepEqual(stage.markers().filter((name) => !name.startsWith("honest-")), expected);
}

/** The author's job is taken and runs to its end, which shows that what is refused could have run. */
async function honestJob(stage: Stage, id: string, serial = 1): Promise<string> {
  const from = stage.server.heard.length;
  const text = job(stage, id, { serial });
  assert.equal((await offer(stage, text)).body.state, "accepted");
  const end = await stage.server.heard.until("the end of the job's run", (since) => {
    return since.filter(isRunState).find((one) => one.job === id && one.body.state === "finished");
  }, from);
  assert.equal(end.body.ok, true, JSON.stringify(end));
  await Deno.remove(stage.marker(id));
  return text;
}

Deno.test("agent runs no job but the one that was signed, for whom and when it was signed", async (t) => {
  const stage = await Stage.open({
    trust: () => ({ signers: [signerOf(revoked, "revoked")], revoked: [revoked.public.kid] }),
  });
  try {
    for (const { name, refused, text } of ATTACKS) {
      await t.step(name, async () => {
        const told = await offer(stage, text(stage));
        assert.deepEqual([told.body.state, told.error?.code], ["refused", refused]);
        await nothingElseRan(stage, []);
      });
    }
    await t.step("tags from the server that would make a job's selector match", async () => {
      stage.server.say("tags", { tags: { role: "db" } });
      const told = await offer(stage, job(stage, "tagged", { selector: "role=db" }));
      assert.deepEqual([told.body.state, told.error?.code], ["refused", "document.wrong_host"]);
      await nothingElseRan(stage, []);
    });
    await t.step("a job that ran, again", async () => {
      const text = await honestJob(stage, "once");
      assert.equal((await offer(stage, text)).body.state, "accepted");
      await nothingElseRan(stage, []);
    });
    await t.step("an older version, and another one under the same serial", async () => {
      const older = job(stage, "versions", { serial: 1 });
      await honestJob(stage, "versions", 2);
      assert.equal((await offer(stage, older)).error?.code, "job.older");
      const other = job(stage, "versions", { serial: 2, selector: "role=web" });
      assert.equal((await offer(stage, other)).error?.code, "job.other_document");
      await nothingElseRan(stage, []);
    });
    await t.step("a job that was cancelled, also after the agent was killed and started again", async () => {
      const text = await honestJob(stage, "ended");
      const end = job(stage, "ended", { serial: 2, cancelled: true });
      assert.equal((await offer(stage, end)).body.state, "cancelled");
      assert.equal((await offer(stage, text)).error?.code, "job.older");
      await stage.killAgent();
      await stage.startAgent();
      assert.equal((await offer(stage, text)).error?.code, "job.older");
      await nothingElseRan(stage, []);
    });
  } finally {
    await stage.close();
  }
});

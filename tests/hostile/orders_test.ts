/** Orders from a server that has everything but a person's key. */
import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { fromBase64url, toBase64url } from "../../wire/base64url.ts";
import { composeJob, sign } from "../../wire/sign/mod.ts";
import { ulid } from "./double.ts";
import { isRunState, refusalsIn } from "./heard.ts";
import { type Attack, newKey, playAll, seconds, signerOf, Stage } from "./stage.ts";

const revoked = newKey();
const expired = newKey();
const DAY_MS = 24 * 3600_000;
const FLOOD = 10_000;

/** The same text, with the first place of `from` changed. */
function changed(text: string, from: string | RegExp, to: string): string {
  const result = text.replace(from, to);
  assert.notEqual(result, text, `the order holds no ${from}`);
  return result;
}

/** The signature lines of one order under the words of another. */
function withSignaturesOf(order: string, other: string): string {
  const at = (text: string) => text.indexOf("signatures:");
  return order.slice(0, at(order)) + other.slice(at(other));
}

/** The order with a JWS whose algorithm is none and whose header is right in all else. */
function withoutAlg(order: string, signature: (honest: string) => string): string {
  const [, header = "", honest = ""] = /jws: ([\w-]+)\.\.([\w-]+)/.exec(order) ?? [];
  const members = JSON.parse(new TextDecoder().decode(fromBase64url(header)));
  const none = toBase64url(JSON.stringify({ ...members, alg: "none" }));
  return changed(order, `${header}..${honest}`, `${none}..${signature(honest)}`);
}

const NOT_SIGNED: Attack[] = [
  { name: "a program call that nobody signed", refused: ["run.unsigned"], play: (stage) => stage.bare("bare") },
  {
    name: "an order without signatures in a signed order's place",
    refused: ["signature.missing"],
    play: (stage) => stage.command(stage.order("unsigned", {}, null)),
  },
  {
    name: "an unsigned order that names no command but a path",
    refused: ["input.invalid"],
    play: (stage) => stage.bare("path", { does: "script:../../etc/passwd" }),
  },
  {
    name: "an unsigned order that is valid for longer than any order",
    refused: ["input.invalid"],
    play: (stage) =>
      stage.bare("long", {
        does: "command:sys.facts",
        args: {},
        notAfter: seconds(Date.now() + LIMITS.orderLifetimeMsMax + DAY_MS),
      }),
  },
  {
    name: "an unsigned order for other hosts",
    refused: ["document.wrong_host"],
    play: (stage) => stage.bare("other", { does: "command:sys.facts", args: {}, selector: "role=db" }),
  },
];

const WRONG_SIGNER: Attack[] = [
  {
    name: "signed by a stranger",
    refused: ["signer.unknown"],
    play: (stage) => stage.command(stage.order("stranger", {}, stage.stranger)),
  },
  {
    name: "signed by the server's own node key",
    refused: ["signer.unknown"],
    play: (stage) => stage.command(stage.order("node", {}, stage.server.material.node.key)),
  },
  {
    name: "signed by the cluster's CA key",
    refused: ["signer.unknown"],
    play: (stage) => stage.command(stage.order("ca", {}, stage.server.material.ca.key)),
  },
  {
    name: "signed by a key that was revoked",
    refused: ["signer.revoked"],
    play: (stage) => stage.command(stage.order("revoked", {}, revoked)),
  },
  {
    name: "signed by a key that has expired",
    refused: ["signer.expired"],
    play: (stage) => stage.command(stage.order("expired", {}, expired)),
  },
];

const CHANGED: Attack[] = [
  {
    name: "one byte of the arguments changed",
    refused: ["signature.invalid"],
    play: (stage) => stage.command(changed(stage.order("byteA"), "byteA", "byteB")),
  },
  {
    name: "a selector that was widened",
    refused: ["signature.invalid"],
    play: (stage) => stage.command(changed(stage.order("widened", { selector: "role=db" }), '"role=db"', '""')),
  },
  {
    name: "an end that was put off",
    refused: ["signature.invalid"],
    play: (stage) => {
      const end = seconds(Date.now() - 1000);
      const order = stage.order("late", { notBefore: seconds(Date.now() - DAY_MS), notAfter: end });
      stage.command(changed(order, end, seconds(Date.now() + DAY_MS)));
    },
  },
  {
    name: "the signatures of one order under the words of another",
    refused: ["signature.invalid"],
    play: (stage) => stage.command(withSignaturesOf(stage.order("words"), stage.order("signatures"))),
  },
  {
    name: "alg: none",
    refused: ["document.malformed"],
    play: (stage) => stage.command(withoutAlg(stage.order("none"), (jws) => jws)),
  },
  {
    name: "alg: none, and no signature",
    refused: ["document.malformed"],
    play: (stage) => stage.command(withoutAlg(stage.order("none"), () => "")),
  },
  {
    name: "a key that stands twice",
    refused: ["document.malformed"],
    play: (stage) => stage.command(changed(stage.order("twice"), /^args: /m, `args: {}\nargs: `)),
  },
  {
    name: "a script where an order belongs",
    refused: ["document.malformed"],
    play: (stage) => stage.command(new TextDecoder().decode(stage.script("as-order").bytes)),
  },
  {
    name: "a job with a changed cron line where an order belongs",
    refused: ["document.malformed"],
    play: (stage) => {
      const { cluster, author } = stage.server.material;
      const job = composeJob({
        id: "nightly",
        cluster,
        serial: 1,
        does: "command:process.exec",
        args: { program: "/usr/bin/touch", args: [stage.marker("job")] },
        selector: "",
        trigger: { kind: "cron", pattern: "0 3 * * *", zone: "UTC" },
        until: seconds(Date.now() + DAY_MS),
      });
      const signed = new TextDecoder().decode(sign(job, "job", author, { at: Date.now() }));
      stage.command(changed(signed, "0 3 * * *", "* * * * *"));
    },
  },
];

const ELSEWHERE: Attack[] = [
  {
    name: "an order for another agent",
    refused: ["document.wrong_host"],
    play: (stage) => stage.command(stage.order("other-agent", { selector: "id=agent-aaaaaaaaaaaaaaaaaaaaaaaaaa" })),
  },
  {
    name: "tags from the server that would make a selector match",
    refused: ["document.wrong_host", "document.wrong_host"],
    play: (stage) => {
      stage.server.say("tags", { tags: { role: "db", extra: "yes" } });
      stage.command(stage.order("role", { selector: "role=db" }));
      stage.command(stage.order("extra", { selector: "extra=yes" }));
    },
  },
  {
    name: "tags in the envelope that would make a selector match",
    refused: ["document.wrong_host"],
    play: (stage) =>
      stage.server.say("command", { order: stage.order("envelope", { selector: "role=db" }) }, {
        tags: { role: "db" },
      }),
  },
  {
    name: "another cluster's order",
    refused: ["document.wrong_cluster"],
    play: (stage) => stage.command(stage.order("cluster", { cluster: "01M7W7A0T9CHEQHAJ342FR7MFM" })),
  },
];

const OUT_OF_TIME: Attack[] = [
  {
    name: "an order that was held back until it was over",
    refused: ["document.expired"],
    play: (stage) =>
      stage.command(stage.order("over", {
        notBefore: seconds(Date.now() - DAY_MS),
        notAfter: seconds(Date.now() - 1000),
      })),
  },
  {
    name: "an order that was sent too early",
    refused: ["document.not_yet"],
    play: (stage) => {
      const from = Date.now() + LIMITS.clockSkewMsMax + 60_000;
      stage.command(stage.order("early", { notBefore: seconds(from), notAfter: seconds(from + DAY_MS) }));
    },
  },
];

const REPLAYS: Attack[] = [
  {
    name: "an order that was carried out, again and in other wrappings",
    refused: ["run.other_document"],
    honestRuns: 1,
    play: replay,
  },
  {
    name: "two orders in the wrong order, one of them twice",
    refused: [],
    honestRuns: 2,
    play: async (stage) => {
      const first = await carriedOut(stage);
      const second = await carriedOut(stage);
      const from = stage.server.heard.length;
      for (const order of [second, first, second]) stage.command(order);
      await answeredFromRecord(stage, [second, first, second], from);
    },
  },
];

/** An honest order that was carried out and whose marker was taken away. */
async function carriedOut(stage: Stage): Promise<string> {
  const { heard } = stage.server;
  const from = heard.length;
  const order = stage.order("once");
  stage.command(order);
  await heard.until(
    "the first run",
    (since) => since.filter(isRunState).find(({ body }) => body.state === "finished"),
    from,
  );
  await Deno.remove(stage.marker("once"));
  return order;
}

function idOf(order: string): string {
  return /^id: "(\w+)"$/m.exec(order)![1]!;
}

/** Waits for the answers that replays get from the agent's memory: records of its own stream. */
async function answeredFromRecord(stage: Stage, orders: string[], from: number): Promise<void> {
  const ids = orders.map(idOf);
  await stage.server.heard.until("answers from the record", (since) => {
    const answers = since.filter(({ stream, job }) => stream?.includes("/log") && ids.includes(job ?? ""));
    return answers.length >= orders.length ? true : undefined;
  }, from);
}

async function replay(stage: Stage): Promise<void> {
  const order = await carriedOut(stage);
  const id = idOf(order);
  const { material, heard } = stage.server;
  const from = heard.length;
  stage.command(order);
  stage.server.say("command", { order }, { job: ulid(), meta: { other: true } });
  // One more signature changes the bytes and not the document.
  const more = sign(new TextEncoder().encode(order), "order", material.node.key, { at: Date.now() });
  stage.command(new TextDecoder().decode(more));
  await answeredFromRecord(stage, [order, order, order], from);
  stage.bare("rewrapped", { id, does: "command:sys.facts", args: {} });
}

const FLOODS: Attack[] = [
  {
    name: "five thousand cancels of nothing",
    refused: [],
    play: (stage) => {
      for (let i = 0; i < 5000; i++) stage.server.say("cancel", { order: ulid(), reason: "flood" });
    },
  },
  {
    name: "ten thousand orders that nobody signed",
    refused: Array<string>(FLOOD).fill("run.unsigned"),
    play: (stage) => {
      for (let i = 0; i < FLOOD; i++) stage.bare("flood");
    },
  },
];

Deno.test("agent refuses every order that no trusted person signed for it", async (t) => {
  const stage = await Stage.open({
    trust: () => ({
      signers: [signerOf(revoked, "revoked"), signerOf(expired, "expired", seconds(Date.now() - DAY_MS))],
      revoked: [revoked.public.kid],
    }),
  });
  try {
    const tables = [NOT_SIGNED, WRONG_SIGNER, CHANGED, ELSEWHERE, OUT_OF_TIME, REPLAYS, FLOODS];
    await playAll(t, stage, tables.flat());
    await t.step("a replay after the agent was killed and started again", async () => {
      const order = await carriedOut(stage);
      await stage.killAgent();
      await stage.startAgent();
      await stage.play({ name: "", refused: [], play: () => stage.command(order) });
      assert.ok(!stage.markers().includes("once"), "it ran again");
    });
    await t.step("the agent says why in its log, coded", () => {
      assert.ok(refusalsIn(stage.server.heard.envelopes).every((code) => code.includes(".")));
    });
  } finally {
    await stage.close();
  }
});

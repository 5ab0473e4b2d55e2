import assert from "node:assert/strict";
import { rfc3339 } from "../../base/clock.ts";
import { depsOf, Hand, newWorld, orderText, T0, TRUST, ulid } from "./hand_driver_test.ts";

Deno.test("step() matches no order by what a server says of the host", async () => {
  const hand = new Hand(newWorld());
  await hand.ready();
  await hand.say("tags", { tags: { role: "db" } });
  await hand.say("command", { order: orderText({ selector: "role=db" }) });
  assert.equal(hand.refusal(), "document.wrong_host");
  assert.equal(hand.of("startCommand").length, 0);
});

Deno.test("step() asks for as many signatures as the owner's own tags demand, whatever scripts have set", async () => {
  const rules = [{ selector: "!canary", signatures: 2 }];
  const hand = new Hand(newWorld(), depsOf({ policy: { ...depsOf().policy, trust: { ...TRUST, rules } } }));
  await hand.ready();
  const notAfter = rfc3339(T0 + 60_000);
  await hand.say("command", { unsigned: { id: ulid(), does: "command:sys.facts", args: {}, selector: "", notAfter } });
  const { run } = hand.of("startCommand")[0]!.grant;
  const canary = { kind: "setTag", body: { key: "canary", value: "yes" } } as const;
  await hand.step({ type: "emission", run, emission: canary, bytes: 1 });
  assert.equal(hand.sent.at(-1)?.kind, "setTag");
  await hand.say("command", { order: orderText({ selector: "canary=yes" }) });
  assert.equal(hand.refusal(), "signature.not_enough");
});

import assert from "node:assert/strict";
import { HandDriver, NOON } from "../../tests/server_core/hand_driver.ts";
import { agentIdOf } from "../../wire/identity/mod.ts";
import { privateKeyFromSeed } from "../../wire/keys.ts";
import { composeScript, parseScript, sign, type TrustList } from "../../wire/sign/mod.ts";
import type { SharedRecord } from "./contract.ts";

const ADA = privateKeyFromSeed(new Uint8Array(32).fill(1));
const EVE = privateKeyFromSeed(new Uint8Array(32).fill(2));
const TRUST: TrustList = {
  signers: [{ key: ADA.public.kid, x: ADA.public.jwk.x, name: "ada" }],
  revoked: [],
  rules: [],
};
const AGENT = privateKeyFromSeed(new Uint8Array(32).fill(3)).public.jwk;
const ID = agentIdOf(AGENT);

function script(name: string, by = ADA): Uint8Array {
  return sign(composeScript({ name, access: 1, uses: ["log.info"] }, "print(1);\n"), "script", by, { at: NOON - 1000 });
}

function from(writer: string, record: Omit<SharedRecord, "writer" | "at">): SharedRecord {
  return { ...record, writer, at: NOON };
}

Deno.test("takeShared() has a script that was pushed elsewhere, as if it had been pushed here, once", async () => {
  const here = await HandDriver.boot(TRUST);
  const there = await HandDriver.boot(TRUST);
  there.get({ ask: "pushScript", bytes: script("look") });
  const [told] = there.shared;
  assert.ok(told);
  const record = from("server-2", told);
  for (let i = 0; i < 2; i++) here.feed({ type: "shared", records: [record] });
  const shown = here.get({ ask: "script", name: "look" });
  assert.deepEqual([shown["hash"], shown["pushedBy"], shown["text"]], [
    told.id,
    "ada",
    new TextDecoder().decode(script("look")),
  ]);
  assert.equal(here.announced.filter(({ event }) => event === "scriptPushed").length, 1);
  assert.deepEqual(here.shared, [], "what came from others is not told again");

  there.get({ ask: "removeScript", name: "look" });
  here.feed({ type: "shared", records: [from("server-2", there.shared[1]!)] });
  assert.equal(here.refused({ ask: "script", name: "look" }), "input.not_found");
});

Deno.test("takeShared() takes no other server's word for a signature, and goes on after what it refuses", async () => {
  const driver = await HandDriver.boot(TRUST);
  const value = (bytes: Uint8Array) => ({
    text: new TextDecoder().decode(bytes),
    pushedBy: "eve",
    pushedAt: "2030-01-01T00:00:00.000Z",
  });
  const good = await HandDriver.boot(TRUST);
  good.get({ ask: "pushScript", bytes: script("good") });
  driver.feed({
    type: "shared",
    records: [
      // Nothing but its signer is wrong with it.
      from("server-2", {
        kind: "script",
        id: parseScript(script("steal", EVE)).hash,
        value: value(script("steal", EVE)),
      }),
      from("server-2", { kind: "script", id: `sha256-${"0".repeat(64)}`, value: value(script("other")) }),
      from("server-2", { kind: "script", id: "sha256-1", value: { text: 1 } }),
      from("server-2", good.shared[0]!),
    ],
  });
  assert.equal(driver.counts.get("shared_refused"), 3);
  const scripts = driver.get({ ask: "scripts" })["scripts"] as { name: string }[];
  assert.deepEqual(scripts.map(({ name }) => name), ["good"]);
});

Deno.test("takeShared() lets in who was let in elsewhere, and never again who was removed", async () => {
  const driver = await HandDriver.boot(TRUST);
  const enrolment = (state: string) => ({ key: AGENT.x, name: "web1", state, joinedWith: "token-1", by: "ada" });
  const tell = (state: string, id = ID) =>
    driver.feed({ type: "shared", records: [from("server-2", { kind: "agentKey", id, value: enrolment(state) })] });
  const waiting = driver.connect(ID, {}, { key: AGENT.x, token: null });
  assert.equal(driver.get({ ask: "agent", agent: ID })["state"], "pending");
  tell("enrolled");
  assert.equal(driver.get({ ask: "agent", agent: ID })["state"], "enrolled");
  assert.match(driver.hungUp.get(waiting)?.reason ?? "", /^agent\.approved/);
  assert.equal(driver.core.joinedWith("token-1"), 1, "a token's uses count wherever they happen");
  tell("removed");
  tell("enrolled");
  assert.equal(driver.get({ ask: "agent", agent: ID })["state"], "removed");
  tell("enrolled", "agent-aaaaaaaaaaaaaaaaaaaaaaaaaa");
  assert.equal(driver.counts.get("shared_refused"), 1, "an id that does not belong to the key");
});

Deno.test("share() tells of enrolments, removals and who holds an agent, once they are durable", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.auto = false;
  driver.open(ID, { key: AGENT.x });
  const kinds = () => driver.shared.map(({ kind, value }) => `${kind} ${value?.["state"] ?? value?.["holder"]}`);
  assert.deepEqual(kinds(), ["agent server-1"]);
  driver.settle();
  assert.deepEqual(kinds(), ["agent server-1", "agentKey enrolled"]);
  driver.auto = true;
  driver.get({ ask: "removeAgent", agent: ID });
  assert.deepEqual(kinds(), ["agent server-1", "agentKey enrolled", "agentKey removed"]);
});

Deno.test("takeShared() calls an agent as it was called last, unless it is here and says so itself", async () => {
  const driver = await HandDriver.boot(TRUST);
  const tell = (name: string) => {
    const value = { key: AGENT.x, name, state: "enrolled", joinedWith: "token-1", by: "ada" };
    driver.feed({ type: "shared", records: [from("server-2", { kind: "agentKey", id: ID, value })] });
    return driver.get({ ask: "agent", agent: ID })["name"];
  };
  assert.equal(tell(""), "");
  assert.equal(tell("web1"), "web1");
  assert.equal(tell(""), "web1");
  driver.connect(ID, { name: "db1" }, { key: AGENT.x, token: null });
  const told = driver.shared.find(({ kind }) => kind === "agentKey");
  assert.deepEqual([told?.value?.["name"], told?.value?.["state"]], ["db1", "enrolled"]);
  assert.equal(tell("web1"), "db1");
});

Deno.test("takeShared() ends with the last of what comes while it writes, and tries again what the disk refuses", async () => {
  const there = await HandDriver.boot(TRUST);
  there.get({ ask: "pushScript", bytes: script("look") });
  const pushed = from("server-2", there.shared[0]!);
  const removed: SharedRecord = { ...pushed, value: null };
  const here = await HandDriver.boot(TRUST);
  const tell = (record: SharedRecord) => here.feed({ type: "shared", records: [record] });
  const names = () =>
    (here.get({ ask: "scripts" })["scripts"] as { name: string; removedAt?: string }[])
      .filter(({ removedAt }) => removedAt === undefined).map(({ name }) => name);
  here.auto = false;
  for (const record of [pushed, removed, pushed, removed]) tell(record);
  here.settle();
  assert.deepEqual(names(), [], "it was removed last");
  here.refuse = 1;
  tell(pushed);
  here.settle();
  assert.deepEqual(names(), []);
  here.feed({ type: "timer", name: "liveness" });
  here.settle();
  assert.deepEqual(names(), ["look"]);
});

Deno.test("takeShared() does not let go of an enrolment for a removal that the disk refuses", async () => {
  const here = await HandDriver.boot(TRUST);
  const there = await HandDriver.boot(TRUST);
  there.connect(ID, {}, { key: AGENT.x });
  const told = from("server-2", there.shared.find(({ kind }) => kind === "agentKey")!);
  here.auto = false;
  here.refuse = 1;
  here.feed({ type: "shared", records: [told] });
  here.settle();
  here.ask({ ask: "removeAgent", agent: ID });
  here.feed({ type: "timer", name: "liveness" });
  here.refuse = 1;
  here.settle();
  here.feed({ type: "timer", name: "liveness" });
  here.settle();
  assert.equal(here.core.isEnrolled(ID), true);
  await here.crash();
  assert.equal(here.core.isEnrolled(ID), true);
});

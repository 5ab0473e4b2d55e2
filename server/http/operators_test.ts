import assert from "node:assert/strict";
import bcrypt from "bcryptjs";
import { seededRng } from "../../base/rng.ts";
import { OperatorDoor, type User } from "./operators.ts";

const T0 = Date.parse("2026-11-20T00:00:00Z");
const PASSWORD = "correct horse";

function setUp() {
  const time = { now: T0 };
  const clock = { now: () => time.now, monotonic: () => time.now, after: () => () => {} };
  const user = (name: string, role: User["role"]): User => ({ name, role, bcrypt: bcrypt.hashSync(PASSWORD, 4) });
  const [ada, otto] = [user("ada", "admin"), user("otto", "operator")];
  const door = new OperatorDoor([ada, otto], { cluster: "C1", secret: new Uint8Array(32) }, clock, seededRng(1));
  const login = async (name: string) => `Bearer ${(await door.login(name, PASSWORD, "10.0.0.1")).token}`;
  /** The same server after a restart, with these users in its configuration. */
  const restarted = (...users: User[]) =>
    new OperatorDoor(users, { cluster: "C1", secret: new Uint8Array(32) }, clock, seededRng(2));
  return { time, ada, otto, door, login, restarted };
}

Deno.test("setUsers() ends the tokens and streams of who is taken out, for good, and nobody else's", async () => {
  const { time, ada, otto, door, login } = setUp();
  const [adas, ottos] = [await login("ada"), await login("otto")];
  const [until, untilOtto] = [door.until("ada"), door.until("otto")];
  time.now += 1000;
  door.setUsers([otto]);
  assert.throws(() => door.identify(adas, ""), { code: "auth.refused" });
  assert.equal(door.identify(ottos, "").role, "operator");
  assert.deepEqual([until.aborted, untilOtto.aborted], [true, false]);
  time.now += 1000;
  door.setUsers([ada, otto]);
  assert.throws(() => door.identify(adas, ""), { code: "auth.refused" });
  assert.equal(door.identify(await login("ada"), "").user, "ada");
  assert.equal(door.until("ada").aborted, false);
});

Deno.test("identify() knows nobody whom the configuration does not name, also after a restart", async () => {
  const { otto, login, restarted } = setUp();
  const [adas, ottos] = [await login("ada"), await login("otto")];
  const door = restarted(otto);
  assert.throws(() => door.identify(adas, ""), { code: "auth.refused" });
  assert.equal(door.identify(ottos, "").user, "otto");
});

Deno.test("setUsers() ends what is open under another role, and lets the token go on with the new one", async () => {
  const { ada, otto, door, login } = setUp();
  const adas = await login("ada");
  const until = door.until("ada");
  door.setUsers([{ ...ada, role: "viewer" }, otto]);
  assert.deepEqual([until.aborted, door.identify(adas, "").role], [true, "viewer"]);
});

Deno.test("setLoginsPerMinute() counts at once, with the tries that were made", async () => {
  const { door, login } = setUp();
  door.setLoginsPerMinute(2);
  await login("ada");
  await login("ada");
  await assert.rejects(login("ada"), { code: "auth.rate_limited" });
});

import assert from "node:assert/strict";
import { JabberError } from "../../base/errors.ts";
import { memoryWorld } from "../world/world_memory.ts";
import { readSecrets } from "./secrets.ts";

Deno.test("readSecrets() asks without echo, or reads a file or standard input", async () => {
  const world = memoryWorld({ typed: ["hunter2"], input: "from stdin\n" });
  world.disk.set("pin", { content: new TextEncoder().encode("12 34\r\n"), mode: 0o600 });
  const { words, meta } = await readSecrets(world, ["password", "pin=@pin", "key=@-"]);
  assert.deepEqual(words, ["--password=hunter2", "--pin=12 34", "--key=from stdin"]);
  assert.deepEqual(meta, { secretArgs: ["password", "pin", "key"] });
  assert.equal(world.printed.err, "password: ");
  assert.equal((await readSecrets(world, [])).meta, undefined);
});

Deno.test("readSecrets() takes no value from the command line, and asks nobody who is not there", async () => {
  await assert.rejects(readSecrets(memoryWorld(), ["password=hunter2"]), (error: Error) => {
    assert.match(error.message, /give no value here/);
    assert.doesNotMatch(error.message, /hunter2/);
    return true;
  });
  await assert.rejects(readSecrets(memoryWorld(), ["password"]), /no terminal to ask for password; use .*=@FILE/);
  await assert.rejects(readSecrets(memoryWorld({ typed: [""] }), ["password"]), /no password was given/);
  await assert.rejects(readSecrets(memoryWorld(), ["=@x"]), /name the argument/);
});

Deno.test("readSecrets().guard() names the argument instead of quoting the secret", async () => {
  const { guard } = await readSecrets(memoryWorld({ typed: ["hunter2"] }), ["pin"]);
  const failing = (detail: string) => guard(() => Promise.reject(new JabberError("args.mismatch", detail)));
  await assert.rejects(failing('--pin: "hunter2" is no number'), (error: JabberError) => {
    assert.equal(error.code, "args.mismatch");
    assert.match(error.message, /--arg-secret pin does not fit/);
    assert.doesNotMatch(error.message, /hunter2/);
    return true;
  });
  await assert.rejects(failing("another thing"), /another thing/);
  assert.equal(await guard(() => Promise.resolve(1)), 1);
});

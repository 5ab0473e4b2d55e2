import assert from "node:assert/strict";
import { describeProgram } from "./program.ts";
import { systemPermissions } from "./program_system.ts";
import { VERSION } from "./version.ts";

Deno.test("VERSION is a semantic version", () => {
  assert.match(VERSION, /^\d+\.\d+\.\d+(-[0-9a-z.]+)?$/);
});

Deno.test("describeProgram() names what is held, held in part and not held", () => {
  const granted = new Set(["net", "read", "env HOME", "env NO_COLOR"]);
  const text = describeProgram("jabber", (name, part) => {
    return granted.has(part === undefined ? name : `${name} ${part}`) ? "granted" : "prompt";
  });
  assert.equal(
    text,
    `jabber ${VERSION}\nmay use: read, net, env (HOME NO_COLOR)\nmay not use: write, sys, run, ffi, import`,
  );
});

Deno.test("describeProgram() says nothing for an empty side", () => {
  assert.match(describeProgram("x", () => "prompt"), /may use: nothing\n/);
  assert.match(describeProgram("x", () => "granted"), /may not use: nothing$/);
});

Deno.test({
  name: "systemPermissions() sees single variables and kinds",
  permissions: { env: ["HOME"], sys: ["hostname"] },
  fn() {
    assert.match(
      describeProgram("x", systemPermissions),
      /may use: env \(HOME\), sys \(hostname\)\nmay not use: read, write, net, run, ffi, import$/,
    );
  },
});

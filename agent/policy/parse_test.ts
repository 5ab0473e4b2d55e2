import assert from "node:assert/strict";
import { JabberError } from "../../base/errors.ts";
import { parsePolicy } from "./parse.ts";

const NOBODY = { signers: [], revoked: [], rules: [] };

Deno.test("parsePolicy() denies what is not written", () => {
  const nothing = {
    trust: NOBODY,
    tags: {},
    unsigned: ["sys.facts"],
    openScripts: true,
    files: { read: [], write: [] },
    programs: [],
    net: [],
  };
  for (const section of [undefined, null, {}]) assert.deepEqual(parsePolicy(section), nothing);
});

Deno.test("parsePolicy() reads a whole section", () => {
  const program = {
    path: "/usr/bin/systemctl",
    args: [{ oneOf: ["status", "restart"] }, { word: 64 }],
    options: ["--no-pager"],
    optional: 1,
    sha256: "AB".repeat(32),
    env: { TZ: "UTC" },
  };
  const policy = parsePolicy({
    tags: { env: "prod" },
    unsigned: [],
    openScripts: false,
    files: { read: ["/var/log/"] },
    programs: [program, { path: "/usr/bin/uptime" }],
    net: ["example.org", "[::1]:80"],
  });
  assert.deepEqual(policy, {
    trust: NOBODY,
    tags: { env: "prod" },
    unsigned: [],
    openScripts: false,
    files: { read: ["/var/log"], write: [] },
    programs: [{ ...program, sha256: "ab".repeat(32) }, { path: "/usr/bin/uptime", args: [] }],
    net: ["example.org", "[::1]:80"],
  });
});

Deno.test("parsePolicy() names the field that cannot be used", () => {
  const bad: [string, unknown][] = [
    ["policy", "everything"],
    ["policy", { program: [] }],
    ["policy.files.read[0]", { files: { read: ["var/log"] } }],
    ["policy.files.read[0]", { files: { read: ["~/x"] } }],
    ["policy.files.write[1]", { files: { write: ["/a", "/a/../b"] } }],
    ["policy.files", { files: { reed: [] } }],
    ["policy.programs[0].path", { programs: [{ path: "ls" }] }],
    ["policy.programs[0].realPath", { programs: [{ path: "/ls", realPath: "../ls" }] }],
    ["policy.programs[0].sha256", { programs: [{ path: "/ls", sha256: "abc" }] }],
    ["policy.programs[0].args[0]", { programs: [{ path: "/ls", args: [{ any: true }] }] }],
    ["policy.programs[0].args[0]", { programs: [{ path: "/ls", args: [{ is: "a", oneOf: ["b"] }] }] }],
    ["policy.programs[0].args[0].pathBelow[0]", { programs: [{ path: "/ls", args: [{ pathBelow: ["a"] }] }] }],
    ["policy.programs[0].args[0].integer", { programs: [{ path: "/ls", args: [{ integer: { min: 2, max: 1 } }] }] }],
    ["policy.programs[0].options[0]", { programs: [{ path: "/ls", options: ["all"] }] }],
    ["policy.programs[0].optional", { programs: [{ path: "/ls", optional: 1 }] }],
    ["policy.programs[0].repeatLast", { programs: [{ path: "/ls", repeatLast: true }] }],
    ["policy.programs[0].env.LD_PRELOAD", { programs: [{ path: "/ls", env: { LD_PRELOAD: "/x" } }] }],
    ["policy.programs[0]", { programs: [{ path: "/ls", shell: true }] }],
    ["policy.unsigned[0]", { unsigned: ["*"] }],
    ["policy.openScripts", { openScripts: "yes" }],
    ["policy.net[0]", { net: ["http://example.org"] }],
  ];
  for (const [path, section] of bad) {
    assert.throws(() => parsePolicy(section), (error: unknown) => {
      assert.ok(error instanceof JabberError);
      assert.equal(error.code, "policy.invalid");
      assert.equal(error.data?.["path"], path, error.message);
      return true;
    });
  }
});

Deno.test("parsePolicy() lets the trust list speak for itself", () => {
  assert.throws(() => parsePolicy({ trust: { signers: [{ key: "x" }] } }), { code: "trust.malformed" });
});

import assert from "node:assert/strict";
import { bundleProgram } from "./bundle.ts";
import { type BillInputs, billOfMaterials, packagesIn } from "./sbom.ts";
import { BuildError } from "./shell.ts";

const LOCK = JSON.stringify({
  npm: {
    "ws@8.23.0": { integrity: "sha512-AAEC" },
    "@hono/zod-openapi@1.6.3_hono@4.13.19_zod@4.6.7": { integrity: "sha512-/////w==" },
    "unused@1.0.0": { integrity: "sha512-AAAA" },
  },
});
const bundle = [{
  path: "server/main.js",
  text: "// npm/ws/8.23.0/lib/a.js\n  // npm/@hono/zod-openapi/1.6.3/dist/index.js\n// base/errors.ts\n",
}];
const INPUTS: BillInputs = {
  product: "jabberwocky",
  version: "1.2.3",
  triple: "x86_64-unknown-linux-gnu",
  programs: [{ file: "jabber-server", sha256: "ab".repeat(32), bundle }],
  lock: LOCK,
  runtime: { deno: "2.7.11", v8: "14.0", sqlite: "3.51" },
  runtimeSha256: undefined,
};

Deno.test("billOfMaterials() names programs, packages with their sums, and what the runtime brings", () => {
  const bill = JSON.parse(billOfMaterials(INPUTS));
  assert.deepEqual([bill.bomFormat, bill.specVersion], ["CycloneDX", "1.6"]);
  const names = bill.components.map((one: { name: string; version: string }) => `${one.name} ${one.version}`);
  const libraries = ["@hono/zod-openapi 1.6.3", "ws 8.23.0"];
  assert.deepEqual(names, ["jabber-server 1.2.3", "deno 2.7.11", "v8 14.0", "sqlite 3.51", ...libraries]);
  const openapi = bill.components[4];
  assert.equal(openapi.purl, "pkg:npm/%40hono/zod-openapi@1.6.3");
  assert.deepEqual(openapi.hashes, [{ alg: "SHA-512", content: "ffffffff" }]);
  const refs = new Set<string>(bill.components.map((one: { "bom-ref": string }) => one["bom-ref"]));
  for (const { ref, dependsOn } of bill.dependencies) {
    assert.ok(refs.has(ref) || ref === bill.metadata.component["bom-ref"], ref);
    for (const one of dependsOn) assert.ok(refs.has(one), one);
  }
});

Deno.test("billOfMaterials() says the same of the same, and refuses a package that nobody pinned", () => {
  assert.equal(billOfMaterials(INPUTS), billOfMaterials({ ...INPUTS }));
  const loose = [{ path: "a.js", text: "// npm/loose/9.9.9/a.js\n" }];
  const programs = [{ file: "a", sha256: "00", bundle: loose }];
  assert.throws(() => billOfMaterials({ ...INPUTS, programs }), BuildError);
});

Deno.test("packagesIn() finds the packages of a real bundle, and none of this machine", async () => {
  const found = packagesIn(await bundleProgram("build/testdata/fixture/main.ts"));
  for (const name of ["ws@", "yaml@", "zod@", "@peculiar/x509@"]) {
    assert.ok(found.some((one) => one.startsWith(name)), `${name} of ${found}`);
  }
  assert.ok(found.every((one) => /^(@[\w.-]+\/)?[\w.-]+@\d[\w.-]*$/.test(one)), String(found));
});

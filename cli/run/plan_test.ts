import assert from "node:assert/strict";
import { privateKeyFromSeed, privateKeyToPem } from "../../wire/keys.ts";
import { composeScript, parseOrder, parseScript } from "../../wire/sign/mod.ts";
import { Api } from "../api.ts";
import { memoryWorld } from "../world/world_memory.ts";
import { planRun, type Submission } from "./plan.ts";

const NOW = Date.UTC(2026, 10, 20);

/** Plans against a server that answers every question for a script with this one. */
async function plan(script: Uint8Array, name: string, words: string[] = []): Promise<Submission> {
  const { hash, header: { name: named, access } } = parseScript(script);
  const row = { hash, name: named, access, uses: [], start: "ordered", tags: {}, targets: "", args: {}, metadata: {} };
  const rest = { signers: [], authors: [], pushedBy: "ada", pushedAt: "2026-11-20T00:00:00Z", latest: true };
  const text = new TextDecoder().decode(script);
  const world = memoryWorld({ now: NOW, answer: () => Response.json({ ...row, ...rest, text }) });
  const pem = privateKeyToPem(privateKeyFromSeed(new Uint8Array(32).fill(7)));
  await world.files.write("/home/jabber/author.key", pem, { mode: 0o600, overwrite: true });
  const context = { url: "https://server", user: "ada", token: "t", expires: "2030-01-01T00:00:00Z", cluster: "C1" };
  const options = {
    selector: "",
    timeout: undefined,
    valid: undefined,
    meta: undefined,
    key: undefined,
    dryRun: false,
  };
  return await planRun(world, new Api(world, context), name, words, options);
}

const deploy = composeScript({ name: "deploy", access: 4, uses: ["process.exec"] }, "return 1;\n");

Deno.test("planRun() signs for the script it asked for, by name and by hash", async () => {
  const { hash } = parseScript(deploy);
  for (const name of ["deploy", hash]) {
    const planned = await plan(deploy, name);
    assert.ok(planned.signed);
    assert.deepEqual(parseOrder(planned.bytes).header.does, { kind: "script", hash });
  }
});

Deno.test("planRun() signs nothing for another script that the server gives in its place", async () => {
  const wipe = composeScript({ name: "wipe", access: 4, uses: ["process.exec"] }, "return 2;\n");
  for (const name of ["deploy", parseScript(deploy).hash]) {
    await assert.rejects(plan(wipe, name), { code: "script.mismatch" }, name);
  }
});

Deno.test("planRun() signs orders for commands that only somebody's own agents have", async () => {
  const planned = await plan(deploy, "command:demo.dice", ["--args", '{"sides":20}']);
  assert.ok(planned.signed);
  const { does, args } = parseOrder(planned.bytes).header;
  assert.deepEqual([does, args], [{ kind: "command", key: "demo.dice" }, { sides: 20 }]);
  await assert.rejects(plan(deploy, "command:nonsense"), { code: "input.usage" });
  const known = await plan(deploy, "command:sys.facts");
  assert.ok(!known.signed, "a command that every agent has is known by either name");
});

Deno.test("planRun() guesses at pushed scripts as it does at commands", async () => {
  const { hash } = parseScript(deploy);
  const row = { hash, name: "deploy", access: 4, uses: [], start: "ordered", tags: {}, targets: "", args: {} };
  const rest = { metadata: {}, signers: [], authors: [], pushedBy: "ada", pushedAt: "2026-11-20T00:00:00Z" };
  const world = memoryWorld({
    now: NOW,
    answer: (request) =>
      new URL(request.url).pathname === "/v1/scripts"
        ? Response.json({ scripts: [{ ...row, ...rest, latest: true }] })
        : Response.json({ error: { code: "input.not_found", message: "x", next: "y" } }, { status: 404 }),
  });
  const context = { url: "https://server", user: "ada", token: "t", expires: "2030-01-01T00:00:00Z", cluster: "C1" };
  const options = { selector: "", timeout: undefined, valid: undefined, meta: undefined, key: undefined, dryRun: true };
  const planning = (name: string) => planRun(world, new Api(world, context), name, [], options);
  await assert.rejects(planning("deply"), /"deply" is no file, .*; did you mean deploy\?$/);
  await assert.rejects(planning("sys.fact"), /did you mean sys\.facts\?$/);
});

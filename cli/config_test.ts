import assert from "node:assert/strict";
import { serverConfigText } from "../cluster/ca/config_text.ts";
import { runCli } from "./program.ts";
import { memoryWorld, type MemoryWorldOptions } from "./world/world_memory.ts";

const SERVER = serverConfigText({
  cluster: "C1",
  node: "n1",
  listen: "127.0.0.1:7431",
  advertise: [],
  users: [{ name: "ada", role: "admin", bcrypt: "$2b$10$CwTycUXWue0Thq9StjUM0uJ8xQ1rKq7Yw0yq9Xr1kT5c7c1nT3m2e" }],
  tokens: [],
  holdsCaKey: true,
  signers: [],
});

async function jabber(words: string[], files: Record<string, string>, options: MemoryWorldOptions = {}, mode = 0o600) {
  const world = memoryWorld(options);
  for (const [path, text] of Object.entries(files)) {
    world.disk.set(path, { content: new TextEncoder().encode(text), mode });
  }
  const code = await runCli(["config", ...words], world);
  return { code, ...world.printed };
}

Deno.test("jabber config check finds nothing wrong with what is right, of either kind", async () => {
  for (const [name, text] of [["s.yaml", SERVER], ["a.yaml", "name: web1\n"], ["jabber-agent.yaml", ""]] as const) {
    const { code, out, err } = await jabber(["check", name], { [name]: text });
    assert.deepEqual([code, out, err], [0, "", `${name} has no faults\n`]);
  }
});

Deno.test("jabber config check tells every fault with its place and the next step", async () => {
  const { code, out, err } = await jabber(["check", "a.yaml"], { "a.yaml": "nme: x\ntags:\n\trole: web\nlog: loud\n" });
  assert.deepEqual([code, err], [1, "1 fault\n"]);
  assert.equal(out, "a.yaml:3:1: a tab stands where YAML wants spaces\n  → indent with spaces\n");
  const all = await jabber(["check", "a.yaml", "-o", "json"], { "a.yaml": "nme: x\nname: a\nname: b\nlog: loud\n" });
  assert.equal(all.code, 1);
  const rows: Record<string, string>[] = JSON.parse(all.out);
  assert.deepEqual(rows.map(({ code, key, at }) => [code, key, at]), [
    ["config.unknown_key", "nme", "a.yaml:1:1"],
    ["config.duplicate_key", "name", "a.yaml:3:1"],
    ["config.value", "log.level", "a.yaml:4:6"],
  ]);
  assert.equal(rows[0]?.["next"], 'write "name"');
});

Deno.test("jabber config check looks at the modes of the file and of the secrets it names", async () => {
  const { code, out } = await jabber(["check", "d/s.yaml"], { "d/s.yaml": SERVER, "d/node.key": "x" }, {}, 0o646);
  assert.equal(code, 1);
  assert.match(
    out,
    /d\/s\.yaml:\d+:3: node\.keyFile names "d\/node\.key", which others may read or change \(mode 646\)/,
  );
  assert.match(out, /d\/s\.yaml: is writable by everybody\n {2}→ run chmod o-w d\/s\.yaml/);
});

Deno.test("jabber config check reads no file of 10 MB, and nothing that is no text", async () => {
  const large = await jabber(["check", "a.yaml"], { "a.yaml": "#".repeat(10 * 1024 * 1024) });
  assert.deepEqual([large.code, large.out], [1, ""]);
  assert.match(large.err, /larger than 1 MiB/);
});

Deno.test("jabber config show tells where each value comes from, and no secret", async () => {
  const file = "server: https://a.example\ntoken: very-secret\ntags: {role: web}\n";
  const env = { JABBER_NAME: "web1", JABBER_TAGS: "env=prod" };
  const { code, out } = await jabber(["show", "--origin", "--config", "jabber-agent.yaml"], {
    "jabber-agent.yaml": file,
  }, {
    env,
  });
  assert.equal(code, 0);
  const rows = Object.fromEntries(
    out.trim().split("\n").map((line) => line.split(/ {2,}/)).map(([key, ...rest]) => [key, rest]),
  );
  assert.deepEqual(rows["server"], ['["https://a.example"]', "jabber-agent.yaml:1:1"]);
  assert.deepEqual(rows["token"], ["(hidden)", "jabber-agent.yaml:2:1"]);
  assert.deepEqual(rows["tags.role"], ["web", "jabber-agent.yaml:3:8"]);
  assert.deepEqual([rows["tags.env"], rows["name"]], [["prod", "JABBER_TAGS"], ["web1", "JABBER_NAME"]]);
  assert.deepEqual([rows["log.level"], rows["data"]], [["info", "default"], ["-", "not set"]]);
  const server = await jabber(["show", "-o", "json"], { "jabber-server.yaml": SERVER });
  assert.doesNotMatch(server.out, /\$2b\$|ORIGIN|origin/);
  assert.match(server.out, /"name": "ada"/);
});

Deno.test("jabber config schema prints a schema with every key of the table", async () => {
  const agent = JSON.parse((await jabber(["schema", "agent"], {})).out);
  assert.equal(agent.$schema, "https://json-schema.org/draft/2020-12/schema");
  assert.equal(agent.additionalProperties, false);
  assert.equal(agent.properties.policy.properties.programs.items.properties.path.type, "string");
  assert.deepEqual(agent.properties.log.anyOf[1].enum, ["error", "warn", "info", "debug", "trace"]);
  const server = JSON.parse((await jabber(["schema", "server"], {})).out);
  assert.deepEqual(server.required, ["cluster", "node", "auth"]);
  assert.deepEqual(server.properties.tls.required, ["certFile", "keyFile"]);
  assert.equal((await jabber(["schema", "console"], {})).code, 2);
});

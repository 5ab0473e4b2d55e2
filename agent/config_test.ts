import assert from "node:assert/strict";
import { faultText, originText } from "../base/config/faults.ts";
import { readYaml } from "../base/config/yaml.ts";
import { type AgentOverrides, readAgentConfig, refusePlainServers } from "./config.ts";

function read(text: string | undefined, env: Record<string, string> = {}, flags: AgentOverrides = {}) {
  const file = text === undefined ? undefined : readYaml(text, "a.yaml");
  return readAgentConfig({ file, env: (name) => env[name], flags });
}

const refused = (...from: Parameters<typeof read>): string => read(...from).faults.map(faultText).join("\n");

Deno.test("readAgentConfig() lays flags over the environment over the file", () => {
  const file = "server: https://a.example\nname: file\ntags: {os: x, role: web}\ntokenFile: /t\n";
  const { config, origins, faults } = read(
    file,
    { JABBER_NAME: "environment", JABBER_TOKEN: "T", JABBER_TAGS: "env=prod, role=app", JABBER_DATA: "" },
    { name: "flag", tag: ["role=db", "a=b=c"], logLevel: "debug" },
  );
  assert.deepEqual(faults, []);
  assert.equal(config.name, "flag");
  assert.deepEqual(config.server, ["https://a.example"]);
  assert.deepEqual(config.tags, { os: "x", env: "prod", role: "db", a: "b=c" });
  assert.deepEqual([config.token, config.tokenFile, config.data], ["T", undefined, undefined]);
  assert.deepEqual(config.log, { level: "debug", format: "text" });
  const from = (path: string): string => originText(origins.get(path) ?? { kind: "default" });
  assert.deepEqual(
    ["server", "name", "token", "tags.os", "tags.env", "tags.role", "log.level", "log.format"].map(from),
    ["a.yaml:1:1", "--name", "JABBER_TOKEN", "a.yaml:3:8", "JABBER_TAGS", "--tag", "--log-level", "default"],
  );
});

Deno.test("readAgentConfig() starts from nothing", () => {
  const nothing = { server: [], tags: {}, policy: {}, jobs: [], log: { level: "info", format: "text" } };
  for (const text of [undefined, "", "# nothing\n", "policy:\n"]) assert.deepEqual(read(text).config, nothing);
});

Deno.test("readAgentConfig() takes a log level in its short form", () => {
  assert.deepEqual(read("log: warn\n").config.log, { level: "warn", format: "text" });
  assert.match(refused("log: loud\n"), /^a\.yaml:1:6: log\.level is "loud", it must be one of error, warn/);
});

Deno.test("readAgentConfig() names the key that is wrong, and where", () => {
  assert.equal(refused("servers: []\n"), 'a.yaml:1:1: servers is no key; did you mean "server"?');
  assert.match(refused("server: [ftp://x]\n"), /^a\.yaml:1:10: server\[0\] is "ftp:\/\/x": /);
  assert.match(refused('tags: {"a b": c}\n'), /^a\.yaml:1:15: tags\.a b is "c": is no tag name$/);
  assert.match(refused("- 1\n"), /the file is \[1\], it must hold keys and values/);
  assert.match(refused("", {}, { tag: ["nonsense"] }), /^--tag: tags is "nonsense", which is not key=value$/);
  assert.match(refused("policy: {unsigned: }\n"), /policy\.unsigned has no value/);
  assert.match(refused("policy: {trust: {signers: [{key: x}]}}\n"), /^a\.yaml:1:17: policy\.trust is /);
  assert.match(refused("policy: everything\n"), /policy is "everything", it must hold keys of its own/);
  assert.match(refused("token: 17\n"), /token is not right, it must be text/);
  assert.doesNotMatch(refused("token: 17\n"), /is 17/);
});

Deno.test("readAgentConfig() takes no name that passes for another line, or reads in another order", () => {
  for (
    const name of ["web\nroot", "web\x1b[31m", "web\x00", "web\x85", "\u202e1bew", "web\u2066", "a\u2028b", "a\u061cb"]
  ) {
    const { faults } = read(JSON.stringify({ name }));
    assert.deepEqual(faults.map(({ code, key }) => [code, key]), [["config.value", "name"]], JSON.stringify(name));
    assert.match(faultText(faults[0]!), /no control characters, line ends or bidirectional controls/);
    assert.equal(read("", { JABBER_NAME: name }).faults.length, 1);
  }
  for (const name of ["web 1", "büro", "سرور‌۱", "сервер", "🖥️ web"]) {
    assert.deepEqual(read(JSON.stringify({ name })).faults, [], name);
  }
});

Deno.test("readAgentConfig() tells every fault at once, in the file's order", () => {
  const text = "nme: a\npolicy:\n  files: {reed: [/x]}\njobs: [{id: a}]\nlog: {level: x, formt: json}\n";
  assert.deepEqual(read(text).faults.map(({ key }) => key), [
    "nme",
    "policy.files.reed",
    "jobs[0]",
    "log.formt",
    "log.level",
  ]);
});

Deno.test("readAgentConfig() takes as many tags as a server does, with the host's own and the policy's", () => {
  const tags = (count: number) => Array.from({ length: count }, (_, n) => `t${n}: v`).join(", ");
  assert.deepEqual(read(`tags: {os: mine, ${tags(31)}}\npolicy: {tags: {${tags(61)}}}\n`).faults, []);
  assert.equal(
    refused(`tags: {more: v}\npolicy: {tags: {${tags(61)}}}\n`),
    "a.yaml:1:1: tags makes 65 tags with os, arch, hostname and those of the policy, the most is 64",
  );
});

Deno.test("refusePlainServers() lets nobody dial another host without TLS", () => {
  refusePlainServers(["https://a.example:7431", "http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"]);
  for (const url of ["http://a.example", "http://10.0.0.1:7431", "http://127.0.0.1.example:7431"]) {
    assert.throws(() => refusePlainServers(["https://a.example", url]), { code: "config.insecure" }, url);
  }
});

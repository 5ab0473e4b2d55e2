import assert from "node:assert/strict";
import * as z from "zod/mini";
import type { JsonObject } from "../json.ts";
import { readConfig } from "./read.ts";
import { createReload } from "./reload.ts";
import { optional, required, requiredInSection, withDefault } from "./table.ts";
import { readYaml } from "./yaml.ts";

const TABLE = {
  "id": required(z.string(), { doc: "a name" }),
  "level": withDefault(z.enum(["low", "high"]), "low", { doc: "how much", live: true }),
  "wall": optional(z.string(), { doc: "a wall", restarts: true }),
  "jobs.owner": requiredInSection(z.string(), { doc: "an owner", live: true }),
  "jobs.files": requiredInSection(z.array(z.string()), { doc: "files", live: true }),
} as const;

const readText = (text: string) => {
  const env = (name: string) => name === "JABBER_ID" ? "from-env" : undefined;
  return readConfig(TABLE, { file: readYaml(text, "f"), env, flags: {} });
};

function start(text: string) {
  const seen = { applied: [] as unknown[], restarts: [] as unknown[], faults: 0, logged: [] as string[] };
  const { take } = createReload({
    table: TABLE,
    current: readText(text),
    read: readText,
    log: (level, message, fields: JsonObject = {}) =>
      void seen.logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
    apply: (config, changed) => void seen.applied.push([config, [...changed]]),
    restart: (keys) => void seen.restarts.push(keys),
    onFault: () => void seen.faults++,
  });
  return { ...seen, seen, take };
}

Deno.test("reload takes live keys over, and only those", async () => {
  const { take, seen } = start("id: a\n");
  await take("id: b\nlevel: high\njobs: {owner: ops, files: [x]}\n");
  // The variable wins over the file, also in what is read later.
  const config = { id: "from-env", level: "high", jobs: { owner: "ops", files: ["x"] } };
  assert.deepEqual(seen.applied, [[config, ["level", "jobs.owner", "jobs.files"]]]);
  await take("level: high\n");
  assert.deepEqual(seen.applied.at(-1), [{ id: "from-env", level: "high" }, ["jobs.owner", "jobs.files"]]);
  await take("level: high\n# a remark\n");
  assert.equal(seen.applied.length, 2);
});

Deno.test("reload keeps the old configuration when the new one has faults, says all of them, and counts", async () => {
  const { take, seen } = start("level: low\n");
  await take("level: highest\nlevle: x\n");
  await take(null);
  assert.deepEqual([seen.applied, seen.restarts, seen.faults], [[], [], 2]);
  assert.match(seen.logged[0]!, /^error .*the old one stays .*f:1:8: level is .*f:2:1: levle is no key.*"refused":1/);
  assert.match(seen.logged[1]!, /cannot be read.*"refused":2/);
  await take("level: high\n");
  assert.equal(seen.applied.length, 1);
});

Deno.test("reload says what needs a restart, and ends the program for what walls are made of", async () => {
  const table = { ...TABLE, id: optional(z.string(), { doc: "a name" }) };
  const logged: string[] = [];
  const applied: unknown[] = [];
  const restarts: unknown[] = [];
  const read = (text: string) => readConfig(table, { file: readYaml(text, "f"), env: () => undefined, flags: {} });
  const { take } = createReload({
    table,
    current: read("id: a\n"),
    read,
    log: (level, message, fields) => void logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`),
    apply: (config) => void applied.push(config),
    restart: (keys) => void restarts.push(keys),
    onFault: () => assert.fail("there was no fault"),
  });
  await take("id: b\nlevel: high\n");
  assert.deepEqual(logged[0], 'warn a change of the configuration needs a restart {"keys":"id"}');
  assert.deepEqual(applied, [{ id: "a", level: "high" }]);
  await take("id: a\nlevel: low\nwall: x\n");
  assert.deepEqual([restarts, applied.length], [[["wall"]], 1]);
});

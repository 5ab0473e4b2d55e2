import assert from "node:assert/strict";
import { AMBIENT_FILES, isAmbientFile, patternToRegExp } from "./ambient.ts";
import { importFault, LAYERS } from "./layers.ts";
import plugin, { FUNCTION_LINES_MAX } from "./plugin.ts";

/** The ids of what the plugin finds, one per finding. */
function lint(file: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, file, source).map((found) => found.id.replace(/^jabber\//, ""));
}

function accepts(file: string, ...sources: string[]): void {
  for (const source of sources) assert.deepEqual(lint(file, source), [], source);
}

function refuses(rule: string, file: string, ...sources: string[]): void {
  for (const source of sources) assert.deepEqual(lint(file, source), [rule], source);
}

Deno.test("layers lets imports point towards the ground", () => {
  accepts("wire/kinds.ts", `import { a } from "../base/json.ts"; export { a };`);
  accepts("server/http/app.ts", `import { a } from "../../wire/sign.ts"; export { a };`);
  accepts("server/http/app.ts", `import { a } from "./routes/a.ts"; export { a };`);
  accepts("cli/run.ts", `import type { A } from "../server/a.ts"; export type { A };`);
  accepts("base/version.ts", `import config from "../deno.json" with { type: "json" }; export { config };`);
  accepts("mod.ts", `export * from "./agent/a.ts"; export { b } from "./server/b.ts";`);
  accepts("tests/sim/fleet.ts", `import { a } from "../../agent/a.ts"; import { b } from "../../server/b.ts";`);
  accepts("server/a_test.ts", `import { suite } from "../tests/contracts/store_contract.ts"; suite;`);
});

Deno.test("layers refuses every import against the direction", () => {
  refuses(
    "layers",
    "base/a.ts",
    `import { a } from "../wire/kinds.ts"; export { a };`,
    `import type { A } from "../wire/kinds.ts"; export type { A };`,
    `export * from "../wire/kinds.ts";`,
    `export { a } from "../wire/kinds.ts";`,
    `export const a = () => import("../wire/kinds.ts");`,
    `import readme from "../package.json" with { type: "json" }; export { readme };`,
  );
  refuses("layers", "server/a.ts", `import { a } from "../agent/a.ts"; export { a };`);
  refuses("layers", "agent/executor/a.ts", `import { a } from "../../server/a.ts"; export { a };`);
  refuses("layers", "server/a_test.ts", `import { a } from "../agent/a.ts"; export { a };`);
  refuses("layers", "server/a.ts", `import { a } from "../tests/contracts/a.ts"; export { a };`);
  refuses("layers", "outputs/a.ts", `import { a } from "../commands/a.ts"; export { a };`);
  refuses("layers", "wire/a.ts", `import config from "../deno.json" with { type: "json" }; export { config };`);
});

Deno.test("layers keeps React and Ink under tui/", () => {
  accepts("tui/app.tsx", `import { Box } from "ink"; import { useState } from "react"; export { Box, useState };`);
  refuses("layers", "cli/a.ts", `import { Box } from "ink"; export { Box };`);
  refuses("layers", "cli/a.ts", `import { jsx } from "react/jsx-runtime"; export { jsx };`);
  accepts("wire/a.ts", `import * as z from "zod"; export { z };`);
});

Deno.test("importFault() knows every folder of the product both ways", () => {
  for (const folder of Object.keys(LAYERS)) {
    for (const target of Object.keys(LAYERS)) {
      const fault = importFault(`${folder}/a.ts`, `../${target}/b.ts`);
      const may = folder === target || (LAYERS[folder] ?? []).includes(target);
      assert.equal(fault === undefined, may, `${folder} → ${target}`);
    }
  }
  assert.ok(!LAYERS["server"]?.includes("agent") && !LAYERS["agent"]?.includes("server"));
});

Deno.test("ambient refuses time, chance and the system in a core", () => {
  refuses(
    "ambient",
    "cluster/core.ts",
    `export const f = () => Deno.cwd();`,
    `export const f = () => Date.now();`,
    `export const f = () => new Date();`,
    `export const f = () => Date();`,
    `export const f = () => setTimeout(() => {}, 1);`,
    `export const f = () => queueMicrotask(() => {});`,
    `export const f = () => performance.now();`,
    `export const f = () => Math.random();`,
    `export const f = () => crypto.randomUUID();`,
    `export const f = () => globalThis.crypto;`,
    `export const f = () => AbortSignal.timeout(5);`,
    `export const later = { setTimeout };`,
    `export const clock = { now: Date.now };`,
    `import { readFileSync } from "node:fs"; export { readFileSync };`,
    `import { randomBytes } from "node:crypto"; export { randomBytes };`,
    `import { generateKeyPairSync as make } from "node:crypto"; export { make };`,
    `import * as all from "node:crypto"; export { all };`,
    `import { DatabaseSync } from "node:sqlite"; export { DatabaseSync };`,
  );
});

Deno.test("ambient lets a core be pure", () => {
  accepts(
    "cluster/core.ts",
    `export const f = (ms: number) => new Date(ms).toISOString();`,
    `export const f = (conn: Deno.Conn): Deno.Addr => conn.remoteAddr;`,
    `export const f = (clock: { setTimeout(ms: number): void }) => clock.setTimeout(1);`,
    `export const f = (crypto: { now(): number }) => crypto.now();`,
    `export const f = ({ performance }: { performance: number }) => performance;`,
    `export const f = { performance: 1, crypto: 2, setTimeout() {} };`,
    `export interface A { crypto: string; setTimeout(): void }`,
    `export const f = (p: typeof performance) => p;`,
    `import { createHash, timingSafeEqual, verify } from "node:crypto"; export { createHash, timingSafeEqual, verify };`,
    `import type { DatabaseSync } from "node:sqlite"; export type { DatabaseSync };`,
    `import { join } from "node:path"; export { join };`,
  );
});

Deno.test("ambient leaves drivers, mains and backstage files alone", () => {
  const source = `export const f = () => [Deno.cwd(), Date.now(), crypto.randomUUID()];`;
  for (const file of ["agent/main.ts", "base/clock_system.ts", "agent/executor/host.ts", "cluster/swim/core_test.ts"]) {
    accepts(file, source);
  }
  accepts("tests/e2e/lab.ts", source);
  accepts("build/compile.ts", source);
});

Deno.test("named-exports refuses default exports", () => {
  refuses("named-exports", "server/a.ts", `export default function f() {}`, `export default 1;`);
  accepts("server/a.ts", `export function f() {}`);
});

Deno.test("quiet-modules refuses work at import time", () => {
  refuses(
    "quiet-modules",
    "server/a.ts",
    `start(); function start() {}`,
    `export const a = await Promise.resolve(1);`,
    `if (import.meta.main) { void 0; }`,
    `for (const a of [1]) { void a; }`,
    `import "./side_effect.ts";`,
  );
  accepts(
    "server/a.ts",
    `export const table = new Map([["a", 1]]);`,
    `import * as z from "zod"; export const schema = z.object({});`,
    `export async function f() { await Promise.resolve(); }`,
    `import "reflect-metadata";`,
  );
  accepts("server/main.ts", `await Promise.resolve();`);
  accepts("agent/sandbox_worker.ts", `addEventListener("message", () => {});`);
});

Deno.test("whole-zod wants the form that can be bundled without the rest", () => {
  refuses("whole-zod", "wire/a.ts", `import { z } from "zod"; export { z };`, `import z from "zod"; export { z };`);
  refuses("whole-zod", "wire/a.ts", `import { z } from "zod/mini"; export { z };`);
  accepts("wire/a.ts", `import * as z from "zod"; export { z };`, `import type { z } from "zod"; export type { z };`);
  accepts("wire/a_test.ts", `import { z } from "zod"; export { z };`);
});

Deno.test("function-length counts lines of every kind of function", () => {
  const body = (lines: number) => "  void 0;\n".repeat(lines - 2);
  accepts("server/a.ts", `export function f() {\n${body(FUNCTION_LINES_MAX)}}`);
  refuses("function-length", "server/a.ts", `export function f() {\n${body(FUNCTION_LINES_MAX + 1)}}`);
  refuses("function-length", "server/a.ts", `export const f = () => {\n${body(FUNCTION_LINES_MAX + 1)}};`);
  refuses("function-length", "server/a_test.ts", `export class A {\n  m() {\n${body(FUNCTION_LINES_MAX + 1)}}\n}`);
});

Deno.test("patternToRegExp() reads * within a folder and ** across folders", () => {
  assert.ok(patternToRegExp("*/main.ts").test("agent/main.ts"));
  assert.ok(!patternToRegExp("*/main.ts").test("agent/deep/main.ts"));
  assert.ok(patternToRegExp("**/*_system.ts").test("clock_system.ts"));
  assert.ok(patternToRegExp("**/*_system.ts").test("a/b/clock_system.ts"));
  assert.ok(!patternToRegExp("**/*_system.ts").test("a/b/clock_systemXts"));
  assert.ok(patternToRegExp("agent/executor/**").test("agent/executor/a/b.ts"));
  assert.ok(!isAmbientFile("agent/executor.ts"));
});

Deno.test("AMBIENT_FILES gives a reason for every row", () => {
  for (const row of AMBIENT_FILES) assert.ok(row.reason.length > 10, row.path);
});

import assert from "node:assert/strict";
import config from "../deno.json" with { type: "json" };
import { compileFlags, PROGRAMS, V8_FLAGS } from "./programs.ts";

Deno.test("compileFlags() gives nobody ffi, a prompt or a code cache", () => {
  for (const { name, grants } of PROGRAMS) {
    const flags = compileFlags(grants);
    for (const flag of ["--no-prompt", "--deny-ffi", "--no-code-cache"]) {
      assert.ok(flags.includes(flag), `${name} ${flag}`);
    }
    assert.ok(!flags.some((flag) => /^(?:-A|--allow-all|--allow-ffi)/.test(flag)), name);
  }
});

Deno.test("compileFlags() lets only the agent start programs", () => {
  const spawning = PROGRAMS.filter(({ grants }) => compileFlags(grants).includes("--allow-run"));
  assert.deepEqual(spawning.map(({ name }) => name), ["jabber-agent"]);
  for (const { name, grants } of PROGRAMS) {
    if (name !== "jabber-agent") assert.ok(compileFlags(grants).includes("--deny-run"), name);
  }
});

Deno.test("every task that runs our code has the programs' V8 flags", () => {
  for (const [name, task] of Object.entries(config.tasks)) {
    for (const step of task.command.split("&&")) {
      if (!/deno (?:test|run -A)/.test(step)) continue;
      assert.ok(step.includes(`--v8-flags=${V8_FLAGS.join(",")}`), `task "${name}": ${step.trim()}`);
    }
  }
});

import assert from "node:assert/strict";

/** Runs `.ci/run` in a folder whose `denow` is a stub, and installs nothing; answers its last line and whether it succeeded. */
async function runCi(stub: string): Promise<{ ok: boolean; last: string }> {
  const folder = await Deno.makeTempDir({ prefix: "jabber-ci-" });
  try {
    await Deno.mkdir(`${folder}/.ci`);
    await Deno.copyFile(new URL("../.ci/run", import.meta.url), `${folder}/.ci/run`);
    await Deno.writeTextFile(`${folder}/denow`, `#!/bin/sh\n${stub}\n`, { mode: 0o755 });
    await Deno.writeTextFile(`${folder}/apt-get`, "#!/bin/sh\n", { mode: 0o755 });
    const env = { PATH: `${folder}:${Deno.env.get("PATH")}` };
    const out = await new Deno.Command("bash", { args: [`${folder}/.ci/run`], env }).output();
    return { ok: out.success, last: new TextDecoder().decode(out.stdout).trimEnd().split("\n").at(-1) ?? "" };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const isTest = `[ "$*" = "task test" ] || exit 0`;

Deno.test(".ci/run reports what deno counted", async () => {
  const good = await runCi(`${isTest}; echo; echo "ok | 12 passed (3 steps) | 0 failed | 1 ignored (4s)"; echo`);
  assert.deepEqual(good, { ok: true, last: "12 passed, 0 failed" });
  const bad = await runCi(`${isTest}; echo "FAILED | 10 passed | 2 failed (4s)"; exit 1`);
  assert.deepEqual(bad, { ok: false, last: "10 passed, 2 failed" });
});

Deno.test(".ci/run counts a run that broke off, and a failing check, as a failure", async () => {
  const build = await runCi(`${isTest}; echo "build: no network"; exit 1`);
  assert.deepEqual(build, { ok: false, last: "0 passed, 1 failed" });
  const crash = await runCi(`${isTest}; echo "ok | 5 passed | 0 failed (1s)"; exit 70`);
  assert.deepEqual(crash, { ok: false, last: "5 passed, 1 failed" });
  const lint = await runCi(`case "$*" in lint) exit 1;; "task test") echo "ok | 5 passed | 0 failed (1s)";; esac`);
  assert.deepEqual(lint, { ok: false, last: "5 passed, 1 failed" });
});

Deno.test(".ci/run makes a missing service a failure, for the tests to see", async () => {
  const seen = await runCi(`${isTest}; [ "$REQUIRE_SERVICES" = 1 ] && echo "ok | 1 passed | 0 failed (1s)"`);
  assert.deepEqual(seen, { ok: true, last: "1 passed, 0 failed" });
});

/** A server as a process of its own, with the grants of the compiled program, whose configuration changes under it. */
import assert from "node:assert/strict";
import bcrypt from "bcryptjs";
import { WebSocket } from "ws";
import { parse, stringify } from "yaml";
import { ENV_NAMES, SYS_KINDS } from "../base/program.ts";
import { systemRng } from "../base/rng_system.ts";
import { initMaterial } from "../cluster/ca/mod.ts";
import { Program } from "../tests/support/program.ts";
import type { ServerConfig } from "./config.ts";

const PASSWORD = "correct horse battery";
const GRANTS = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  `--allow-env=${ENV_NAMES.join(",")}`,
  "--ignore-env",
  `--allow-sys=${SYS_KINDS.join(",")}`,
  "--unstable-worker-options",
];

interface Bench {
  server: Program;
  url: string;
  folder: string;
  /** Changes the file, and asks the server to look. */
  change(edit: (config: ServerConfig) => void, more?: string): Promise<void>;
  login(password?: string): Promise<{ status: number; token: string }>;
}

async function withServer(test: (bench: Bench) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const { files, summary } = await initMaterial({
    now: Date.now(),
    rng: systemRng,
    listen: "127.0.0.1:1",
    operator: { password: PASSWORD },
    join: { uses: 1 },
  });
  for (const { path, mode, text } of files) await Deno.writeTextFile(`${folder}/${path}`, text, { mode });
  const file = `${folder}/jabber-server.yaml`;
  const config = parse(await Deno.readTextFile(file));
  delete config.tls;
  config.listen = "127.0.0.1:0";
  await Deno.writeTextFile(file, stringify(config));
  const main = new URL("./main.ts", import.meta.url).pathname;
  const server = new Program("server", Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", ...GRANTS, main, "--config", file],
  });
  try {
    const [, url = ""] = await server.line(/listening url=(\S+)/);
    await test({
      server,
      url,
      folder,
      change: async (edit, more = "") => {
        edit(config);
        await Deno.writeTextFile(file, stringify(config) + more);
        server.signal("SIGHUP");
      },
      login: async (password = PASSWORD) => {
        const answer = await fetch(`${url}/v1/login`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ user: summary.operator, password }),
        });
        const { token } = await answer.json();
        return { status: answer.status, token };
      },
    });
  } catch (cause) {
    console.error(server.lines.slice(-20).join("\n"));
    throw cause;
  } finally {
    await server.stop("SIGKILL");
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("server logs out whose password was changed, ends what they have open, and lets the new one in", async () => {
  await withServer(async ({ server, url, change, login }) => {
    const { token } = await login();
    const headers = { authorization: `Bearer ${token}` };
    const ask = async (): Promise<number> => {
      const answer = await fetch(`${url}/v1/agents`, { headers });
      await answer.body?.cancel();
      return answer.status;
    };
    assert.equal(await ask(), 200);
    const tap = new WebSocket(`${url.replace("http", "ws")}/v1/firehose`, { headers });
    await new Promise<void>((open, fail) => tap.once("open", () => open()).once("error", fail));
    const closed = new Promise<number>((end) => tap.once("close", end));
    const hash = await bcrypt.hash("another password", 4);
    await change(({ auth }) => auth.users[0]!.bcrypt = hash);
    await server.line(/the configuration was taken over keys=auth\.users/);
    assert.equal(await closed, 1008);
    assert.equal(await ask(), 401);
    assert.equal((await login()).status, 401);
    assert.equal((await login("another password")).status, 200);
  });
});

Deno.test("server keeps its configuration when the new one has faults, counts them, and says what needs a restart", async () => {
  await withServer(async ({ server, url, change, login }) => {
    await change((config) => config.retention = { bytes: 1 } as ServerConfig["retention"], "lisen: x\n");
    const [refused] = await server.line(/the configuration has faults and was not taken over; the old one stays.*/);
    assert.match(refused, /jabber-server\.yaml:\d+:1: lisen is no key; did you mean .*listen.*refused=1/);
    assert.match(await (await fetch(`${url}/metrics`)).text(), /jabber_config_refused_total 1/);
    await change((config) => {
      config.listen = "127.0.0.1:1";
      config.log = { level: "debug", format: "json" };
    });
    await server.line(/a change of the configuration needs a restart keys=listen/);
    await server.line(/^\{.*"the configuration was taken over","keys":"retention\.bytes log\.level log\.format"\}/);
    assert.equal((await login()).status, 200);
  });
});

Deno.test("server takes job files over that it may read, and says which need a restart", async () => {
  await withServer(async ({ server, folder, change }) => {
    await change((config) => config.jobs = { owner: "ops", files: ["new.job"] });
    await server.line(
      new RegExp(`job files that are new need a restart; the old list stays files=${folder}/new\\.job`),
    );
    await change((config) => config.jobs = { owner: "ops", files: [] });
    await server.line(/the configuration was taken over keys=jobs\.files/);
  });
});

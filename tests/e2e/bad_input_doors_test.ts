/** Bad input at a compiled server's doors: requests, claims, files and ports. */
import assert from "node:assert/strict";
import { ERRORS } from "../../base/errors.ts";
import { agentIdOf, type ConnectFacts, joinCredential, parseJoinToken } from "../../wire/identity/mod.ts";
import { privateKeyFromPem } from "../../wire/keys.ts";
import { LIMITS } from "../../base/limits.ts";
import { Fleet } from "../support/fleet.ts";
import { assertNoStart, HandAgent, newKey, Operator, refusalOf, withoutAlg } from "./bad_input.ts";

const MIB = 1024 * 1024;

/** Sends 100 MB by hand; answers what the server said to it, after a look at how much of it was taken. */
async function flood(connection: Deno.TlsConn, head: string): Promise<string> {
  const piece = new Uint8Array(64 * 1024).fill(32);
  let given = 0;
  let said = "";
  const listen = async (): Promise<void> => {
    const buffer = new Uint8Array(8192);
    for (;;) {
      const count = await connection.read(buffer).catch(() => null);
      if (count === null) return;
      said += new TextDecoder().decode(buffer.subarray(0, count));
    }
  };
  const answered = listen();
  await connection.write(new TextEncoder().encode(`${head}content-length: ${100 * MIB}\r\n\r\n`));
  try {
    while (given < 100 * MIB && !said.includes("}}")) given += await connection.write(piece);
  } catch {
    // It hung up.
  }
  connection.close();
  await answered;
  assert.ok(given < 50 * MIB, `the server took ${given} bytes`);
  return /"code":"([^"]+)"/.exec(said)?.[1] ?? "hung up";
}

/** A connection to the fleet's server. */
async function connect(fleet: Fleet): Promise<Deno.TlsConn> {
  const caCerts = [await Deno.readTextFile(`${fleet.clusterFolder}/cluster-ca.pem`)];
  return await Deno.connectTls({ hostname: "127.0.0.1", port: Number(new URL(fleet.url).port), caCerts });
}

interface BadClaim {
  name: string;
  code: string;
  change(agent: HandAgent): Partial<ConnectFacts> | Promise<Partial<ConnectFacts>>;
}

const CLAIMS: BadClaim[] = [
  { name: "an audience in another cluster", code: "agent.wrong_audience", change: () => ({ cluster: "other" }) },
  {
    name: "an audience on another server",
    code: "agent.wrong_audience",
    change: () => ({ node: "node-aaaaaaaaaaaaaaaaaaaaaaaaaa" }),
  },
  {
    name: "a claim that somebody in the middle passes on",
    code: "agent.wrong_name",
    change: () => ({ dialled: "middle.example:443" }),
  },
  {
    name: "a challenge of another server",
    code: "agent.challenge_unknown",
    change: () => ({ nonce: "A".repeat(48) }),
  },
];

Deno.test("server refuses claims that are not its caller's own, fresh and for it", async (t) => {
  const fleet = await Fleet.start();
  const operator = await Operator.of(fleet);
  try {
    const agent = new HandAgent(operator);
    for (const { name, code, change } of CLAIMS) {
      await t.step(name, async () => {
        assert.equal(await refusalOf(await agent.show(await agent.claim(await change(agent)))), code);
      });
    }
    await t.step("a claim that was used", async () => {
      const claim = await agent.claim();
      assert.equal(await refusalOf(await agent.show(claim)), "agent.not_enrolled", "a good claim, by a stranger");
      assert.equal(await refusalOf(await agent.show(claim)), "agent.challenge_used");
    });
    await t.step("somebody else's agent id", async () => {
      const mine = await agent.claim();
      const [head, payload, signature] = mine.split(".") as [string, string, string];
      const claims = JSON.parse(atob(payload.replace(/-/g, "+").replace(/_/g, "/")));
      const theirs = btoa(JSON.stringify({ ...claims, iss: agentIdOf(newKey().public.jwk) }))
        .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
      assert.equal(await refusalOf(await agent.show(`${head}.${theirs}.${signature}`)), "agent.id_mismatch");
      const changed = btoa(JSON.stringify({ ...claims, epoch: claims.epoch + 1 }))
        .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
      assert.equal(await refusalOf(await agent.show(`${head}.${changed}.${signature}`)), "agent.signature_invalid");
    });
    await t.step("alg: none", async () => {
      const [head, payload, signature] = (await agent.claim()).split(".") as [string, string, string];
      for (const forged of [signature, ""]) {
        const claim = `${withoutAlg(head)}.${payload}.${forged}`;
        assert.equal(await refusalOf(await agent.show(claim)), "agent.claim_malformed");
      }
    });
    await t.step("a clock ten minutes off: let in, and the operator is told", async () => {
      const said = fleet.server!.lines.length;
      await agent.connect(await agent.claim({ now: Date.now() - 600_000 }));
      const [, next] = await fleet.server!.line(/ WARN .*600 s slow .*code=agent\.clock next="([^"]+)"/, said);
      assert.equal(next, ERRORS["agent.clock"].next);
    });
    await t.step("a join token with another secret", async () => {
      const said = fleet.server!.lines.length;
      const stranger = new HandAgent(operator);
      const token = parseJoinToken(await Deno.readTextFile(`${fleet.clusterFolder}/join-token.txt`));
      const join = joinCredential({ ...token, secret: "A".repeat(43) });
      await assert.rejects(stranger.connect(await stranger.claim(), join));
      await fleet.server!.line(/an agent was refused .*code=token\.invalid/, said);
    });
    await t.step("no claim at all", async () => {
      const response = await operator.stranger(`/v1/agent/scripts/sha256-${"0".repeat(64)}`);
      assert.equal(await refusalOf(response), "auth.missing");
    });
    await t.step("a script that was pushed comes for an enrolled agent's claim, byte for byte", async () => {
      await (await fleet.startAgent({ name: "host" })).stop();
      const pem = await Deno.readTextFile(`${fleet.folder}/agents/host/data/agent.key`);
      const enrolled = new HandAgent(operator, privateKeyFromPem(pem));
      const path = `${fleet.folder}/hello.js`;
      await Deno.writeTextFile(path, "/*---\nname: hello\naccess: 0\nuses: []\n---*/\n1;\n");
      const hash = (await fleet.must("sign", path)).out.trim();
      const response = await operator.stranger(`/v1/agent/scripts/${hash}`, {
        headers: { authorization: `Bearer ${await enrolled.claim()}` },
      });
      assert.equal(await response.text(), await Deno.readTextFile(path));
    });
  } finally {
    operator.close();
    await fleet.stop();
  }
});

const LOGIN = { method: "POST", headers: { "content-type": "application/json" } };

// The runtime counts a response that came before its request was all sent as never closed.
const LOOSE = { sanitizeResources: false };

Deno.test("server outlives requests that are too large, too slow or no text", LOOSE, async (t) => {
  const fleet = await Fleet.start();
  const operator = await Operator.of(fleet);
  const slow = await halfOpen(fleet);
  try {
    await t.step("100 MB before authentication", async () => {
      for (
        const [path, code] of [["agent/challenge", "input.too_large"], ["login", "input.too_large"], [
          "scripts",
          "auth.missing",
        ]]
      ) {
        const said = await flood(
          await connect(fleet),
          `POST /v1/${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`,
        );
        assert.ok(said === code || said === "hung up", said);
      }
      const declared = await operator.stranger("/v1/agent/challenge", { method: "POST", body: "x".repeat(5000) });
      assert.equal(await refusalOf(declared), "input.too_large");
    });
    await t.step("100 MB after it", async () => {
      for (const path of ["scripts", "orders"]) {
        const head = `POST /v1/${path} HTTP/1.1\r\nhost: x\r\nauthorization: ${operator.authorization}\r\n`;
        const said = await flood(await connect(fleet), head);
        assert.ok(said === "input.too_large" || said === "hung up", said);
      }
      const said = await operator.push(new Uint8Array(LIMITS.operatorBodyBytesMax + 1));
      assert.equal(await refusalOf(said), "input.too_large");
      assert.equal(
        await refusalOf(await operator.push(new Uint8Array(LIMITS.scriptBytesMax + 1))),
        "document.too_large",
      );
    });
    await t.step("bytes that are no UTF-8", async () => {
      const bytes = new Uint8Array([0x7b, 0xff, 0xfe, 0x7d]);
      const challenge = { method: "POST", body: bytes };
      assert.equal(await refusalOf(await operator.stranger("/v1/agent/challenge", challenge)), "input.invalid");
      assert.equal(await refusalOf(await operator.stranger("/v1/login", { ...LOGIN, body: bytes })), "input.invalid");
      assert.equal(await refusalOf(await operator.push(bytes)), "document.malformed");
      assert.equal(await refusalOf(await operator.submit(bytes)), "document.malformed");
    });
    await t.step(
      "ten half-open requests: others are served, and their bodies are waited for no longer than said",
      async () => {
        assert.equal((await operator.ask("/v1/agents")).status, 200);
        await fleet.must("agent", "ls");
        for (const answer of await Promise.all(slow.answers)) {
          assert.match(answer, /^HTTP\/1\.1 408 .*input\.too_slow/s);
        }
        assert.equal((await operator.ask("/v1/agents")).status, 200);
      },
    );
  } finally {
    slow.close();
    operator.close();
    await fleet.stop();
  }
});

/** Ten connections that say half of what they have to: five stop in the head, five in the body. */
async function halfOpen(fleet: Fleet): Promise<{ answers: Promise<string>[]; close(): void }> {
  const head = "POST /v1/agent/challenge HTTP/1.1\r\nhost: x\r\n";
  const halves = [...Array<string>(5).fill(head), ...Array<string>(5).fill(`${head}content-length: 100\r\n\r\n{`)];
  const connections = await Promise.all(halves.map(async (text) => {
    const connection = await connect(fleet);
    await connection.write(new TextEncoder().encode(text));
    return connection;
  }));
  const answers = connections.slice(5).map(async (connection) => {
    const buffer = new Uint8Array(4096);
    let text = "";
    while (!text.includes("}}")) {
      const count = await connection.read(buffer);
      if (count === null) break;
      text += new TextDecoder().decode(buffer.subarray(0, count));
    }
    return text;
  });
  return { answers, close: () => connections.forEach((connection) => connection.close()) };
}

Deno.test("server that cannot start says why, and leaves everything as it was", LOOSE, async (t) => {
  const fleet = await Fleet.start();
  const config = `${fleet.clusterFolder}/jabber-server.yaml`;
  try {
    const { host } = new URL(fleet.url);
    await t.step("the port is in use", async () => {
      const args = ["--config", config, "--data", `${fleet.folder}/other`, "--listen", host];
      await assertNoStart("jabber-server", args, "net.port_in_use");
    });
    await t.step("the data folder is in use", async () => {
      await assertNoStart("jabber-server", ["--config", config, "--listen", "127.0.0.1:0"], "store.locked");
    });
    await t.step("a key that cannot be read", async () => {
      const key = `${fleet.clusterFolder}/node.key`;
      const pem = await Deno.readTextFile(key);
      await Deno.remove(key);
      await assertNoStart("jabber-server", ["--config", config], "config.missing");
      await Deno.writeTextFile(key, pem.slice(0, 60), { mode: 0o600 });
      await assertNoStart("jabber-server", ["--config", config], "key.malformed");
      await Deno.writeTextFile(key, pem, { mode: 0o600 });
    });
    await t.step("a configuration with a key twice", async () => {
      const path = `${fleet.clusterFolder}/twice.yaml`;
      await Deno.writeTextFile(path, `${await Deno.readTextFile(config)}data: ./elsewhere\n`);
      await assertNoStart("jabber-server", ["--config", path], "config.invalid");
    });
    await t.step("a damaged database", async () => {
      await fleet.server!.stop();
      const data = `${fleet.clusterFolder}/data`;
      const file = [...Deno.readDirSync(data)].map(({ name }) => name).find((name) => /\.(db|sqlite)$/.test(name));
      assert.ok(file !== undefined, [...Deno.readDirSync(data)].map(({ name }) => name).join());
      const whole = await Deno.readFile(`${data}/${file}`);
      const damaged = whole.slice();
      damaged.fill(0x58, 0, 4096);
      await Deno.writeFile(`${data}/${file}`, damaged);
      await assertNoStart("jabber-server", ["--config", config], "store.corrupt");
      assert.deepEqual(await Deno.readFile(`${data}/${file}`), damaged, "it was touched");
      await Deno.writeFile(`${data}/${file}`, whole);
      await fleet.startServer();
      await fleet.must("agent", "ls");
    });
  } finally {
    await fleet.stop();
  }
});

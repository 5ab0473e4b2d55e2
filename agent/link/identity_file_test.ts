import assert from "node:assert/strict";
import { join } from "node:path";
import { seededRng } from "../../base/rng.ts";
import { initMaterial } from "../../cluster/ca/mod.ts";
import { type JoinToken, parseJoinToken } from "../../wire/identity/mod.ts";
import { publicKeyFromText } from "../../wire/keys.ts";
import { loadKey, loadPin } from "./identity_file.ts";

const NOW = Date.UTC(2026, 10, 20);

async function inFolder(test: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "jabber-identity-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function newToken(seed: number): Promise<JoinToken> {
  const { summary } = await initMaterial({
    now: NOW,
    rng: seededRng(seed),
    operator: { password: "correct horse battery" },
  });
  return parseJoinToken(summary.joinToken);
}

function modeOf(path: string): number {
  return (Deno.statSync(path).mode ?? 0) & 0o777;
}

Deno.test("loadKey() makes a key once, in a file for the agent's user alone", () =>
  inFolder((folder) => {
    const first = loadKey(folder, seededRng(1));
    assert.equal(loadKey(folder, seededRng(2)).public.kid, first.public.kid);
    assert.equal(modeOf(join(folder, "agent.key")), 0o600);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["agent.key"]);
  }));

Deno.test("loadKey() makes no other agent of one whose key is damaged or cannot be read", () =>
  inFolder((folder) => {
    loadKey(folder, seededRng(1));
    const path = join(folder, "agent.key");
    const half = Deno.readTextFileSync(path).slice(0, 60);
    Deno.writeTextFileSync(path, half);
    assert.throws(() => loadKey(folder, seededRng(2)), { code: "key.malformed" });
    assert.equal(Deno.readTextFileSync(path), half);
    Deno.removeSync(path);
    Deno.mkdirSync(path);
    assert.throws(() => loadKey(folder, seededRng(2)), { code: "config.missing" });
  }));

Deno.test("loadPin() keeps to the first cluster, whatever token comes later", () =>
  inFolder(async (folder) => {
    const [token, other] = [await newToken(1), await newToken(2)];
    assert.throws(() => loadPin(folder, undefined), { code: "config.missing" });
    assert.equal(loadPin(folder, token).cluster, token.cluster);
    assert.equal(modeOf(join(folder, "cluster.json")), 0o600);
    assert.doesNotMatch(Deno.readTextFileSync(join(folder, "cluster.json")), new RegExp(token.secret));
    const more = loadPin(folder, { ...token, servers: ["https://b.example:7431"] });
    assert.deepEqual(more.servers, ["https://b.example:7431", ...token.servers]);
    assert.deepEqual(loadPin(folder, undefined).servers, token.servers);
    for (const strange of [other, { ...token, ca: other.ca }, { ...token, cluster: other.cluster }]) {
      assert.throws(() => loadPin(folder, strange), { code: "config.invalid" });
    }
    const { trust, caKey } = loadPin(folder, { ...token, signers: other.signers, caKey: other.caKey });
    assert.deepEqual(trust.signers.map(({ key }) => key), token.signers.map(({ key }) => publicKeyFromText(key).kid));
    assert.equal(caKey.kid, loadPin(folder, undefined).caKey.kid);
  }));

Deno.test("loadPin() names a file that is damaged", () =>
  inFolder(async (folder) => {
    loadPin(folder, await newToken(1));
    const path = join(folder, "cluster.json");
    for (const text of ["", "{", "[]", "{}", Deno.readTextFileSync(path).replace('"ca":', '"cb":')]) {
      Deno.writeTextFileSync(path, text);
      assert.throws(() => loadPin(folder, undefined), { code: "config.invalid" }, text);
    }
  }));

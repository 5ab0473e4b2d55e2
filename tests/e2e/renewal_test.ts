/** A server's papers end, are renewed while its agents live, and nobody has to join anew. */
import assert from "node:assert/strict";
import { systemRng } from "../../base/rng_system.ts";
import { createCa, loadCa, nodeMaterial } from "../../cluster/ca/mod.ts";
import { verifyNodeStatement } from "../../wire/identity/mod.ts";
import { privateKeyFromPem } from "../../wire/keys.ts";
import { Fleet } from "../support/fleet.ts";
import type { Program } from "../support/program.ts";

const DAY = 24 * 3600_000;

/** Papers of the same key and names, but with so many days left; the CA's certificate has a few more. */
async function age(folder: string, days: number): Promise<void> {
  const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);
  const now = Date.now();
  const { key, certPem } = loadCa(await read("cluster-ca.pem"), await read("cluster-ca.key"));
  const statement = (await read("node-statement.jws")).trim();
  const cluster = /^ {2}id: "?([0-9A-Z]{26})/m.exec(await read("jabber-server.yaml"))![1]!;
  const { names } = verifyNodeStatement(statement, { caKey: key.public, cluster, now });
  const ca = await createCa(`Jabberwocky cluster ${cluster}`, key, now, systemRng, days + 5);
  assert.notEqual(ca.certPem, certPem);
  await Deno.writeTextFile(`${folder}/cluster-ca.pem`, ca.certPem);
  const node = privateKeyFromPem(await read("node.key"));
  const { files } = await nodeMaterial(ca, { cluster, names, now, days, key: node }, systemRng);
  for (const { path, text } of files) await Deno.writeTextFile(`${folder}/${path}`, text);
}

async function daysLeft(fleet: Fleet): Promise<Record<string, number>> {
  const ca = await Deno.readTextFile(`${fleet.clusterFolder}/cluster-ca.pem`);
  using client = Deno.createHttpClient({ caCerts: [ca] });
  const text = await (await fetch(`${fleet.url}/metrics`, { client })).text();
  const found = [...text.matchAll(/^jabber_(\w+)_ends_seconds (-?\d+)$/gm)];
  return Object.fromEntries(found.map(([, name, seconds]) => [name, Math.ceil(Number(seconds) * 1000 / DAY)]));
}

async function restart(fleet: Fleet, agent: Program): Promise<Program> {
  const said = agent.lines.length;
  await fleet.server!.stop();
  await agent.line(/AWAITING_SERVER/, said);
  const server = await fleet.startServer();
  await agent.line(/READY/, said);
  return server;
}

Deno.test("a server says that its papers end, and an agent that is there goes on over their renewal", async () => {
  const fleet = await Fleet.start();
  try {
    const agent = await fleet.startAgent({ name: "host" });
    const id = JSON.parse((await fleet.must("agent", "ls", "-o", "json")).out)[0].id;
    await age(fleet.clusterFolder, 20);
    const old = await restart(fleet, agent);
    await old.line(/the TLS certificate ends soon.*jabber server renew/);
    await old.line(/the CA's certificate ends soon.*renew` with --ca/);
    assert.deepEqual(await daysLeft(fleet), { tls_certificate: 20, node_statement: 20, ca_certificate: 25 });
    const sick = await fleet.cli("doctor");
    assert.equal(sick.code, 1, sick.out);
    assert.match(sick.out, /FAIL {2}certificates: .*TLS certificate for 19 days.*\n +→ run `jabber server renew`/);

    const renewed = await fleet.must("server", "renew", fleet.clusterFolder);
    assert.match(renewed.err, /The CA's certificate ends before, .*: renew with --ca/);
    await fleet.must("server", "renew", fleet.clusterFolder, "--ca");
    assert.equal((await Deno.stat(`${fleet.clusterFolder}/tls.key`)).mode! & 0o777, 0o600);
    await restart(fleet, agent);
    assert.deepEqual(await daysLeft(fleet), { tls_certificate: 825, node_statement: 825, ca_certificate: 3650 });
    // The operator and the agent have pinned the CA's first certificate, and go on with it.
    assert.match((await fleet.must("doctor")).out, /ok {4}certificates: .*node statement for 824 days/);
    await fleet.must("run", "sys.facts");
    const agents = JSON.parse((await fleet.must("agent", "ls", "-o", "json")).out);
    assert.deepEqual(agents.map((one: { id: string; state: string }) => [one.id, one.state]), [[id, "enrolled"]]);
    await fleet.startAgent({ name: "later" });
  } finally {
    await fleet.stop();
  }
});

Deno.test("jabber server renew needs the CA's key, and writes nothing without it", async () => {
  const fleet = await Fleet.start();
  try {
    const { clusterFolder: folder } = fleet;
    await Deno.rename(`${folder}/cluster-ca.key`, `${fleet.folder}/away.key`);
    const before = await Deno.readTextFile(`${folder}/tls.pem`);
    const refused = await fleet.cli("server", "renew", folder);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /cluster\.no_ca_key/);
    assert.equal(await Deno.readTextFile(`${folder}/tls.pem`), before);
    await fleet.must("server", "renew", folder, "--ca-key", `${fleet.folder}/away.key`);
    assert.notEqual(await Deno.readTextFile(`${folder}/tls.pem`), before);
  } finally {
    await fleet.stop();
  }
});

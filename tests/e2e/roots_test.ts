/** The CA an agent or operator pinned is the only one, whatever else the host's environment trusts. */
import assert from "node:assert/strict";
import { systemRng } from "../../base/rng_system.ts";
import { createCa, issueServerCertificate } from "../../cluster/ca/mod.ts";
import { privateKeyFromSeed } from "../../wire/keys.ts";
import { Fleet } from "../support/fleet.ts";
import { binary, Program } from "../support/program.ts";

/** Runs `work` with the URL of a server whose certificate is by a CA that the environment in `env` trusts. */
async function withPublicServer(
  folder: string,
  work: (url: string, env: Record<string, string>, asked: () => number) => Promise<void>,
): Promise<void> {
  const now = Date.now();
  const ca = await createCa("a public CA", privateKeyFromSeed(systemRng.bytes(32)), now, systemRng);
  const about = { commonName: "server", hosts: ["localhost", "127.0.0.1"], now, days: 2 };
  const { certPem: cert, keyPem: key } = await issueServerCertificate(ca, about, systemRng);
  await Deno.writeTextFile(`${folder}/public.pem`, ca.certPem);
  let asked = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {}, cert, key }, () => {
    asked++;
    return Response.json({ token: "t", expires: "2030-01-01T00:00:00Z", cluster: "C1", role: "admin" });
  });
  const env = {
    DENO_TLS_CA_STORE: "system",
    SSL_CERT_FILE: `${folder}/public.pem`,
    DENO_CERT: `${folder}/public.pem`,
  };
  try {
    await work(`https://127.0.0.1:${server.addr.port}`, env, () => asked);
  } finally {
    await server.shutdown();
  }
}

Deno.test("agents and operators with a pinned CA speak to no server of another one", async () => {
  const fleet = await Fleet.start();
  try {
    await withPublicServer(fleet.folder, async (url, env, asked) => {
      const ca = `${fleet.clusterFolder}/cluster-ca.pem`;
      const passwordFile = `${fleet.folder}/password`;
      const login = async (...more: string[]) => {
        const args = ["login", url, "--password-file", passwordFile, ...more];
        const jabber = new Program("jabber", binary("jabber"), {
          args,
          env: { ...env, JABBER_HOME: `${fleet.folder}/other` },
        });
        return { code: (await jabber.ended).code, said: jabber.lines.join("\n") };
      };
      // Without a pin the host's own roots count: so the server is one that this environment trusts.
      assert.equal((await login()).code, 0);
      assert.equal(asked(), 1);
      const pinned = await login("--ca", ca);
      assert.equal(pinned.code, 1);
      assert.match(pinned.said, /certificate/);

      const agent = await fleet.startAgent({ name: "pinned", args: ["--server", url], env });
      assert.ok(agent.lines.some((line) => /dialling failed.*certificate/.test(line)), agent.lines.join("\n"));
      assert.equal(asked(), 1, "nobody spoke to it");
    });
  } finally {
    await fleet.stop();
  }
});

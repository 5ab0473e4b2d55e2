/** A server that is not whom it says, and servers that would lead the agent astray. */
import assert from "node:assert/strict";
import { type ErrorCode, ERRORS } from "../../base/errors.ts";
import { issueNodeStatement, makeWelcomeProof } from "../../wire/identity/mod.ts";
import { type Behaviour, type ClusterMaterial, HostileServer, newCluster, secondNode } from "./double.ts";
import { newKey, Stage } from "./stage.ts";

interface Impostor {
  name: string;
  /** What the agent's log says about it. */
  says: ErrorCode | RegExp;
  behaviour(stage: Stage, seen: Seen): Partial<Behaviour>;
}

/** What the attacker has kept of an honest connection, and of other clusters. */
interface Seen {
  proof: string;
  other: ClusterMaterial;
  second: ClusterMaterial;
}

const DAY_MS = 24 * 3600_000;

function forged(proof: (stage: Stage, seen: Seen, caller: Parameters<typeof makeWelcomeProof>[1]) => string) {
  return (stage: Stage, seen: Seen): Partial<Behaviour> => ({
    welcome: (honest, caller) => ({ ...honest, proof: proof(stage, seen, caller) }),
  });
}

/** An honest order of the author, before the server has proved anything. */
function earlyOrder(stage: Stage): string {
  return stage.server.line("command", { order: stage.order("early") });
}

const PROOFS: Impostor[] = [
  {
    name: "a proof by another key",
    says: "server.proof_invalid",
    behaviour: forged(({ server }, _, caller) =>
      makeWelcomeProof({ ...server.material.node, key: newKey() }, caller, Date.now())
    ),
  },
  {
    name: "a proof by another server of the cluster",
    says: "server.proof_invalid",
    behaviour: forged((_, { second }, caller) => makeWelcomeProof(second.node, caller, Date.now())),
  },
  {
    name: "the proof of an earlier connection",
    says: "server.proof_invalid",
    behaviour: forged((_, { proof }) => proof),
  },
  {
    name: "a proof for another agent",
    says: "server.proof_invalid",
    behaviour: forged(({ server }, _, caller) =>
      makeWelcomeProof(server.material.node, { ...caller, id: "agent-aaaaaaaaaaaaaaaaaaaaaaaaaa" }, Date.now())
    ),
  },
  { name: "no proof", says: "server.proof_invalid", behaviour: forged(() => "") },
];

const WELCOMES: Impostor[] = [
  {
    name: "a welcome of another cluster",
    says: /belongs to another cluster/,
    behaviour: (_, { other }) => ({ welcome: (honest) => ({ ...honest, cluster: other.cluster }) }),
  },
  {
    name: "a protocol that nobody speaks",
    says: "frame.version",
    behaviour: () => ({ welcome: (honest) => ({ ...honest, protocol: 99 }) }),
  },
  {
    name: "an order before the welcome",
    says: /the first frame is not .* but command/,
    behaviour: (stage) => ({ first: [earlyOrder(stage)] }),
  },
  {
    name: "an order in one frame with something else before the welcome",
    says: /the first frame is not .* but servers/,
    behaviour: (stage) => ({ first: [`${stage.server.line("servers", { servers: [] })}\n${earlyOrder(stage)}`] }),
  },
  {
    name: "a complaint in words that no close frame takes",
    says: /the first frame is not .* but x: /,
    behaviour: ({ server }) => ({ first: [server.line("error", { code: "x", message: "💥".repeat(400) })] }),
  },
  { name: "noise before the welcome", says: /the connection ended/, behaviour: () => ({ first: ["\u0000{"] }) },
  {
    name: "bytes before the welcome",
    says: /the connection ended/,
    behaviour: () => ({ first: [new Uint8Array([1, 2, 3])] }),
  },
];

const CHALLENGES: Impostor[] = [
  {
    name: "the statement of another cluster's server",
    says: "server.statement_invalid",
    behaviour: (_, { other }) => ({ challenge: (honest) => ({ ...honest, statement: other.node.statement }) }),
  },
  {
    name: "the statement of another server of the cluster",
    says: "server.statement_invalid",
    behaviour: (_, { second }) => ({ challenge: (honest) => ({ ...honest, statement: second.node.statement }) }),
  },
  {
    name: "a statement that the node signed for itself",
    says: "server.statement_invalid",
    behaviour: ({ server: { material } }) => ({
      challenge: (honest) => ({ ...honest, statement: statementOf(material, { by: material.node.key }) }),
    }),
  },
  {
    name: "a statement that has expired",
    says: "server.statement_expired",
    behaviour: ({ server: { material } }) => ({
      challenge: (honest) => ({ ...honest, statement: statementOf(material, { at: Date.now() - 2 * DAY_MS }) }),
    }),
  },
  {
    name: "a statement for another name",
    says: "server.wrong_name",
    behaviour: ({ server: { material } }) => ({
      challenge: (honest) => ({ ...honest, statement: statementOf(material, { names: ["other.example"] }) }),
    }),
  },
  { name: "a challenge without anything in it", says: "frame.malformed", behaviour: () => ({ challenge: () => ({}) }) },
  {
    name: "a challenge without an end",
    says: "frame.too_large",
    behaviour: () => ({ challenge: (honest) => ({ ...honest, pad: "x".repeat(100_000) }) }),
  },
  {
    name: "an answer that sends the agent elsewhere",
    says: /it answered 307/,
    behaviour: (_, { second }) => ({
      challenge: () => new Response(null, { status: 307, headers: { location: `https://${second.node.names[0]}/` } }),
    }),
  },
];

function statementOf(
  { ca, cluster, node }: ClusterMaterial,
  { by = ca.key, at = Date.now(), names = node.names }: { by?: typeof ca.key; at?: number; names?: string[] },
): string {
  return issueNodeStatement(by, { cluster, key: node.key.public, names, now: at, lifetimeMs: DAY_MS });
}

Deno.test("agent takes nothing from a server that does not prove to be the one it asked", async (t) => {
  const stage = await Stage.open();
  const { server } = stage;
  let proof = "";
  try {
    const seen = { other: await newCluster(), second: await secondNode(server.material) };
    for (const impostor of [...PROOFS, ...WELCOMES, ...CHALLENGES]) {
      await t.step(impostor.name, async () => {
        await stage.killAgent();
        const from = server.heard.length;
        server.behave(impostor.behaviour(stage, { ...seen, proof }));
        const agent = stage.launchAgent();
        await agent.line(typeof impostor.says === "string" ? sentenceOf(impostor.says) : impostor.says);
        const records = server.heard.envelopes.slice(from).filter(({ offset }) => offset !== undefined);
        assert.deepEqual(records, [], "it gave records to an impostor");
        server.behave({
          welcome: (honest) => {
            proof = honest.proof;
            return honest;
          },
        });
        await agent.line(/READY/);
        await stage.honestOrder();
        assert.deepEqual(stage.markers().filter((name) => name === "early"), []);
      });
    }
  } finally {
    await stage.close();
  }
});

/** What stands in the log: the code where a dial failed, the sentence where a connection ended. */
function sentenceOf(code: ErrorCode): RegExp {
  return new RegExp(ERRORS[code].message.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
}

Deno.test("agent follows no redirect to a server that is not what it was called", async (t) => {
  const stage = await Stage.open();
  const { server } = stage;
  const elsewhere = new HostileServer(await newCluster());
  const second = new HostileServer(await secondNode(server.material));
  const { node } = second.material.node;
  try {
    const astray = [
      { name: "another cluster's server", url: elsewhere.url, says: /dialling failed/ },
      { name: "a server that is another one than was named", url: server.url, says: /server\.wrong_name/ },
      { name: "a port where nobody is", url: "https://127.0.0.1:1", says: /net\.unreachable/ },
      { name: "something without TLS", url: second.url.replace("https:", "http:"), says: /redirect is not followed/ },
      { name: "something that is no address", url: "javascript:alert(1)", says: /redirect is not followed/ },
    ];
    for (const { name, url, says } of astray) {
      await t.step(name, async () => {
        await stage.killAgent();
        const agent = await stage.startAgent();
        const from = agent.lines.length;
        server.say("redirect", { url, node, view: "v" });
        await agent.line(says, from);
        if (!/not followed/.test(says.source)) await agent.line(/READY/, from);
        await stage.honestOrder();
        assert.equal(elsewhere.callers.length + second.callers.length, 0, "it signed for a stranger");
      });
    }
    await t.step("round and round: three times a minute, then it stays", async () => {
      await stage.killAgent();
      const agent = await stage.startAgent();
      const from = server.callers.length;
      const { node: self } = server.material.node;
      for (let turn = 1; turn <= 5; turn++) {
        const said = server.heard.length;
        const lines = agent.lines.length;
        server.say("redirect", { url: server.url, node: self, view: "v" });
        if (turn <= 3) await stage.hello(said);
        else await agent.line(/redirect is not followed/, lines);
      }
      assert.equal(server.callers.length - from, 3);
      await stage.honestOrder();
    });
  } finally {
    await Promise.all([elsewhere.stop(), second.stop()]);
    await stage.close();
  }
});

Deno.test("agent outlives a list of servers that was poisoned", async () => {
  const stage = await Stage.open();
  const { server } = stage;
  const elsewhere = new HostileServer(await newCluster());
  try {
    const urls = [
      elsewhere.url,
      elsewhere.url.replace("https:", "http:"),
      "javascript:alert(1)",
      "file:///etc/passwd",
      "https://",
      "",
      "\u0000",
      "https://[::1",
      "https://user:password@127.0.0.1:1/path?query#hash",
      ...Array.from({ length: 900 }, () => "https://127.0.0.1:1"),
    ];
    server.say("servers", { servers: urls.map((url) => ({ node: "node-x", url, weight: 1 })) });
    await stage.honestOrder();
    for (const restart of [false, true]) {
      server.behave({ challenge: () => new Response("no", { status: 503 }) });
      if (restart) await stage.killAgent();
      else await server.hangUp();
      const agent = restart ? stage.launchAgent() : stage.agent!;
      const from = restart ? 0 : agent.lines.length;
      // The last one of the list was tried: all of it was.
      await agent.line(/dialling failed.*\?query#hash/, from);
      server.behave({});
      await agent.line(/READY/, from);
      await stage.honestOrder();
    }
    assert.equal(elsewhere.callers.length, 0, "it signed for a stranger");
  } finally {
    await elsewhere.stop();
    await stage.close();
  }
});

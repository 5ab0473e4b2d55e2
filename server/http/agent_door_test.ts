import assert from "node:assert/strict";
import { rfc3339 } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { hashJoinSecret, joinCredential, type JoinRow, makeConnectClaim } from "../../wire/identity/mod.ts";
import { agentKey, factsFor, newBook, newNode, NOW } from "../../wire/identity/testing.ts";
import { admit, type AgentDoorDeps, answerScript, readSmallBody } from "./agent_door.ts";

const HASH = `sha256-${"0".repeat(64)}`;

function door(enrolled: boolean): { deps: AgentDoorDeps; headers(): Headers } {
  const self = newNode(["server.example"]);
  const book = newBook();
  const deps: AgentDoorDeps = {
    alone: false,
    self,
    book,
    clock: { now: () => NOW, monotonic: () => 0, after: () => () => {} },
    log: () => {},
    isEnrolled: () => enrolled,
    joinRows: () => [],
    scriptText: (hash) => Promise.resolve(hash === HASH ? "text" : undefined),
  };
  const claim = () => makeConnectClaim(agentKey, factsFor(self, book.issue("192.0.2.1", NOW)));
  return { deps, headers: () => new Headers({ authorization: `Bearer ${claim()}` }) };
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "answered";
  } catch (cause) {
    return cause instanceof JabberError ? cause.code : String(cause);
  }
}

Deno.test("answerScript() gives scripts to enrolled agents with a fresh claim, and to nobody else", async () => {
  const { deps, headers } = door(true);
  const claim = headers();
  assert.equal(await (await answerScript(deps, claim, "192.0.2.1", HASH)).text(), "text");
  assert.equal(await codeOf(answerScript(deps, claim, "192.0.2.1", HASH)), "agent.challenge_used");
  assert.equal(await codeOf(answerScript(deps, headers(), "192.0.2.1", "sha256-other")), "input.not_found");
  assert.equal(await codeOf(answerScript(deps, new Headers(), "192.0.2.1", HASH)), "auth.missing");
  const stranger = door(false);
  assert.equal(await codeOf(answerScript(stranger.deps, stranger.headers(), "192.0.2.1", HASH)), "agent.not_enrolled");
});

Deno.test("admit() looks at a join token's secret, end and uses, and asks an enrolled agent for none", () => {
  const id = "01M7W7A0T9CHEQHAJ342FR7MFM";
  const secret = "A".repeat(43);
  const row: JoinRow = { id, hash: hashJoinSecret(secret), expires: rfc3339(NOW + 1000), uses: 2, used: 1 };
  const admitted = (credential: string | null, change: Partial<JoinRow> = {}, enrolled = false) => {
    const { deps, headers } = door(enrolled);
    const sent = headers();
    if (credential !== null) sent.set("x-jabber-join", credential);
    const { token, tokenUses } = admit({ ...deps, joinRows: () => [{ ...row, ...change }] }, sent, "192.0.2.1").proof;
    return { token, tokenUses };
  };
  const good = joinCredential({ id, secret });
  assert.deepEqual(admitted(good), { token: id, tokenUses: 2 });
  assert.deepEqual(admitted(null), { token: null, tokenUses: undefined });
  for (const wrong of [`${id}.${"B".repeat(43)}`, `${id}.`, "nonsense", good.toLowerCase()]) {
    assert.throws(() => admitted(wrong), { code: "token.invalid" }, wrong);
  }
  assert.throws(() => admitted(good, { expires: rfc3339(NOW) }), { code: "token.expired" });
  assert.throws(() => admitted(good, { used: 2 }), { code: "token.used_up" });
  assert.equal(admitted("nonsense", {}, true).token, null);
});

/** Sends the head as it is, then a body in one chunk; answers what the server said. */
async function post(port: number, head: string, bytes: number): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const writer = connection.writable.getWriter();
  const body = `${bytes.toString(16)}\r\n${"x".repeat(bytes)}\r\n0\r\n\r\n`;
  await writer.write(
    new TextEncoder().encode(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${head}\r\n\r\n${body}`),
  );
  return await new Response(connection.readable).text();
}

Deno.test("readSmallBody() reads nothing of a body that says it is too long", async () => {
  const reading = (length: number) => {
    const request = new Request("http://a/", { method: "POST", body: "x", headers: { "content-length": `${length}` } });
    return codeOf(readSmallBody(request, LIMITS.anonymousBodyBytesMax));
  };
  assert.equal(await reading(LIMITS.anonymousBodyBytesMax), "answered");
  assert.equal(await reading(LIMITS.anonymousBodyBytesMax + 1), "input.too_large");
});

Deno.test("readSmallBody() believes no length that stands beside a body in chunks", async () => {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    return new Response(await codeOf(readSmallBody(request, LIMITS.anonymousBodyBytesMax)));
  });
  try {
    const chunked = "Transfer-Encoding: chunked";
    for (const head of [chunked, `Content-Length: 5\r\n${chunked}`, `${chunked}\r\nContent-Length: 5`]) {
      assert.match(await post(server.addr.port, head, 2 * LIMITS.anonymousBodyBytesMax), /input\.too_large$/, head);
      assert.match(await post(server.addr.port, head, 8), /answered$/, head);
    }
  } finally {
    await server.shutdown();
  }
});

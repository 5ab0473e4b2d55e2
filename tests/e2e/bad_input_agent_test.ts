/** What a hostile web server, clumsy scripts and a second supervisor do to a compiled agent. */
import assert from "node:assert/strict";
import type { ErrorCode } from "../../base/errors.ts";
import { Fleet } from "../support/fleet.ts";
import { childrenOf } from "../support/proc.ts";
import { binary, Program } from "../support/program.ts";
import { assertRefused } from "./bad_input.ts";

const SECRET = "what nobody but its owner may read";

/** A server that answers each path with another meanness; it counts what it was asked for. */
function meanServer() {
  const asked: string[] = [];
  const ends = new AbortController();
  const endless = () => new ReadableStream<Uint8Array>({ pull: (stream) => stream.enqueue(new Uint8Array(64 * 1024)) });
  // One byte, and never another one.
  const slow = () => new ReadableStream<Uint8Array>({ start: (stream) => stream.enqueue(new Uint8Array([120])) });
  const to = (location: string) => new Response(null, { status: 302, headers: { location } });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: ends.signal, onListen: () => {} },
    (request) => {
      const { pathname, searchParams } = new URL(request.url);
      asked.push(pathname);
      if (pathname === "/circle") return to("/circle");
      if (pathname === "/to") return to(searchParams.get("url")!);
      if (pathname === "/endless") return new Response(endless());
      if (pathname === "/slow") return new Response(slow());
      return new Response("well");
    },
  );
  const { port } = server.addr;
  return {
    origin: `http://127.0.0.1:${port}`,
    address: `127.0.0.1:${port}`,
    asked,
    close: async () => {
      ends.abort();
      await server.finished;
    },
  };
}

type Step = (t: Deno.TestContext, fleet: Fleet) => Promise<void>;

Deno.test("a mean web server and a careless script get nothing out of an agent, and it outlives them", async (t) => {
  const fleet = await Fleet.start();
  const mean = meanServer();
  const away = meanServer();
  try {
    await Deno.writeTextFile(`${fleet.folder}/secret`, SECRET);
    const agent = await fleet.startAgent({
      name: "host",
      policy: { net: [mean.address], unsigned: ["kv.get", "kv.set"] },
    });
    await fetching(mean, away)(t, fleet);
    await keeping(t, fleet);
    await t.step("the agent outlived it all", () => assert.equal(agent.isOver, false));
  } finally {
    await fleet.stop();
    await mean.close();
    await away.close();
  }
});

type Mean = ReturnType<typeof meanServer>;

const fetching = (mean: Mean, away: Mean): Step => async (t, fleet) => {
  const ask = (path: string, more: object = {}) =>
    fleet.cli("run", "http.fetch", "--args", JSON.stringify({ url: mean.origin + path, ...more }));
  const to = (url: string) => `/to?url=${encodeURIComponent(url)}`;
  const refusals: readonly [what: string, code: ErrorCode, path: string, more?: object][] = [
    ["a redirect in a circle", "http.redirect", "/circle"],
    ["a redirect to a file", "http.redirect", to(`file://${fleet.folder}/secret`)],
    ["a redirect to a script", "http.redirect", to("data:text/plain,x")],
    ["a redirect to the cloud's metadata", "policy.host_refused", to("http://169.254.169.254/latest/meta-data/")],
    ["a redirect to another port", "policy.host_refused", to(`${away.origin}/`)],
    ["a redirect to the same host by another name", "policy.host_refused", to("http://2130706433/")],
    ["a stream without an end", "http.too_large", "/endless"],
    ["a server that says a byte and no more", "http.timeout", "/slow", { timeoutMs: 300 }],
    ["a header that makes two", "args.mismatch", "/", { headers: { "x-a": "b\r\nx-c: d" } }],
    ["a header's name that makes two", "args.mismatch", "/", { headers: { "x-a: b\r\nx-c": "d" } }],
    ["a header that is not the script's", "args.mismatch", "/", { headers: { "Transfer-Encoding": "chunked" } }],
  ];
  for (const [what, code, path, more] of refusals) {
    await t.step(what, async () => {
      const result = await ask(path, more);
      assertRefused(result, code);
      assert.ok(!(result.out + result.err).includes(SECRET));
    });
  }
  await t.step("a circle is left after a few turns, and nobody else was asked", async () => {
    const turns = mean.asked.filter((path) => path === "/circle").length;
    assert.ok(turns > 1 && turns <= 20, `${turns}`);
    assert.deepEqual(away.asked, []);
    assert.match((await ask("/")).out, /well/);
  });
};

const keeping: Step = async (t, fleet) => {
  const kv = (verb: string, args: object) => fleet.cli("run", `kv.${verb}`, "--args", JSON.stringify(args));
  await t.step("a key that objects have by themselves is a key like the others", async () => {
    for (const key of ["__proto__", "constructor", "toString"]) {
      assert.match((await fleet.must("run", "kv.get", key)).out, /"?version"?: 0/, key);
      assert.equal((await kv("set", { key, value: { "mine": 1 } })).code, 0, key);
      assert.match((await fleet.must("run", "kv.get", key)).out, /mine/, key);
    }
    assertRefused(await kv("set", { key: "a b", value: 1 }), "args.mismatch");
  });
  await t.step("of many who write on one condition, one does", async () => {
    const all = await Promise.all([1, 2, 3, 4].map((value) => kv("set", { key: "once", value, ifVersion: 0 })));
    assert.equal(all.filter(({ code }) => code === 0).length, 1);
    for (const result of all.filter(({ code }) => code !== 0)) assertRefused(result, "kv.conflict");
  });
};

Deno.test("a second supervisor on the same folder waits its turn, and the agent is killed as often as one likes", async () => {
  const fleet = await Fleet.start();
  const folder = `${fleet.folder}/supervised`;
  await Deno.mkdir(folder, { mode: 0o700 });
  await Deno.writeTextFile(`${folder}/jabber-agent.yaml`, '{"name": "s"}', { mode: 0o600 });
  const supervise = (name: string) =>
    new Program(name, binary("jabber-agent"), {
      args: [
        ...["supervise", "--config", `${folder}/jabber-agent.yaml`, "--data", `${folder}/data`],
        ...["--token-file", `${fleet.clusterFolder}/join-token.txt`],
      ],
    });
  const first = supervise("first");
  let second: Program | undefined;
  try {
    await first.line(/READY/);
    second = supervise("second");
    await second.line(/ERROR .*code=store\.locked/);
    await second.line(/is started again code=1/);
    assert.equal(first.isOver, false);
    assert.match((await fleet.must("agent", "ls")).out, /^s +connected/m);
    await second.stop("SIGTERM");
    for (const _ of [1, 2]) {
      const seen = first.lines.length;
      const [child] = childrenOf(first.pid);
      Deno.kill(child!, "SIGKILL");
      await first.line(/started the agent/, seen);
      assert.equal(childrenOf(first.pid).length, 1, "one agent at a time");
    }
    await first.line(/READY/, first.lines.findLastIndex((line) => line.includes("started the agent")));
    const [last] = childrenOf(first.pid);
    assert.equal((await first.stop("SIGTERM")).code, 0, first.lines.join("\n"));
    await assert.rejects(Deno.stat(`/proc/${last}`), Deno.errors.NotFound);
  } finally {
    await Promise.all([first, second].map((supervisor) => supervisor?.stop("SIGKILL")));
    await fleet.stop();
  }
});

/** A signed script that follows, asks, remembers and tags, in the compiled agent, while its log is rotated under it. */
import assert from "node:assert/strict";
import type { JsonObject } from "../../base/json.ts";
import { systemRng } from "../../base/rng_system.ts";
import { createCa, issueServerCertificate } from "../../cluster/ca/mod.ts";
import { privateKeyFromSeed } from "../../wire/keys.ts";
import { Fleet } from "../support/fleet.ts";
import { Operator } from "../support/operator.ts";

const HEADER: JsonObject = {
  name: "follow",
  access: 3,
  uses: ["fs.tail", "fs.stat", "http.fetch", "kv.get", "kv.set", "output.emit", "tags.set"],
  args: { type: "object", properties: { file: { type: "string" }, url: { type: "string" }, away: { type: "string" } } },
};

/** Asks the server about each line, and ends with the line "end". */
const BODY = `
  const before = await kv.get("follow/seen");
  const seen = [];
  const events = [];
  let refused = "";
  try { await http.fetch(args.away); } catch (error) { refused = error.code; }
  const over = new Error("over");
  try {
    await fs.tail(args.file, { from: "start" }, async ({ text, event, file, offset }) => {
      if (event === "missing") return;
      if (event !== undefined) return void events.push(event);
      if (text === "end") throw over;
      const answer = await http.fetch(args.url, { method: "POST", body: text, headers: { "x-line": String(offset) } });
      seen.push(answer.text);
      await kv.set("follow/seen", seen);
      await output.emit({ text, file });
    });
  } catch (error) {
    if (error !== over) throw error;
  }
  await tags.set("rotations", String(events.filter((event) => event === "rotated").length));
  let owned = "";
  try { await tags.set("os", "none"); } catch (error) { owned = error.code; }
  return { before, seen, events, refused, owned, bytes: (await fs.stat(args.file)).bytes };`;

/** A server that says each body back in capitals, and lets a test wait for one. */
function echoServer() {
  const asked: string[] = [];
  let wake = (): void => {};
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const text = await request.text();
    asked.push(text);
    wake();
    return new Response(text.toUpperCase());
  });
  return {
    asked,
    origin: `http://127.0.0.1:${server.addr.port}`,
    address: `127.0.0.1:${server.addr.port}`,
    async until(text: string): Promise<void> {
      while (!asked.includes(text)) await new Promise<void>((resolve) => wake = resolve);
    },
    close: () => server.shutdown(),
  };
}

Deno.test("a script follows a log through its rotation, asks, remembers and tags", async () => {
  const fleet = await Fleet.start();
  const web = echoServer();
  const other = echoServer();
  let operator: Operator | undefined;
  try {
    const logs = `${await Deno.realPath(fleet.folder)}/logs`;
    await Deno.mkdir(logs);
    const file = `${logs}/app.log`;
    await Deno.writeTextFile(file, "one\n");
    const options = {
      name: "host",
      policy: { files: { read: [logs] }, net: [web.address] },
      // Nobody in between is asked, whatever the environment names.
      env: { HTTP_PROXY: other.origin, http_proxy: other.origin, ALL_PROXY: other.origin },
    };
    const agent = await fleet.startAgent(options);
    operator = await Operator.signedIn(`${fleet.folder}/operator`);
    const does = await operator.script(HEADER, BODY);
    const args = { file, url: `${web.origin}/`, away: `${other.origin}/` };
    const order = await operator.submit(does, { selector: "name=host", args });

    await web.until("one");
    await Deno.rename(file, `${file}.1`);
    await Deno.writeTextFile(`${file}.1`, "two\n", { append: true });
    await Deno.writeTextFile(file, "three three\n");
    await web.until("three three");
    // As copytruncate does it.
    await Deno.writeTextFile(file, "four\n");
    await web.until("four");
    await Deno.writeTextFile(file, "end\n", { append: true });

    const end = await operator.end(order);
    assert.deepEqual([end.error, end.result], [undefined, {
      before: { value: null, version: 0 },
      seen: ["ONE", "TWO", "THREE THREE", "FOUR"],
      events: ["rotated", "truncated"],
      refused: "policy.host_refused",
      owned: "tags.owned",
      bytes: 9,
    }]);
    assert.deepEqual(web.asked, ["one", "two", "three three", "four"]);
    assert.deepEqual(other.asked, []);
    const [row] = JSON.parse((await fleet.must("agent", "ls", "-o", "json")).out);
    assert.equal(row.tags.rotations, "1");

    // What kv.set answered is on disk: nothing takes it back.
    await agent.stop("SIGKILL");
    await fleet.startAgent(options);
    const kept = await operator.run("command:kv.get", {
      selector: "name=host,rotations=1",
      args: { key: "follow/seen" },
    });
    assert.deepEqual(kept.result, { value: ["ONE", "TWO", "THREE THREE", "FOUR"], version: 4 });
  } finally {
    operator?.close();
    await fleet.stop();
    await web.close();
    await other.close();
  }
});

Deno.test("an agent that trusts its cluster's CA alone asks others under the CA of its owner", async () => {
  const fleet = await Fleet.start();
  const now = Date.now();
  const ca = await createCa("the owner's CA", privateKeyFromSeed(systemRng.bytes(32)), now, systemRng);
  const about = { commonName: "server", hosts: ["localhost"], now, days: 2 };
  const { certPem: cert, keyPem: key } = await issueServerCertificate(ca, about, systemRng);
  const tls = { hostname: "127.0.0.1", port: 0, onListen: () => {}, cert, key };
  const server = Deno.serve(tls, () => new Response("trusted"));
  const { port } = server.addr;
  let operator: Operator | undefined;
  try {
    const netCa = `${await Deno.realPath(fleet.folder)}/owner-ca.pem`;
    await Deno.writeTextFile(netCa, ca.certPem);
    const net = [`localhost:${port}`, `127.0.0.1:${port}`];
    await Promise.all([
      fleet.startAgent({ name: "with", policy: { net, netCa } }),
      fleet.startAgent({ name: "without", policy: { net } }),
    ]);
    operator = await Operator.signedIn(`${fleet.folder}/operator`);
    const ask = (name: string, host: string) =>
      operator!.run("command:http.fetch", { selector: `name=${name}`, args: { url: `https://${host}:${port}/` } });
    const trusted = await ask("with", "localhost");
    assert.deepEqual([trusted.error, (trusted.result as JsonObject)["text"]], [undefined, "trusted"]);
    assert.equal((await ask("with", "127.0.0.1")).error?.code, "http.tls");
    assert.equal((await ask("without", "localhost")).error?.code, "http.tls");
  } finally {
    operator?.close();
    await fleet.stop();
    await server.shutdown();
  }
});

Deno.test("a tail under way ends at once when its run is cancelled, and a pipe in the log's place holds up nothing", async () => {
  const fleet = await Fleet.start();
  let operator: Operator | undefined;
  try {
    const logs = `${await Deno.realPath(fleet.folder)}/logs`;
    await Deno.mkdir(logs);
    assert.ok((await new Deno.Command("mkfifo", { args: [`${logs}/pipe`] }).output()).success);
    await Deno.writeTextFile(`${logs}/app.log`, "one\n");
    await fleet.startAgent({ name: "host", policy: { files: { read: [logs] } } });
    operator = await Operator.signedIn(`${fleet.folder}/operator`);
    const selector = "name=host";
    for (const command of ["fs.tail", "fs.read"]) {
      const refused = await operator.run(`command:${command}`, { selector, args: { path: `${logs}/pipe` } });
      assert.equal(refused.error?.code, "input.invalid", command);
    }
    const listed = await operator.run("command:fs.list", { selector, args: { path: logs } });
    assert.deepEqual(listed.result, {
      entries: [{ path: "app.log", kind: "file" }, { path: "pipe", kind: "other" }],
      cut: false,
    });
    const tail = fleet.cliProgram("run", "fs.tail", "--path", `${logs}/app.log`, "--lines", "1");
    const [, order] = await tail.line(/^order (\w+):/);
    await tail.line(/one/);
    await Deno.remove(`${logs}/app.log`);
    await Deno.rename(`${logs}/pipe`, `${logs}/app.log`);
    await tail.line(/missing/);
    await fleet.must("run", "cancel", order!);
    const end = await operator.end(order!);
    assert.deepEqual([end.ok, end.error?.code], [false, "run.cancelled"]);
    assert.equal((await operator.run("command:sys.facts", { selector })).ok, true);
  } finally {
    operator?.close();
    await fleet.stop();
  }
});

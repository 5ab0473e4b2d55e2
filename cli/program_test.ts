import assert from "node:assert/strict";
import { privateKeyFromPem } from "../wire/keys.ts";
import { parseScript } from "../wire/sign/mod.ts";
import { buildProgram, runCli } from "./program.ts";
import { verbsOf } from "./verbs.ts";
import { memoryWorld, type MemoryWorldOptions } from "./world/world_memory.ts";

const SCRIPT = `/*---
name: hello
access: 0
uses: [log.info]
args: {type: object, properties: {who: {type: string}}}
---*/
await log.info("hello " + args.who);
`;

const CONTEXT = {
  current: "default",
  contexts: {
    default: { url: "https://127.0.0.1:1", user: "ada", token: "t", expires: "2030-01-01T00:00:00Z", cluster: "C1" },
  },
};

function world(options: MemoryWorldOptions = {}) {
  const made = memoryWorld(options);
  const put = (path: string, text: string, mode = 0o600) =>
    made.disk.set(path, { content: new TextEncoder().encode(text), mode });
  put("/home/jabber/contexts.json", JSON.stringify(CONTEXT));
  put("hello.js", SCRIPT, 0o644);
  return { ...made, put, text: (path: string) => new TextDecoder().decode(made.disk.get(path)?.content) };
}

Deno.test("jabber keygen makes a private key once", async () => {
  const w = world();
  assert.equal(await runCli(["keygen"], w), 0);
  assert.match(w.printed.out, /^ed25519:[\w-]{43}\n$/);
  assert.equal(w.disk.get("/home/jabber/author.key")?.mode, 0o600);
  privateKeyFromPem(w.text("/home/jabber/author.key"));
  assert.equal(await runCli(["keygen"], w), 1, "an existing key is never overwritten");
  assert.match(w.printed.err, /input\.conflict/);
});

Deno.test("jabber script sign adds signature lines and nothing else", async () => {
  const w = world();
  await runCli(["keygen"], w);
  assert.equal(await runCli(["script", "sign", "hello.js"], w), 0);
  const signed = w.text("hello.js");
  const [head, tail] = SCRIPT.split("---*/");
  assert.ok(signed.startsWith(head!) && signed.endsWith("---*/" + tail!));
  assert.equal(parseScript(new TextEncoder().encode(signed)).signatures.length, 1);
  assert.equal(w.disk.get("hello.js")?.mode, 0o644, "the file keeps its mode");
});

Deno.test("jabber script verify tells good, unknown and changed apart by its exit code", async () => {
  const w = world();
  await runCli(["keygen"], w);
  await runCli(["script", "sign", "hello.js"], w);
  assert.equal(await runCli(["script", "verify", "hello.js"], w), 0);
  assert.match(w.printed.out, /good +\S+ +your key/);
  w.put("hello.js", w.text("hello.js").replace('hello "', 'goodbye "'));
  assert.equal(await runCli(["script", "verify", "hello.js"], w), 1);
  w.disk.delete("/home/jabber/author.key");
  assert.equal(await runCli(["script", "verify", "hello.js"], w), 1);
});

Deno.test("jabber refuses a key that others can read", async () => {
  const w = world();
  await runCli(["keygen"], w);
  w.disk.get("/home/jabber/author.key")!.mode = 0o644;
  assert.equal(await runCli(["script", "sign", "hello.js"], w), 1);
  assert.match(w.printed.err, /key\.exposed/);
  assert.match(w.printed.err, /→ run chmod 600/);
});

Deno.test("jabber init makes a cluster and keeps the author's key away from it", async () => {
  const w = world();
  assert.equal(await runCli(["init", "/c", "--listen", "127.0.0.1:9"], w), 0);
  assert.equal(w.printed.out, "/c/join-token.txt\n");
  const token = w.text("/c/join-token.txt").trim();
  assert.match(token, /^jabber-join-1\./);
  assert.ok(!w.printed.err.includes(token), "the secret stays in its file");
  assert.match(w.text("/c/cluster-pin.txt"), /^jabber-pin-1\./);
  assert.ok(w.disk.has("/c/jabber-server.yaml") && w.disk.has("/home/jabber/author.key"));
  assert.ok(!w.disk.has("/c/author.key"));
  assert.equal(w.disk.get("/c/cluster-ca.key")?.mode, 0o600);
  assert.equal(await runCli(["init", "/c"], w), 1, "an existing cluster is never overwritten");
});

Deno.test("jabber init --like makes one more server from the files of another", async () => {
  const w = world();
  assert.equal(await runCli(["init", "/a", "--listen", "10.0.0.1:7431", "--gossip", "10.0.0.1:7946"], w), 0);
  const first = w.text("/a/jabber-server.yaml");
  w.put("/a/jabber-server.yaml", `${first}limits: {loginsPerMinute: 7}\n`);
  const like = ["init", "/b", "--like", "/a", "--listen", "10.0.0.2:7431", "--gossip", "10.0.0.2:7946"];
  assert.equal(await runCli(like, w), 0, w.printed.err);
  assert.ok(w.printed.out.endsWith("/b/jabber-server.yaml\n"));
  assert.match(w.printed.err, /Not taken over: limits\.loginsPerMinute\n/);
  const second = w.text("/b/jabber-server.yaml");
  assert.match(second, /listen: "10\.0\.0\.2:7946"\n {2}join:\n {4}- "10\.0\.0\.1:7946"/);
  assert.equal(/id: "[^"]+"/.exec(second)?.[0], /id: "[^"]+"/.exec(first)?.[0], "the same cluster");
  assert.ok(!w.disk.has("/b/cluster-ca.key") && !w.disk.has("/b/join-token.txt"));
  assert.deepEqual(w.disk.get("/b/gossip.key"), w.disk.get("/a/gossip.key"));
  assert.equal(w.disk.get("/b/node.key")?.mode, 0o600);
});

Deno.test("jabber init --like says what is missing, and writes nothing", async () => {
  const w = world();
  assert.equal(await runCli(["init", "/a", "--listen", "10.0.0.1:7431"], w), 0);
  const like = ["--like", "/a", "--gossip", "10.0.0.2:7946"];
  const near = ["--join", "10.0.0.1:7946"];
  const rows: [args: string[], exit: number, said: RegExp][] = [
    [["--like", "/none", "--gossip", "10.0.0.2:7946"], 1, /\/none\/jabber-server\.yaml: name the folder of a server/],
    [["--like", "/a", ...near], 2, /--like needs --gossip/],
    [[...like], 2, /\/a does not listen for gossip: set gossip\.listen/],
    [[...like, ...near, "--user", "eve"], 2, /cannot be used with option '--user <name>'/],
    [["--like", "/a", "--gossip", "0.0.0.0:7946", ...near], 2, /others can dial/],
    [["--like", "/a", "--gossip", "db2:7946", ...near], 2, /others can dial/],
    [["--like", "/a", "--gossip", "10.0.0.2:99999", ...near], 1, /gossip\.listen/],
    [[...like, "--join", "nowhere"], 1, /gossip\.join/],
    [[...like, ...near, "--ca-key", "/safe/ca.key"], 1, /\/safe\/ca\.key[^]*cluster\.no_ca_key/],
    [near, 2, /--join needs --gossip/],
    [["--ca-key", "/a/cluster-ca.key"], 2, /--ca-key goes with --like/],
  ];
  for (const [args, exit, said] of rows) {
    w.printed.err = "";
    assert.equal(await runCli(["init", "/b", ...args], w), exit, `${args}: ${w.printed.err}`);
    assert.match(w.printed.err, said);
    assert.ok(![...w.disk.keys()].some((path) => path.startsWith("/b/")), args.join(" "));
  }
  w.put("/b/tls.key", "somebody's");
  assert.equal(await runCli(["init", "/b", ...like, ...near], w), 1);
  assert.match(w.printed.err, /\/b\/tls\.key is there; choose a folder/);
  assert.ok(!w.disk.has("/b/jabber-server.yaml"));
});

Deno.test("jabber exits with 2 on usage errors, and says how to go on", async () => {
  const rows = [["frobnicate"], ["agent", "ls", "--nope"], ["run"], ["logs", "x", "--from", "-1"], [
    "login",
    "ftp://x",
  ]];
  for (const args of rows) {
    const w = world();
    assert.equal(await runCli(args, w), 2, args.join(" "));
    assert.match(w.printed.err, /--help/);
  }
});

Deno.test("jabber says what was meant, and whose help to ask for", async () => {
  const rows: [args: string[], said: RegExp][] = [
    [
      ["agnt", "ls"],
      /unknown command 'agnt'\n {2}→ did you mean agent\?\n {2}→ `jabber --help` .*\n {2}\(input\.usage\)/,
    ],
    [["agnt", "--help"], /did you mean agent\?/],
    [["help", "agnt"], /did you mean agent\?/],
    [["agent", "lst"], /did you mean ls\?\n {2}→ `jabber agent --help`/],
    [["agent", "ls", "--selectr", "x"], /did you mean --selector\?\n {2}→ `jabber agent ls --help`/],
    [["agent", "ls", "-o", "xml"], /Allowed choices are table, json, yaml, name/],
    [["history", "--limit", "x"], /Give a whole number from 1/],
    [["firehose", "--count", "0"], /Give a whole number from 1/],
    [["agent", "show"], /missing required argument 'agent'/],
  ];
  for (const [args, said] of rows) {
    const w = world();
    assert.equal(await runCli(args, w), 2, args.join(" "));
    assert.match(w.printed.err, said);
    assert.equal(w.printed.out, "");
  }
});

Deno.test("jabber without a context, with one that is not there, and with one that has ended", async () => {
  const run = async (change: (file: typeof CONTEXT) => unknown, ...args: string[]) => {
    const w = world();
    w.put("/home/jabber/contexts.json", JSON.stringify(change(structuredClone(CONTEXT))));
    assert.equal(await runCli(["agent", "ls", ...args], w), args.includes("usage") ? 2 : 1);
    return w.printed.err;
  };
  assert.match(await run(() => ({ current: "", contexts: {} })), /signed in here yet\n {2}→ run `jabber login URL`/);
  assert.match(await run((file) => file, "--context", "x"), /no context is called "x"; there is default/);
  const ended = (file: typeof CONTEXT) => ({
    ...file,
    contexts: { default: { ...file.contexts.default, expires: "2020-01-01T00:00:00Z" } },
  });
  assert.match(await run(ended), /ended 2020-01-01T00:00:00Z\n {2}→ run `jabber login URL`\n {2}\(auth\.expired\)/);
});

Deno.test("jabber names what is wrong with its contexts file, and never prints a token of it", async () => {
  const good = CONTEXT.contexts.default;
  const rows: [text: string, said: RegExp][] = [
    ["nonsense", /is no JSON/],
    ["[]", /it is no object/],
    [JSON.stringify({ contexts: {} }), /current is no text/],
    [JSON.stringify({ current: "a", contexts: [] }), /contexts is no object/],
    [JSON.stringify({ ...CONTEXT, more: 1 }), /"more" is no key of it/],
    [JSON.stringify({ current: "a", contexts: { a: null } }), /contexts\.a is no object/],
    [JSON.stringify({ current: "a", contexts: { a: { ...good, token: 1 } } }), /contexts\.a\.token is no text/],
    [JSON.stringify({ current: "a", contexts: { a: { ...good, url: "x" } } }), /contexts\.a\.url is no URL: "x"/],
    [JSON.stringify({ current: "a", contexts: { a: { ...good, tokn: "t0k3n" } } }), /contexts\.a: "tokn" is no key/],
  ];
  for (const [text, said] of rows) {
    const w = world();
    w.put("/home/jabber/contexts.json", text);
    assert.equal(await runCli(["agent", "ls"], w), 1, text);
    assert.match(w.printed.err, said);
    assert.match(w.printed.err, /\(config\.invalid\)/);
    assert.doesNotMatch(w.printed.err, /t0k3n/);
  }
});

Deno.test("jabber exits with 1 and a next step when the server is gone", async () => {
  const w = world();
  assert.equal(await runCli(["agent", "ls"], w), 1);
  assert.match(w.printed.err, /net\.unreachable/);
  assert.match(w.printed.err, /→ check the URL/);
});

Deno.test("jabber shows the server's refusals as they are, without their escapes", async () => {
  const error = { code: "auth.expired", message: "it has \x1b[31mexpired", next: "run `jabber login URL`" };
  const w = world({ answer: () => Response.json({ error }, { status: 401 }) });
  assert.equal(await runCli(["agent", "ls"], w), 1);
  assert.match(w.printed.err, /jabber: it has expired\n {2}→ run `jabber login URL`/);
});

Deno.test("jabber agent ls prints hosts' text sanitised, and JSON escaped", async () => {
  const agent = {
    id: "agent-1",
    key: "k",
    name: "evil\x1b]0;x\x07\r\u202e",
    tags: { os: "linux" },
    state: "enrolled",
    connected: true,
    address: "",
    version: "1",
    firstSeen: "2026-11-20T00:00:00Z",
    lastSeen: "2026-11-20T00:00:00Z",
    flags: [],
  };
  for (const format of ["table", "json", "yaml", "name"]) {
    const w = world({ answer: () => Response.json({ agents: [agent] }) });
    assert.equal(await runCli(["agent", "ls", "-o", format], w), 0);
    // deno-lint-ignore no-control-regex -- what must not be left
    assert.doesNotMatch(w.printed.out, /[\x00-\x09\x0b-\x1f\x7f\u202e]/, format);
  }
});

Deno.test("jabber logs says when nothing is stored that far, and jabber run show what is no order's id", async () => {
  const stream = `agent-${"a".repeat(26)}/01JD6Z8QK4T3X9V5C2B7N8M1RA`;
  const silent = world({ answer: () => new Response("") });
  assert.equal(await runCli(["logs", stream, "--from", "7"], silent), 0);
  assert.equal(silent.printed.err, "nothing is stored from offset 7 on; -f waits for it\n");
  const typo = world({ answer: () => Response.json({}) });
  assert.equal(await runCli(["run", "show", "01JD"], typo), 2);
  assert.match(typo.printed.err, /"01JD" is no order's id; `jabber run ls` lists them/);
});

Deno.test("jabber agent ls says of an agent that another server holds where that is", async () => {
  const times = { firstSeen: "2026-11-20T00:00:00Z", lastSeen: "2026-11-20T00:00:00Z" };
  const row = { id: "agent-1", key: "k", name: "web1", tags: {}, address: "", version: "1", flags: [], ...times };
  const agents = [
    { ...row, state: "enrolled", connected: false, elsewhere: "https://b:7431" },
    { ...row, state: "enrolled", connected: false, name: "web2" },
  ];
  const w = world({ answer: () => Response.json({ agents }) });
  assert.equal(await runCli(["agent", "ls"], w), 0);
  assert.match(w.printed.out, /^web1 +elsewhere .* https:\/\/b:7431 +agent-1\nweb2 +away /m);
});

Deno.test("every verb has a help text of its own and an example", async () => {
  const verbs = verbsOf(await buildProgram(memoryWorld(), { exit: 0 }));
  assert.ok(verbs.length > 25);
  for (const { words, description, examples } of verbs) {
    assert.match(description, /\.$/, words);
    assert.ok(examples.length > 0, `${words} has no example`);
    for (const example of examples) assert.ok(example.startsWith(`jabber ${words}`), `${words}: ${example}`);
    const w = world();
    assert.equal(await runCli([...words.split(" "), "--help"], w), 0, words);
    assert.ok(w.printed.out.includes(examples[0]!), words);
  }
});

Deno.test("every verb that lists or shows something prints it in every format", async () => {
  const shows = /(?:^| )(?:ls|show|history|attach|verify|doctor|logs|firehose)$/;
  const verbs = verbsOf(await buildProgram(memoryWorld(), { exit: 0 })).filter(({ words }) => shows.test(words));
  assert.ok(verbs.length > 12);
  for (const { words, command } of verbs) {
    const option = command.options.find(({ short }) => short === "-o");
    assert.deepEqual(option?.argChoices, ["table", "json", "yaml", "name"], words);
  }
});

Deno.test("a noun's code is loaded when it is asked for, and its help reads the same in both ways", async () => {
  for (const words of [["help", "run"], ["run", "--help"], ["help", "agent"], ["agent", "--help"]]) {
    const w = world();
    assert.equal(await runCli(words, w), 0);
    assert.match(w.printed.out, new RegExp(`^Usage: jabber ${words.find((word) => !/help/.test(word))} `));
    assert.match(w.printed.out, /Options/);
  }
});

Deno.test("jabber run --dry-run shows exactly who would be hit, and hands in nothing", async () => {
  const paths: string[] = [];
  const answer = {
    order: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    targets: [{ agent: "agent-1", name: "web1", tags: { os: "linux" }, connected: true }],
    count: 1,
    dryRun: true,
  };
  const w = world({
    answer: (request) => {
      paths.push(new URL(request.url).pathname + new URL(request.url).search);
      return Response.json(answer);
    },
  });
  assert.equal(await runCli(["run", "--dry-run", "-l", "os=linux", "sys.facts"], w), 0, w.printed.err);
  assert.deepEqual(paths, ["/v1/orders/unsigned?dryRun=true"]);
  assert.match(w.printed.out, /web1 +yes +os=linux +agent-1/);
  assert.match(w.printed.err, /1 agent would be hit; nothing was sent/);
});

const ORDER = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/** A server on which these lines are what an order's follower hears. */
function following(lines: unknown[], targets = 2) {
  const rows = Array.from({ length: targets }, (_, n) => ({ agent: `agent-${n + 1}`, name: `web${n + 1}`, tags: {} }));
  const paths: string[] = [];
  const w = world({
    answer: (request) => {
      const { pathname } = new URL(request.url);
      paths.push(pathname);
      if (pathname.endsWith("/records")) return new Response(lines.map((line) => JSON.stringify(line) + "\n").join(""));
      const preview = rows.map((row) => ({ ...row, connected: true }));
      return Response.json({ order: ORDER, targets: preview, count: targets, dryRun: false });
    },
  });
  return { w, paths };
}

function record(agent: string, offset: number, kind: string, body: unknown) {
  return { record: { from: agent, stream: `${agent}/r`, offset, kind, body } };
}

const finished = (agent: string, name: string, more: object = { ok: true }) => ({
  target: { agent, name, state: "finished", ...more },
});
const NAMES = { agents: { "agent-1": "web1", "agent-2": "web2" } };

Deno.test("jabber run names each line's agent, folds equal long answers, and groups what it came to", async () => {
  const result = { interfaces: Array.from({ length: 8 }, (_, n) => ({ name: `eth${n}`, address: `10.0.0.${n}` })) };
  const { w } = following([
    NAMES,
    record("agent-1", 0, "log", { level: "info", text: "hello" }),
    record("agent-1", 1, "runState", { state: "finished", ok: true, result }),
    record("agent-2", 0, "log", { level: "info", text: "hello" }),
    record("agent-2", 1, "runState", { state: "finished", ok: true, result }),
    finished("agent-1", "web1"),
    finished("agent-2", "web2"),
    { done: {} },
  ]);
  assert.equal(await runCli(["run", "sys.facts"], w), 0, w.printed.err);
  assert.match(w.printed.out, /^web1 \| \[info\] hello\nweb1 \| \{\n/);
  assert.match(w.printed.out, /web2 \| \[info\] hello\nweb2 \| the same answer as web1\n$/);
  assert.equal(w.printed.err, `order ${ORDER}: 2 agents\n2 × ok, the same answer: web1, web2\n`);
});

Deno.test("jabber run prints a short answer on one line, and a single agent's without its name", async () => {
  const state = { state: "finished", ok: true, result: { ticks: 3 } };
  const lines = [NAMES, record("agent-1", 0, "runState", state), finished("agent-1", "web1"), { done: {} }];
  const { w } = following(lines, 1);
  assert.equal(await runCli(["run", "sys.facts"], w), 0);
  assert.equal(w.printed.out, '{"ticks": 3}\n');
});

Deno.test("jabber run says what was refused, what mends it, and tells all, some and none apart", async () => {
  const error = { code: "policy.program_refused", message: 'not allowed: "/bin/ls"' };
  const refused = (agent: string, name: string) => ({ target: { agent, name, state: "refused", error } });
  const some = following([NAMES, finished("agent-1", "web1"), refused("agent-2", "web2"), { done: {} }]).w;
  assert.equal(await runCli(["run", "sys.facts"], some), 3);
  assert.match(
    some.printed.err,
    /1 × ok: web1\n1 × refused: not allowed: .* \(policy\.program_refused\): web2\n {2}→ add it/,
  );
  const none = following([NAMES, refused("agent-1", "web1"), refused("agent-2", "web2"), { done: {} }]).w;
  assert.equal(await runCli(["run", "sys.facts"], none), 1);
});

Deno.test("jabber run goes on after a broken connection, shows nothing twice, and gives up at last", async () => {
  const { w, paths } = following([NAMES, record("agent-1", 0, "log", { level: "info", text: "once" })], 1);
  assert.equal(await runCli(["run", "sys.facts"], w), 1);
  assert.equal(w.printed.out, "[info] once\n");
  assert.ok(paths.length > 10);
  assert.match(
    w.printed.err,
    /^order .*\n(connection lost, trying again…\nconnected again\n){30}jabber: .*\n.*\n {2}\(net\.unreachable\)/,
  );
});

Deno.test("jabber run waits a while for agents that were lost, then says so", async () => {
  const lost = { target: { agent: "agent-1", name: "web1", state: "unknown", last: "started", since: "12:00" } };
  const { w } = following([NAMES, finished("agent-2", "web2"), lost, { idle: true }]);
  assert.equal(await runCli(["run", "sys.facts"], w), 3);
  assert.match(
    w.printed.err,
    /lost web1; waiting 20 s…\n1 × ok: web2\n1 × unknown since 12:00 \(last: started\): web1\n/,
  );
});

Deno.test("jabber run prints records as JSON lines or YAML documents, or only the order's id", async () => {
  const lines = [NAMES, record("agent-1", 0, "log", { level: "info", text: "x" }), finished("agent-1", "web1"), {
    done: {},
  }];
  const printed = async (format: string) => {
    const { w } = following(lines, 1);
    assert.equal(await runCli(["run", "-o", format, "sys.facts"], w), 0);
    return w.printed.out;
  };
  assert.equal(JSON.parse(await printed("json")).body.text, "x");
  assert.match(await printed("yaml"), /^---\nfrom: "agent-1"\n/);
  assert.equal(await printed("name"), `${ORDER}\n`);
});

Deno.test("jabber run NAME --help lists the arguments, and a misplaced option is told from them", async () => {
  const w = world({ answer: () => Response.json({}) });
  assert.equal(await runCli(["run", "fs.read", "--help"], w), 0);
  assert.match(
    w.printed.out,
    /^fs\.read: .*\n\nArguments:\n {2}--path <string> +.*required; may stand without its name\n/,
  );
  assert.match(w.printed.out, /Needs a signed order/);
  assert.equal(await runCli(["run", "sys.facts", "-o", "json"], w), 2);
  assert.match(w.printed.err, /"-o" options of `jabber run` itself stand before the name/);
});

Deno.test("jabber firehose shows records under their agents' names, and asks for each name once", async () => {
  const asked: string[] = [];
  const said = { kind: "log", from: "agent-1", time: "12:00", body: { level: "info", text: "hi\x1b[2J" } };
  const w = world({
    frames: [JSON.stringify(said), JSON.stringify({ event: "lagged", dropped: 3 }), JSON.stringify(said)],
    answer: (request) => {
      asked.push(new URL(request.url).pathname);
      return Response.json({ error: { code: "input.not_found", message: "gone" } }, { status: 404 });
    },
  });
  assert.equal(await runCli(["firehose", "--count", "4"], w), 0);
  const line = "12:00 agent-1 [info] hi\n";
  assert.equal(w.printed.out, `${line} * lagged dropped=3\n${line}${line}`);
  assert.deepEqual(asked, ["/v1/agents/agent-1"]);
  assert.equal(w.printed.err, "connection lost, trying again…\nconnected again\n");
});

Deno.test("jabber login remembers the CA and the user of a URL, and sends no empty password", async () => {
  const bodies: unknown[] = [];
  const w = world({
    typed: ["secret", ""],
    answer: async (request) => {
      bodies.push(await request.json());
      return Response.json({ token: "t", expires: "2030-01-01T00:00:00Z", cluster: "C1" });
    },
  });
  w.put("ca.pem", "the CA");
  const contexts = () => JSON.parse(w.text("/home/jabber/contexts.json")).contexts;
  assert.equal(await runCli(["login", "https://127.0.0.1:1", "--ca", "ca.pem"], w), 0, w.printed.err);
  assert.deepEqual(bodies, [{ user: "ada", password: "secret" }]);
  assert.equal(contexts().default.ca, "the CA");
  assert.equal(await runCli(["login", "https://127.0.0.1:1"], w), 2);
  assert.match(w.printed.err, /no password was given/);
  assert.equal(bodies.length, 1);
  const again = world({ typed: ["secret"], answer: () => Response.json({ token: "u", expires: "x", cluster: "C1" }) });
  again.put("/home/jabber/contexts.json", w.text("/home/jabber/contexts.json"));
  assert.equal(await runCli(["login", "https://127.0.0.1:1"], again), 0);
  const { ca, token, user } = JSON.parse(again.text("/home/jabber/contexts.json")).contexts.default;
  assert.deepEqual({ ca, token, user }, { ca: "the CA", token: "u", user: "ada" });
});

Deno.test("jabber --version prints what `version` prints, and nothing else", async () => {
  const [option, verb] = [world(), world()];
  assert.equal(await runCli(["--version"], option), 0);
  assert.equal(await runCli(["version"], verb), 0);
  assert.match(option.printed.out, /^jabber \d.*\nmay use: .*\nmay not use: .*\n$/);
  assert.deepEqual(option.printed, verb.printed);
});

Deno.test("jabber without arguments shows what there is", async () => {
  const w = world();
  assert.equal(await runCli([], w), 0);
  assert.match(w.printed.out, /^Usage: jabber/);
});

Deno.test("jabber run asks for a key when the work needs a signature", async () => {
  const w = world({ answer: () => Response.json({}) });
  assert.equal(await runCli(["run", "process.exec", "/bin/true"], w), 1);
  assert.match(w.printed.err, /key\.missing/);
});

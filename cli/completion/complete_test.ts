import assert from "node:assert/strict";
import { completionOf } from "./complete.ts";
import { buildProgram, runCli } from "../program.ts";
import { verbsOf } from "../verbs.ts";
import { memoryWorld } from "../world/world_memory.ts";

const program = () => buildProgram(memoryWorld(), { exit: 0 });

async function values(...words: string[]): Promise<string[]> {
  return completionOf(await program(), words).candidates.map(({ value }) => value);
}

Deno.test("completionOf() knows every verb and every option of the program", async () => {
  const tree = await program();
  for (const { words, command } of verbsOf(tree)) {
    const path = words.split(" ");
    const next = completionOf(tree, path).candidates.map(({ value }) => value);
    assert.ok(next.includes(path.at(-1)!), words);
    const options = completionOf(tree, [...path, "--"]).candidates.map(({ value }) => value);
    for (const { long, hidden } of command.options) if (!hidden) assert.ok(options.includes(long!), `${words} ${long}`);
    assert.ok(options.includes("--context") && options.includes("--no-input"), words);
  }
});

Deno.test("completionOf() tells verbs, options, choices, names and files apart", async () => {
  assert.ok(!(await values("")).includes("__complete"));
  assert.deepEqual(await values("agent", "ls", "-o", ""), ["table", "json", "yaml", "name"]);
  assert.deepEqual(await values("agent", "ls", "--output=j"), [
    "--output=table",
    "--output=json",
    "--output=yaml",
    "--output=name",
  ]);
  const sources = async (...words: string[]) => completionOf(await program(), words).sources;
  assert.deepEqual(await sources("agent", "show", ""), ["agents"]);
  assert.deepEqual(await sources("agent", "show", "web1", ""), [], "one is enough");
  assert.deepEqual(await sources("agent", "rm", "web1", ""), ["agents"], "it takes many");
  assert.deepEqual(await sources("agent", "ls", "--context", ""), ["contexts"]);
  assert.deepEqual(await sources("--context", "prod", "agent", "show", ""), ["agents"]);
  assert.deepEqual(await sources("script", "push", "--no-input", ""), ["files"]);
  assert.deepEqual(await sources("run", "cancel", ""), ["orders"]);
  assert.deepEqual(await sources("fact", "get", ""), ["facts"]);
  assert.deepEqual(await sources("fact", "get", "book", "--as", ""), ["servers"]);
  assert.deepEqual(await sources("server", "key", "use", ""), ["gossipKeys"]);
  assert.deepEqual(await sources("run", "-l", "os=linux", ""), ["scripts", "commands", "files"]);
  assert.equal(completionOf(await program(), ["run", "-l", "os=linux", "fs.read", "--p"]).argumentsOf, "fs.read");
});

function served(names: string[]) {
  const world = memoryWorld({
    answer: () => Response.json({ agents: names.map((name) => ({ name, state: "enrolled" })) }),
  });
  const contexts = {
    current: "a",
    contexts: { a: { url: "https://h:1", user: "u", token: "t", expires: "2030-01-01T00:00:00Z", cluster: "C" } },
  };
  world.disk.set("/home/jabber/contexts.json", {
    content: new TextEncoder().encode(JSON.stringify(contexts)),
    mode: 0o600,
  });
  return { ...world, clock: { ...world.clock, after: () => () => {} } };
}

Deno.test("jabber __complete gives the server's names, and none that is more than a word to a shell", async () => {
  const world = served([
    "web1",
    "web2",
    "db1",
    "web$(reboot)",
    "web;ls",
    "web`x`",
    "web 3",
    "web\n4",
    "-web",
    "web\x1b[m",
  ]);
  assert.equal(await runCli(["__complete", "--", "agent", "show", "web"], world), 0, world.printed.err);
  assert.equal(world.printed.out, "web1\tenrolled\nweb2\tenrolled\n");
});

Deno.test("jabber __complete is silent where the server is away, slow, or nobody has signed in", async () => {
  const slow = { ...memoryWorld(), fetch: () => new Promise<Response>(() => {}) };
  slow.disk.set("/home/jabber/contexts.json", served([]).disk.get("/home/jabber/contexts.json")!);
  for (const world of [memoryWorld(), slow]) {
    assert.equal(await runCli(["__complete", "--", "agent", "show", ""], world), 0);
    assert.deepEqual(world.printed, { out: "", err: "" });
  }
  const w = served([]);
  assert.equal(await runCli(["__complete", "--", "run", "fs.read", "--pa"], w), 0);
  assert.match(w.printed.out, /^--path\t/);
});

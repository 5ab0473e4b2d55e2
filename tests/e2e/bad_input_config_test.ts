/** Configurations that are none, given to the compiled programs: each is refused at its place, and none hangs. */
import assert from "node:assert/strict";
import { binary, Program } from "../support/program.ts";
import { Fleet } from "../support/fleet.ts";

const KIB = 1024;

interface BadFile {
  name: string;
  /** The file's text; or what makes it another thing than a file. */
  text: string | Uint8Array<ArrayBuffer> | ((path: string) => void);
  /** What the program says of it. */
  says: RegExp;
}

/** Nine levels that double and more: a reader that follows aliases makes a billion values of it. */
const BOMB = Array.from({ length: 9 }, (_, n) => `k${n}: &k${n} [${n === 0 ? "x" : `${`*k${n - 1},`.repeat(9)}`}]\n`)
  .join("");

const FILES: readonly BadFile[] = [
  { name: "an unknown key", text: "name: x\nnmae: y\n", says: /:2:1: nmae is no key; did you mean "name"\?/ },
  { name: "a number for a text", text: "name: 123\n", says: /:1:7: name is 123, it must be text/ },
  { name: "a list for a text", text: "name: [1, 2]\n", says: /:1:7: name is \[1,2\], it must be text/ },
  { name: "a text for a map", text: "tags: role=web\n", says: /:1:7: tags is "role=web"/ },
  { name: "a key that stands twice", text: "name: x\nname: y\n", says: /:2:1: name stands here once more/ },
  { name: "a key that stands twice in JSON", text: '{"name": "x", "name": "y"}', says: /name stands here once more/ },
  { name: "a tab", text: "tags:\n\ta: b\n", says: /:2:1: a tab stands where YAML wants spaces/ },
  { name: "10 MB", text: "#".repeat(10 * KIB * KIB), says: /is larger than 1 MiB/ },
  { name: "a bomb of aliases", text: BOMB, says: /:1:9: k0 has an anchor/ },
  { name: "a merge key", text: "<<: {name: x}\n", says: /:1:1: << is no key/ },
  { name: "a second document", text: "name: x\n---\nname: y\n", says: /:2:1: a second YAML document begins here/ },
  { name: "no UTF-8", text: new Uint8Array([0xff, 0xfe, 0x6e, 0]), says: /is no UTF-8 text/ },
  {
    name: "Windows line ends and a byte order mark, which do not move a place",
    text: "\ufefflog:\r\n  level: debug\r\n  format: xml\r\n",
    says: /:3:11: log\.format is "xml"/,
  },
  { name: "a key that is an object's own", text: "__proto__: {name: x}\n", says: /:1:1: has a key "__proto__"/ },
  { name: "the same in JSON", text: '{"tags": {"__proto__": "x"}}', says: /has a key "__proto__"/ },
  {
    name: "a key with escapes, which come out as text",
    text: '"\\e[31mred\\n\\u202e": 1\n',
    // deno-lint-ignore no-control-regex -- control characters are the point
    says: /^[^\x00-\x1f\x7f\u202e]*red\u240a[^\x00-\x1f\x7f\u202e]* is no key/,
  },
  {
    name: "more tags than a server takes",
    text: JSON.stringify({ tags: Object.fromEntries(Array.from({ length: 62 }, (_, n) => [`t${n}`, ""])) }),
    says: /tags makes 65 tags with os, arch, hostname and those of the policy, the most is 64/,
  },
  { name: "a folder", text: (path) => Deno.mkdirSync(path), says: /is no file/ },
  { name: "a pipe that nobody writes to", text: (path) => run("mkfifo", path), says: /is no file/ },
  { name: "a device that never ends", text: (path) => Deno.symlinkSync("/dev/zero", path), says: /is no file/ },
  { name: "a link to itself", text: (path) => Deno.symlinkSync(path, path), says: /cannot be read/ },
];

/** Another way to say something wrong: by variables and flags. */
const WORDS: readonly { name: string; args?: string[]; env?: Record<string, string>; says: RegExp; code?: number }[] = [
  {
    name: "a variable with nonsense",
    env: { JABBER_LOG_LEVEL: "loud" },
    says: /JABBER_LOG_LEVEL: log\.level is "loud"/,
  },
  { name: "a variable that is no pair", env: { JABBER_TAGS: '{"a":' }, says: /JABBER_TAGS: tags is .* not key=value/ },
  { name: "a variable that is no URL", env: { JABBER_SERVER: "javascript:1" }, says: /JABBER_SERVER: server\[0\] is/ },
  { name: "a flag with nothing", args: ["--name", ""], says: /--name: name is ""/ },
  { name: "a flag twice, of which the last counts", args: ["--name", "a", "--name", ""], says: /--name: name is ""/ },
  { name: "a flag without its value", args: ["--config"], says: /'--config <value>' argument missing/, code: 2 },
  { name: "a word too many", args: ["frobnicate"], says: /Unexpected argument 'frobnicate'/, code: 2 },
  { name: "a token file that never ends", args: ["--token-file", "/dev/zero"], says: /token\.malformed/ },
  { name: "a token file that is a folder", args: ["--token-file", "/"], says: /the token file "\/"/ },
  { name: "a data folder that is a device", args: ["--data", "/dev/null"], says: /"\/dev\/null" cannot be made/ },
];

function run(command: string, ...args: string[]): void {
  const { code, stderr } = new Deno.Command(command, { args }).outputSync();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
}

/** What an agent says that must not start, and what it exits with. */
async function refusal(folder: string, args: string[], env: Record<string, string> = {}) {
  const agent = new Program("agent", binary("jabber-agent"), {
    args: ["--data", `${folder}/data`, "--token-file", `${folder}/no-token`, ...args],
    env,
    cwd: folder,
  });
  try {
    // Whatever waits here for ever is found by the wait's own end.
    await agent.line(/ERROR .*code=\S+ next=/);
    return {
      code: (await agent.ended).code,
      said: agent.lines.map((line) => line.replace(/^\S+ +ERROR /, "")).join("\n"),
    };
  } finally {
    agent.signal("SIGKILL");
    await agent.ended;
  }
}

Deno.test("agent refuses a configuration that is none, at its place, and waits for nothing", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "jabber-config-" });
  try {
    for (const [index, { name, text, says }] of FILES.entries()) {
      await t.step(name, async () => {
        const path = `${folder}/${index}.yaml`;
        if (typeof text === "function") text(path);
        else {Deno.writeFileSync(path, typeof text === "string" ? new TextEncoder().encode(text) : text, {
            mode: 0o600,
          });}
        const { code, said } = await refusal(folder, ["--config", path]);
        assert.match(said, says);
        assert.equal(code, 1, said);
        assert.ok(said.length < 8 * KIB, "a fault is a line, not the file");
      });
    }
    for (const { name, args = [], env = {}, says, code = 1 } of WORDS) {
      await t.step(name, async () => {
        const refused = await refusal(folder, args, env);
        assert.match(refused.said, says);
        assert.equal(refused.code, code, refused.said);
      });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a configuration that goes bad while its program runs: the server keeps the old one, an agent keeps it or ends", async (t) => {
  const fleet = await Fleet.start();
  try {
    const agent = await fleet.startAgent({ name: "web1", tags: { role: "web" } });
    const server = fleet.server!;
    const ofServer = `${fleet.clusterFolder}/jabber-server.yaml`;
    const ofAgent = `${fleet.folder}/agents/web1/jabber-agent.yaml`;
    const heard = async (program: Program, pattern: RegExp) => {
      const said = program.lines.length;
      program.signal("SIGHUP");
      await program.line(pattern, said);
    };
    const good = await Deno.readTextFile(ofServer);
    await t.step("a server whose file has a fault, is gone, a folder or a pipe goes on with the old one", async () => {
      await Deno.writeTextFile(ofServer, `${good}lisen: x\n`);
      await heard(server, /ERROR .*the old one stays.*lisen is no key.* refused=1/);
      await Deno.remove(ofServer);
      await heard(server, /the old one stays.*cannot be read.* refused=2/);
      await Deno.mkdir(ofServer);
      await heard(server, /the old one stays.*cannot be read.* refused=3/);
      await Deno.remove(ofServer);
      run("mkfifo", ofServer);
      await heard(server, /the old one stays.*cannot be read.* refused=4/);
      await Deno.remove(ofServer);
      await Deno.writeTextFile(ofServer, `${good}log: {level: debug}\n`, { mode: 0o600 });
      await heard(server, /the configuration was taken over keys=log\.level/);
    });
    await t.step("an agent whose file has a fault goes on with the old one", async () => {
      await Deno.writeTextFile(ofAgent, "name: web1\nname: web2\npolicy: [\n");
      await heard(agent, /ERROR .*the old one stays.* refused=1/);
      const tags = JSON.stringify({ tags: Object.fromEntries(Array.from({ length: 70 }, (_, n) => [`t${n}`, ""])) });
      await Deno.writeTextFile(ofAgent, tags);
      await heard(agent, /ERROR .*the old one stays.*the most is 64.* refused=2/);
      assert.match((await fleet.must("agent", "ls")).out, /web1 +connected/);
    });
    await t.step(
      "an agent whose file is replaced by a pipe does not wait for it: it ends, to be started again",
      async () => {
        await Deno.remove(ofAgent);
        run("mkfifo", ofAgent);
        await heard(agent, /the file with the policy cannot be read any more/);
        assert.equal((await agent.ended).code, 75);
      },
    );
  } finally {
    await fleet.stop();
  }
});

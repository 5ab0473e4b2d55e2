/**
 * Every example of every help text, typed into a shell as it stands there, against a real fleet. The list comes from the
 * program itself: a verb without an example that works fails here.
 */
import assert from "node:assert/strict";
import { buildProgram } from "../../cli/program.ts";
import { verbsOf } from "../../cli/verbs.ts";
import { memoryWorld } from "../../cli/world/world_memory.ts";
import { Fleet } from "../support/fleet.ts";
import { binary, Program } from "../support/program.ts";
import { loopbackAddress } from "../support/serf_agent.ts";

const PASSWORD = "correct horse battery";

const DISK_REPORT = `/*---
name: disk-report
access: 1
uses: [sys.facts, log.info]
args: {type: object, properties: {path: {type: string, default: /}}}
---*/
const { os } = await sys.facts();
await log.info("disk of " + os + " at " + args.path);
`;

const CALL_HOME = `/*---
name: call-home
access: 1
uses: [log.info]
args: {type: object, required: [token], properties: {token: {type: string}}}
---*/
await log.info("the token has " + args.token.length + " characters");
`;

const NEW_JOB = "jabber job new disk-report --does disk-report --every 1s > disk-report.yaml";
const APPLIED_JOB = `${NEW_JOB} && jabber job sign --next-serial disk-report.yaml && ` +
  "jabber job apply --yes disk-report.yaml";

const NEW_KEY = "head -c 32 /dev/urandom | base64 > new-gossip.key";

/** An agent's configuration and a server's. */
const CONFIGS = "printf 'name: web1\\n' > jabber-agent.yaml && cp ../cluster/jabber-server.yaml site.yaml && " +
  "chmod 600 jabber-agent.yaml site.yaml";

/** What an example needs before it; without a row, only what stands in the folder. */
const BEFORE: Readonly<Record<string, string>> = {
  "context rm": `jabber login "$URL" --name staging && jabber context use default`,
  "login": "mkdir -p cluster && cp ../cluster/cluster-ca.pem cluster/",
  "script rm": "jabber script push disk-report.js",
  "config check": CONFIGS,
  "config show": CONFIGS,
  "job sign": NEW_JOB,
  "job apply": `${NEW_JOB} && jabber job sign --next-serial disk-report.yaml`,
  "job show": APPLIED_JOB,
  "job rm": APPLIED_JOB,
  "job history": APPLIED_JOB,
  "server key add": NEW_KEY,
  "server renew": "rm -rf cluster && jabber init ./cluster",
  "fact get": "jabber fact set book=gatsby && jabber fact set book=emma --as jimmy",
};

/** What asks at a terminal, as somebody types it who has none. */
const UNASKED: Readonly<Record<string, string>> = {
  "jabber agent rm old1": "jabber agent rm --yes old1",
  "jabber job rm disk-report": "jabber job rm --yes disk-report",
  "jabber script rm disk-report": "jabber script rm --yes disk-report",
};

/** Examples that go on until they are stopped, by a pattern. */
const ENDLESS = /^jabber (?:logs .*-f|job history .*-f|firehose|gossip events)\b/;

Deno.test("every example of every help text does what it says", async (t) => {
  const stage = await Stage.start();
  try {
    for (const { words, examples } of verbsOf(await buildProgram(memoryWorld(), { exit: 0 }))) {
      for (const example of examples) {
        await t.step(example, async () => {
          await stage.prepare(words);
          if (ENDLESS.test(example)) await stage.untilHeard(example);
          else await stage.must(UNASKED[example] ?? example);
        });
      }
    }
  } finally {
    await stage.stop();
  }
});

class Stage {
  readonly #fleet: Fleet;
  readonly #folder: string;
  /** An order and its run on web1. */
  #order = "";
  #run = "";
  /** Somebody's public key. */
  #author = "";
  /** Where the fleet's other server listens for gossip. */
  readonly #near: string;
  #other: Program | undefined;
  /** Of the keys of gossip: the one that seals, and one that only opens. */
  #keys = { primary: "", spare: "" };

  private constructor(fleet: Fleet, near: string) {
    this.#fleet = fleet;
    this.#folder = `${fleet.folder}/desk`;
    this.#near = near;
  }

  static async start(): Promise<Stage> {
    const fleet = await Fleet.start({ init: ["--gossip", `${loopbackAddress()}:7946`] });
    const address = loopbackAddress();
    const stage = new Stage(fleet, `${address}:7946`);
    try {
      await Deno.mkdir(stage.#folder);
      await stage.#startOther(address);
      await fleet.startAgent({ name: "web1", tags: { role: "web", env: "prod" } });
      await fleet.startAgent({ name: "old1", tags: { role: "old" } });
      await stage.#write("disk-report.js", DISK_REPORT);
      await stage.#write("call-home.js", CALL_HOME);
      await stage.#write("token.txt", "s3cret\n");
      await stage.must("jabber sign disk-report.js call-home.js");
      stage.#author = (await stage.must("jabber keygen --out ./other.key")).trim();
      stage.#order = (await stage.must("jabber run -o name -l name=web1 disk-report")).trim();
      stage.#run = JSON.parse(await stage.must(`jabber run show ${stage.#order} -o json`)).targets[0].run;
      const keys = async () => (await stage.must("jabber server key ls -o name")).trim();
      const primary = await keys();
      await stage.must(`${NEW_KEY} && jabber server key add new-gossip.key`);
      stage.#keys = { primary, spare: (await keys()).replace(primary, "").trim() };
      return stage;
    } catch (cause) {
      await stage.stop();
      throw cause;
    }
  }

  async #startOther(address: string): Promise<void> {
    const where = `--listen ${address}:7431 --gossip ${this.#near}`;
    await this.must(`jabber init ../other --like ../cluster ${where}`);
    const config = `${this.#fleet.folder}/other/jabber-server.yaml`;
    this.#other = new Program("other server", binary("jabber-server"), { args: ["--config", config] });
    await this.#other.line(/listening/);
  }

  async prepare(words: string): Promise<void> {
    // What an earlier example took away is there again.
    await this.must("jabber script push disk-report.js");
    const before = BEFORE[words];
    if (before !== undefined) await this.must(before);
  }

  /** Runs a line of shell, which must succeed; answers what it printed. */
  async must(line: string): Promise<string> {
    const { code, stdout, stderr } = await this.#shell(line).output();
    const decoder = new TextDecoder();
    const [out, err] = [decoder.decode(stdout), decoder.decode(stderr)];
    assert.equal(code, 0, `${line}\n${out}${err}`);
    return out;
  }

  /** An example that goes on has something to say when something happens, and ends well at Ctrl-C. */
  async untilHeard(line: string): Promise<void> {
    const child = this.#shell(`exec ${line}`).spawn();
    void child.stderr.cancel();
    const reader = child.stdout.getReader();
    let heard: string | undefined;
    const hearing = reader.read().then(({ value }) => heard = new TextDecoder().decode(value));
    // Nobody says when it is connected, so there is something to hear until it was heard.
    while (heard === undefined) {
      await this.#fleet.cli("run", "-l", "name=web1", "process.exec", "/bin/true");
      await this.#fleet.cli("fact", "set", "book=gatsby");
    }
    await hearing;
    child.kill("SIGINT");
    while (!(await reader.read()).done);
    assert.equal((await child.status).code, 0, line);
    assert.match(heard, /\S/);
  }

  async stop(): Promise<void> {
    await this.#other?.stop("SIGKILL");
    await this.#fleet.stop();
  }

  async #write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.#folder}/${name}`, text);
  }

  /** What stands in an example for something of one's own becomes the fleet's. */
  #shell(line: string): Deno.Command {
    const real = line
      .replaceAll("https://127.0.0.1:7431", this.#fleet.url)
      .replaceAll("01JD6Z8QK4T3X9V5C2B7N8M1RA", line.includes("jabber logs") ? this.#run : this.#order)
      .replaceAll("a1b2c3d4", line.includes("key rm") ? this.#keys.spare : this.#keys.primary)
      .replace(/(?<=^jabber server join )\S+$/, this.#near)
      .replaceAll("ed25519:AAAA…", this.#author);
    const dist = binary("jabber").replace(/\/jabber$/, "");
    return new Deno.Command("/bin/sh", {
      args: ["-c", real],
      cwd: this.#folder,
      env: {
        ...this.#fleet.env,
        NO_COLOR: "1",
        JABBER_PASSWORD: PASSWORD,
        URL: this.#fleet.url,
        PATH: `${dist}:/usr/bin:/bin`,
      },
      clearEnv: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
  }
}

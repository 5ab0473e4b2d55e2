/**
 * README's "Five minutes to a fleet", typed line by line: its `sh` blocks are run, its other blocks are saved under the
 * name that the sentence before them gives. A line that README gains is run too; what it must say stands in `EXPECTED`.
 */
import assert from "node:assert/strict";
import { freePort } from "../support/fleet.ts";
import { processesNaming } from "../support/leftovers.ts";
import { Program } from "../support/program.ts";
import { Terminal, terminalLacks } from "../support/terminal.ts";

const README = new URL("../../README.md", import.meta.url);
const DIST = new URL("../../dist", import.meta.url).pathname;
const CHAPTER = "## Five minutes to a fleet";
const DEFAULT_PORT = 7431;
/** All that README names: of servers, and of their gossip. */
const PORTS: readonly number[] = [DEFAULT_PORT, 7432, 7433, 7946, 7947, 7948];

/** Something a reader does: types a line, or saves a file. */
type Step = { type: string } | { save: string; text: string };

/**
 * What the lines exit with and print, by how they begin; a line that is not here exits with 0. `soon`: it is typed again
 * until it prints that, since servers hear from each other in their own time.
 */
const EXPECTED: readonly { line: string; exits?: number; prints?: RegExp; soon?: true }[] = [
  { line: "jabber init ./cluster --gossip", prints: /Password of admin: \S+[^]*join-token\.txt\n$/ },
  { line: "jabber init ./cluster2", prints: /Server node-\S+ of cluster [^]*cluster2\/jabber-server\.yaml\n$/ },
  { line: "jabber server ls", prints: /(\bnode-\S+ +alive [^]*){3}/, soon: true },
  { line: "jabber fact set book=gatsby", prints: /set node-\S+\/book, version 1/ },
  { line: "jabber fact ls", prints: /node-\S+ +book +gatsby +1/, soon: true },
  { line: "jabber script ls", prints: /^hello /m, soon: true },
  { line: "jabber login", prints: /Signed in at https:/ },
  { line: "jabber agent ls", prints: /^NAME .*\nweb1 +connected .*role=web/ },
  { line: "jabber run -l role=web sys.facts", prints: /"hostname": "[^]*1 × ok: web1/ },
  { line: "jabber sign hello.js", prints: /signed hello\.js as [^]*pushed hello/ },
  { line: "jabber run --dry-run", prints: /web1 +yes[^]*1 agent would be hit; nothing was sent/ },
  { line: "jabber run -l role=web hello", prints: /\[info\] Ahoy from [^]*1 × ok: web1/ },
  { line: "jabber run hello --help", prints: /--greeting <string> +default: "Hello"/ },
  { line: "jabber run ls", prints: /hello +role=web +1 ok/ },
  { line: "jabber history", prints: /submit order +hello/ },
  { line: "jabber job new" },
  { line: "jabber job sign", prints: /signed greet\.yaml as/ },
  { line: "jabber job apply --yes greet.yaml", prints: /greet: is new, serial 1[^]*for 2 agents[^]*create/ },
  { line: "jabber job ls", prints: /greet +hello +cron 0 \* \* \* \* \(Europe\/Berlin\) +role=web/ },
  { line: "jabber config check", prints: /jabber-agent-3\.yaml/ },
  { line: "jabber run -l name=web2 process.exec", prints: /Filesystem[^]*1 × ok, exit 0: web2/ },
  {
    line: "jabber run -l role=web process.exec",
    exits: 3,
    prints: /1 × ok, exit 0: web2\n1 × failed: .*\(policy\.program_refused\): web1\n {2}→ add it to `policy\.programs`/,
  },
];

/** A busy machine takes its time. */
const SOON_MS = 60_000;

/** The chapter's steps, in order. */
function stepsOf(readme: string): Step[] {
  const start = readme.indexOf(CHAPTER);
  assert.ok(start >= 0, `README has no chapter "${CHAPTER}"`);
  const chapter = readme.slice(start, readme.indexOf("\n## ", start + CHAPTER.length));
  const blocks = chapter.matchAll(/^```(\w+)\n([^]*?)^```$/gm);
  return [...blocks].flatMap(({ 1: language, 2: text = "", index }): Step[] => {
    if (language === "sh") return linesOf(text).map((type) => ({ type }));
    const before = chapter.slice(0, index).trimEnd();
    const name = /Save this as\s+`([\w.-]+)`:$/.exec(before)?.[1];
    assert.ok(name !== undefined, `README does not say under which name to save:\n${text}`);
    return [{ save: name, text }];
  });
}

/** Without comments and empty lines. */
function linesOf(block: string): string[] {
  return block.split("\n").map((line) => line.replace(/\s+#.*$/, "").trim()).filter((line) => line !== "");
}

/** Whoever listens here has the port that README names, also before a server does: two of these tests may run at once. */
const GUARD_PORT = DEFAULT_PORT - 1;

/** The ports that README names, or for each another one while somebody else has one of them. */
function choosePorts(): { ports: ReadonlyMap<number, number>; letGo(): void } {
  let guard: Deno.TcpListener | undefined;
  try {
    guard = Deno.listen({ hostname: "127.0.0.1", port: GUARD_PORT });
    for (const port of PORTS) Deno.listen({ hostname: "127.0.0.1", port }).close();
    return { ports: new Map(), letGo: guard.close.bind(guard) };
  } catch (cause) {
    guard?.close();
    if (!(cause instanceof Deno.errors.AddrInUse)) throw cause;
    return { ports: new Map(PORTS.map((port) => [port, freePort()])), letGo: () => {} };
  }
}

class Reader {
  readonly folder: string;
  readonly #chosen = choosePorts();
  readonly #background: Program[] = [];
  #password = "";

  constructor(folder: string) {
    this.folder = folder;
  }

  async take(step: Step): Promise<void> {
    if ("save" in step) return await Deno.writeTextFile(`${this.folder}/${step.save}`, await here(step.text));
    const line = this.#portIn(await here(step.type));
    if (line.endsWith("&")) return await this.#start(line.slice(0, -1));
    if (line === "jabber firehose") return await this.#listen(line);
    if (line === "jabber-tui") return await this.#look(line);
    const expected = EXPECTED.find((row) => step.type.startsWith(row.line));
    let fault = await this.#fault(line, expected ?? {});
    const late = Date.now() + SOON_MS;
    while (fault !== undefined && expected?.soon && Date.now() < late) fault = await this.#fault(line, expected);
    if (fault !== undefined) assert.fail(fault);
  }

  /** Types a line; what it did that it should not, or undefined. */
  async #fault(
    line: string,
    { exits = 0, prints = /^/ }: { exits?: number; prints?: RegExp },
  ): Promise<string | undefined> {
    const { code, stdout, stderr } = await new Deno.Command("/bin/sh", {
      args: ["-c", line],
      cwd: this.folder,
      env: this.#env(),
      clearEnv: true,
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    const said = decoder.decode(stderr) + decoder.decode(stdout);
    // Data and talk have an order of their own each; `-l` listings print data first, summaries stand last.
    const both = [said, decoder.decode(stdout) + decoder.decode(stderr)];
    this.#password ||= /Password of admin: (\S+)/.exec(said)?.[1] ?? "";
    return code === exits && both.some((text) => prints.test(text)) ? undefined : `exit code ${code}\n${said}`;
  }

  async close(): Promise<void> {
    for (const program of this.#background.reverse()) await program.stop();
    this.#chosen.letGo();
  }

  async #start(line: string): Promise<void> {
    const program = this.#program(line);
    this.#background.push(program);
    await program.line(/listening|READY/);
  }

  /** A command that goes on until Ctrl-C: it must say something when something happens. */
  async #listen(line: string): Promise<void> {
    const program = this.#program(line);
    let over = false;
    const heard = program.line(/order submitted/).finally(() => over = true);
    while (!over) await this.take({ type: "jabber run -l role=web sys.facts" });
    await heard;
    assert.equal((await program.stop("SIGINT")).code, 0);
  }

  /** The console: it must draw the fleet, and be left with a key. */
  async #look(line: string): Promise<void> {
    const lacks = await terminalLacks();
    if (lacks !== undefined) {
      assert.ok(!Deno.env.has("REQUIRE_SERVICES"), lacks);
      return console.log(`skipped: ${lacks}`);
    }
    const env = { ...this.#env(), TERM: "xterm-256color", LANG: "C.UTF-8" };
    const terminal = new Terminal(["sh", "-c", `stty rows 24 cols 80; exec ${line}`], env);
    await terminal.until(/3 connected[^]*web1/);
    await terminal.type("q");
    assert.equal(await terminal.ended, 0);
    await terminal.close();
  }

  #program(line: string): Program {
    return new Program(line, "/bin/sh", { args: ["-c", `exec ${line}`], cwd: this.folder, env: this.#env() });
  }

  #env(): Record<string, string> {
    return {
      HOME: this.folder,
      NO_COLOR: "1",
      PATH: `${DIST}:/usr/bin:/bin`,
      // What a person types at the prompt.
      ...(this.#password !== "" && { JABBER_PASSWORD: this.#password }),
    };
  }

  #portIn(line: string): string {
    const { ports } = this.#chosen;
    const own = ports.get(DEFAULT_PORT);
    const full = own !== undefined && line.startsWith("jabber init") && !line.includes("--listen")
      ? `${line} --listen 127.0.0.1:${own}`
      : line;
    return full.replace(/:(\d{4})\b/g, (text, port) => `:${ports.get(Number(port)) ?? text.slice(1)}`);
  }
}

/** A policy names files where they really lie, which on some systems is /bin. */
async function here(text: string): Promise<string> {
  return text.replaceAll("/usr/bin/df", await Deno.realPath("/usr/bin/df"));
}

Deno.test("README's first steps work as they are written", async (t) => {
  const steps = stepsOf(await Deno.readTextFile(README));
  const typed = steps.flatMap((step) => "type" in step ? [step.type] : []);
  assert.deepEqual(typed.slice(0, 2), ["./denow task build", 'export PATH="$PWD/dist:$PATH"']);
  for (const { line } of EXPECTED) assert.ok(typed.some((one) => one.startsWith(line)), `README lacks "${line}"`);
  const folder = await Deno.makeTempDir({ prefix: "jabber-steps-" });
  const reader = new Reader(folder);
  try {
    // The first two lines were done before any end-to-end test.
    for (const step of steps.filter((step) => !("type" in step) || !typed.slice(0, 2).includes(step.type))) {
      await t.step("type" in step ? step.type : `save ${step.save}`, () => reader.take(step));
    }
  } finally {
    await reader.close();
    assert.deepEqual(processesNaming(folder), []);
    await Deno.remove(folder, { recursive: true });
  }
});

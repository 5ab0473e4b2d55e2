/** The one fleet that the tests of the command line share, and the scripts they run on it. */
import assert from "node:assert/strict";
import { type CliResult, Fleet } from "../support/fleet.ts";

/** Says where it runs, and answers the same everywhere. */
export const HELLO = `/*---
name: hello
access: 1
uses: [sys.facts, log.info]
args: {type: object, properties: {greeting: {type: string, default: Hello}}}
---*/
const facts = await sys.facts();
await log.info(args.greeting + " from " + facts.os);
return { os: facts.os };
`;

/** Says something, then works for a while: what it said must be seen before it ends. */
export const SLOW = `/*---
name: slow
access: 4
uses: [process.exec, log.info]
args: {type: object, properties: {seconds: {type: integer, default: 30}}}
---*/
await log.info("begun");
for (let second = 1; second <= args.seconds; second++) {
  await process.exec("/bin/sleep", ["1"]);
  await log.info("second " + second);
}
return "slept";
`;

export const TYPED = `/*---
name: typed
language: typescript
access: 1
uses: [sys.facts]
args: {type: object, properties: {n: {type: integer, default: 2}}}
---*/
interface Answer {
  double: number;
}
enum Level {
  low,
  high,
}
const answer: Answer = { double: (args.n as number) * 2 };
return { ...answer, level: Level[Level.high] } satisfies Answer & { level: string };
`;

export const CHATTY = `/*---
name: chatty
access: 0
uses: [log.info]
args: {type: object, properties: {lines: {type: integer, default: 3}}}
---*/
for (let line = 0; line < args.lines; line++) await log.info("line " + line + " " + "x".repeat(100));
`;

const SLEEP = "/bin/sleep";

/** The path of `sleep` as a policy names it: where the file really lies. */
export async function sleepPath(): Promise<string> {
  return await Deno.realPath(SLEEP);
}

export class CliFleet {
  readonly fleet: Fleet;
  /** Everything the command line printed, to be searched for what must never be there. */
  readonly printed: CliResult[] = [];

  private constructor(fleet: Fleet) {
    this.fleet = fleet;
  }

  /** A server; web1 and web2, whose owner allows `sleep` and two files; db1, whose owner allows nothing. */
  static async start(): Promise<CliFleet> {
    const fleet = await Fleet.start();
    const made = new CliFleet(fleet);
    try {
      const path = await sleepPath();
      const policy = {
        files: { read: [`${fleet.folder}/open`] },
        programs: [{ path, args: [{ integer: { min: 0, max: 9 } }] }],
      };
      await Promise.all([
        fleet.startAgent({ name: "web1", tags: { role: "web" }, policy }),
        fleet.startAgent({ name: "web2", tags: { role: "web" }, policy }),
        fleet.startAgent({ name: "db1", tags: { role: "db" } }),
      ]);
      await made.write("hello.js", HELLO);
      await made.write("typed.ts", TYPED);
      await made.write("chatty.js", CHATTY);
      await made.write("slow.js", SLOW.replace(SLEEP, path));
      return made;
    } catch (cause) {
      await fleet.stop();
      throw cause;
    }
  }

  path(name: string): string {
    return `${this.fleet.folder}/${name}`;
  }

  async write(name: string, text: string): Promise<string> {
    await Deno.writeTextFile(this.path(name), text);
    return this.path(name);
  }

  /** Runs `jabber` to its end. */
  async run(...args: string[]): Promise<CliResult> {
    const result = await this.fleet.cli(...args);
    this.printed.push(result);
    return result;
  }

  /** Runs `jabber`, which must exit with this code; answers both outputs. */
  async exits(code: number, ...args: string[]): Promise<CliResult> {
    const result = await this.run(...args);
    assert.equal(result.code, code, `jabber ${args.join(" ")}:\n${result.out}${result.err}`);
    return result;
  }

  async out(...args: string[]): Promise<string> {
    return (await this.exits(0, ...args)).out;
  }

  // deno-lint-ignore no-explicit-any -- tests look into answers of every verb
  async json(...args: string[]): Promise<any> {
    return JSON.parse(await this.out(...args, "-o", "json"));
  }

  /** Runs a line of shell with `jabber` in it. */
  async shell(line: string): Promise<CliResult> {
    const dist = new URL("../../dist", import.meta.url).pathname;
    const { code, stdout, stderr } = await new Deno.Command("/bin/sh", {
      args: ["-c", line],
      env: { ...this.fleet.env, NO_COLOR: "1", PATH: `${dist}:/usr/bin:/bin` },
      clearEnv: true,
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
  }
}

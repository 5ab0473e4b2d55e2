/**
 * The same probes as signed scripts in the real compiled agent, ordered through the real compiled server. What a probe
 * comes to, the agent's own records say; that nothing else happened is looked at from outside: the file nobody may
 * read, the one nobody may write, the server nobody may ask, the agent's programs, memory and processor.
 */
import assert from "node:assert/strict";
import type { ErrorCode } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { Fleet } from "../support/fleet.ts";
import { Operator, type OrderEnd } from "../support/operator.ts";
import { busyOver, childrenOf, eventually, usageOf } from "../support/proc.ts";
import type { Program } from "../support/program.ts";
import { faultOf, type Probe, SECRET } from "./probe.ts";
import { LOADS, PROBES } from "./probes.ts";
import { openWorld, type World } from "./world.ts";

/** At rest: so much more memory than after full load, such a share of a core. */
const GROWN_MIB = 20;
const REST_BUSY = 0.05;
const REST_WINDOW_MS = 2000;
/** How long memory may take to come back: V8 gives it back by and by when nothing else is to do. */
const REST_MS = 30_000;
/** Bombs under way at once, with an honest script among them. */
const BOMBS_AT_ONCE = 20;
/** Seconds. The least an order can ask for, and one that no script here may reach. */
const SHORT = 1;
const LONG = 60;
/** What the sandbox holds at the least: its Worker and the interpreter's code. */
const SANDBOX_MIB = 10;

const STRING = { type: "string" };
const ARGS = { type: "object", properties: { canary: STRING, marker: STRING, url: STRING } };

const HONEST = `
  const whole = await fs.read(args.file);
  for (let i = 0; i < 20; i++) { await output.emit({ i }); print("line", i); }
  return { text: whole.text, polluted: {}.polluted === undefined };`;

/** The one program the agent's owner allows, with one argument. */
const ECHO = "/bin/echo";
const HARMLESS = { path: ECHO, realPath: Deno.realPathSync(ECHO), args: [{ is: "named" }] };

interface Stage {
  fleet: Fleet;
  world: World;
  operator: Operator;
  victim: Program;
  /** Had one load of scripts and then none. */
  idle: Program;
  /** A file that scripts may read. */
  file: string;
}

async function openStage(): Promise<Stage> {
  const fleet = await Fleet.start();
  try {
    const outside = `${fleet.folder}/outside`;
    const inside = `${fleet.folder}/inside`;
    await Deno.mkdir(outside);
    await Deno.mkdir(inside);
    await Deno.writeTextFile(`${inside}/plain.txt`, "0123456789");
    const world = await openWorld(outside);
    const [victim, idle] = await Promise.all([
      fleet.startAgent({ name: "victim", policy: { files: { read: [inside] }, programs: [HARMLESS] } }),
      fleet.startAgent({ name: "idle" }),
    ]);
    const operator = await Operator.signedIn(`${fleet.folder}/operator`);
    return { fleet, world, operator, victim, idle, file: `${inside}/plain.txt` };
  } catch (cause) {
    await fleet.stop();
    throw cause;
  }
}

let scripts = 0;

/** Signs a probe, pushes it, orders it and follows it to its end. */
async function play(
  { operator, world }: Stage,
  script: Pick<Probe, "source" | "uses" | "language">,
  timeout: number,
): Promise<OrderEnd> {
  const { source, uses, language } = script;
  const header: JsonObject = { name: `probe-${++scripts}`, access: 4, uses: [...uses], args: ARGS };
  if (language === "ts") header["language"] = "typescript";
  const does = await operator.script(header, source);
  return await operator.run(does, { selector: "name=victim", args: { ...world.args }, timeout });
}

/** One that the sandbox would end for its `busyMs`, 10 s, is ended by its order's short timeout here. */
function burns({ codes = [] }: Probe): boolean {
  return codes.some((code) => code === "script.busy" || code === "script.timeout");
}

/** What is wrong with the end of a probe. */
function faultIn(probe: Probe, end: OrderEnd): string[] {
  // The agent ends a run by itself when the sandbox had no turn for it in time.
  const timeouts: ErrorCode[] = ["script.timeout", "run.timeout"];
  const codes = [...probe.codes ?? [], ...burns(probe) ? timeouts : []];
  const fault = faultOf({ ...probe, codes }, end);
  const faults = fault === undefined ? [] : [fault];
  if (JSON.stringify(end.records).includes(SECRET)) faults.push("its records hold the canary's secret");
  return faults.map((fault) => `${probe.name}: ${fault.slice(0, 500)}`);
}

async function isAlive({ operator, victim }: Stage): Promise<string[]> {
  const { ok, records } = await operator.runUnsigned("command:sys.facts", "name=victim");
  const faults = ok && records.length > 0 ? [] : ["the agent no longer answers"];
  return childrenOf(victim.pid).length === 0 ? faults : [...faults, "a program of the agent's runs"];
}

/** Answers the least memory the victim has meanwhile, in MiB. */
async function playOneByOne(stage: Stage, probes: readonly Probe[]): Promise<number> {
  const faults: string[] = [];
  let least = Infinity;
  for (const probe of probes) {
    faults.push(...faultIn(probe, await play(stage, probe, LONG)));
    faults.push(...(await isAlive(stage)).map((fault) => `after ${probe.name}: ${fault}`));
    least = Math.min(least, usageOf(stage.victim.pid).rssMiB);
  }
  assert.deepEqual(faults, []);
  return least;
}

async function playTogether(stage: Stage, probes: readonly Probe[]): Promise<void> {
  const { operator, file } = stage;
  const header = { access: 2, uses: ["fs.read", "output.emit", "log.info"], args: { properties: { file: STRING } } };
  const honest = await operator.script({ name: "honest", ...header }, HONEST);
  const faults: string[] = [];
  for (let at = 0; at < probes.length; at += BOMBS_AT_ONCE) {
    const batch = probes.slice(at, at + BOMBS_AT_ONCE);
    const ends = batch.map((probe) => play(stage, probe, SHORT));
    const other = await operator.run(honest, { selector: "name=victim", args: { file }, timeout: LONG });
    for (const [index, end] of (await Promise.all(ends)).entries()) faults.push(...faultIn(batch[index]!, end));
    assert.deepEqual([other.error, other.result], [undefined, { text: "0123456789", polluted: true }]);
    // Between `started` and `finished`: twenty objects and twenty lines, none lost and none of others.
    assert.equal(other.records.length, 42);
    faults.push(...(await isAlive(stage)).map((fault) => `after ${batch[0]?.name} and others: ${fault}`));
  }
  assert.deepEqual(faults, []);
}

interface LetGo {
  fresh: number;
  /** With the sandbox in it, its scripts over. */
  before: number;
  after: number;
}

/** Loads the other agent's sandbox once, lets it idle, and looks on until it is let go. */
async function watchIdle({ operator, idle }: Stage, load: string): Promise<LetGo> {
  const { rssMiB: fresh, workers } = usageOf(idle.pid);
  assert.equal((await operator.run(load, { selector: "name=idle", timeout: LONG })).error?.code, "script.memory");
  assert.equal(usageOf(idle.pid).workers, workers + 1);
  let before = 0;
  await eventually("the end of the sandbox's Worker", LIMITS.sandboxIdleMs + REST_MS, () => {
    const usage = usageOf(idle.pid);
    if (usage.workers === workers) return true;
    before = usage.rssMiB;
    return undefined;
  });
  const after = await eventually(`${SANDBOX_MIB} MiB less than ${before}`, REST_MS, () => {
    const { rssMiB } = usageOf(idle.pid);
    return before - rssMiB >= SANDBOX_MIB ? rssMiB : undefined;
  });
  return { fresh, before, after };
}

/** Files below a folder. */
function filesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesBelow(`${folder}/${name}`) : [`${folder}/${name}`]
  ).sort();
}

async function callByName(stage: Stage): Promise<void> {
  const { operator, file } = stage;
  const uses = ["fs.read", "output.emit", "process.exec"];
  const header = { name: "named", access: 4, uses, args: { properties: { file: STRING } } };
  const source = `
    const texts = [];
    for (const { text } of [
      await fs.read(args.file, 1, 2),
      await fs.read(args.file, { length: 3 }),
      await fs.read({ path: args.file, offset: 4, length: 2 }),
      await fs.read(args.file, undefined, 2),
      await fs.read(args.file, 7, { length: 2 }),
    ]) texts.push(text);
    await output.emit({ path: "a body, not an input" });
    const wrong = await fs.read(args.file, { lenght: 3 }).catch(({ code }) => code);
    // An input that cannot be given by position: only the command's own names tell it from one that is.
    const { exitCode, timedOut } = await process.exec("${ECHO}", ["named"], { timeoutSeconds: 30 });
    return { texts, wrong, exitCode, timedOut };`;
  const end = await operator.run(await operator.script(header, source), { selector: "name=victim", args: { file } });
  assert.deepEqual(end.result, {
    texts: ["12", "012", "45", "01", "78"],
    wrong: "input.invalid",
    exitCode: 0,
    timedOut: false,
  });
  assert.deepEqual(end.records.map(({ body }) => body).at(1), { path: "a body, not an input" });
}

async function runTypeScript({ operator }: Stage): Promise<void> {
  const header = { name: "typed", access: 1, uses: ["sys.facts"], language: "typescript" };
  const source = `
    interface Facts { cpus: number }
    enum Size { Small = "small", Large = "large" }
    const size = <T extends Facts>({ cpus }: T): Size => cpus > 0 ? Size.Large : Size.Small;
    return size(await sys.facts() as Facts) satisfies Size;`;
  const options = { selector: "name=victim" };
  assert.equal((await operator.run(await operator.script(header, source), options)).result, "large");
  const broken = await operator.run(await operator.script({ ...header, name: "broken" }, "let n: = 1;"), options);
  assert.equal(broken.error?.code, "script.syntax");
}

Deno.test({
  name: "no probe gets out of the compiled agent, and afterwards everything is at rest",
  // Usage is read from /proc.
  ignore: Deno.build.os !== "linux",
  fn: async (t) => {
    const stage = await openStage();
    const { victim, world, fleet, operator } = stage;
    const files = filesBelow(`${fleet.folder}/agents`);
    const load = await operator.script({ name: "load", access: 0, uses: [] }, LOADS[0]!.source);
    const idling = watchIdle(stage, load);
    // Awaited in the end; a failure before that is told first.
    idling.catch(() => {});
    try {
      let floor = Infinity;
      for (const load of LOADS) await play(stage, load, SHORT);
      await t.step("probes that end by themselves", async () => {
        floor = await playOneByOne(stage, PROBES.filter((one) => !burns(one)));
      });
      await t.step("probes that do not, twenty at once with an honest script", () => {
        return playTogether(stage, PROBES.filter(burns));
      });
      await t.step("arguments by name and by position", () => callByName(stage));
      await t.step("TypeScript", () => runTypeScript(stage));
      await t.step("nothing was read, written, asked or started", async () => {
        await world.checkUntouched();
        assert.deepEqual(filesBelow(`${fleet.folder}/agents`), files);
        assert.deepEqual(childrenOf(victim.pid), []);
        assert.deepEqual(victim.lines.filter((line) => / (?:WARN|ERROR) /.test(line)), []);
      });
      await t.step("the agent is at rest", async () => {
        const grown = () => usageOf(victim.pid).rssMiB - floor;
        await eventually(
          `memory within ${GROWN_MIB} MiB of ${floor} MiB`,
          REST_MS,
          () => grown() < GROWN_MIB || undefined,
        );
        const busy = await busyOver(victim.pid, REST_WINDOW_MS);
        assert.ok(busy < REST_BUSY, `it takes ${busy} of a core`);
        console.log(`${PROBES.length} probes: ${floor.toFixed(0)} MiB before, ${grown().toFixed(0)} MiB more after`);
      });
      await t.step("a sandbox without scripts is let go, and comes back for the next one", async () => {
        const { fresh, before, after } = await idling;
        console.log(
          `idle: ${fresh.toFixed(0)} MiB fresh, ${before.toFixed(0)} with, ${after.toFixed(0)} without a sandbox`,
        );
        assert.equal((await operator.run(load, { selector: "name=idle", timeout: LONG })).error?.code, "script.memory");
      });
    } finally {
      await world.close();
      await fleet.stop();
      await idling.catch(() => {});
      operator.close();
    }
  },
});

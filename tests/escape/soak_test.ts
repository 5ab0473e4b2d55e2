/** Hundreds of runs in one process of the compiled agent, some of them ended by force: nothing adds up. */
import assert from "node:assert/strict";
import { Fleet } from "../support/fleet.ts";
import { Operator, type OrderEnd } from "../support/operator.ts";
import { childrenOf, eventually, openFiles, usageOf } from "../support/proc.ts";

const RUNS = 300;
const AT_ONCE = 10;
/** What V8 and the allocator take for good is taken by then. */
const WARM_UP_RUNS = 60;
const GROWN_MIB = 20;
const REST_MS = 40_000;

const ECHO = "/bin/echo";
const SLEEP = "/bin/sleep";
const POLICY = {
  programs: [
    { path: ECHO, realPath: Deno.realPathSync(ECHO), args: [{ word: 16_000 }] },
    { path: SLEEP, realPath: Deno.realPathSync(SLEEP), args: [{ is: "61" }] },
  ],
};
const TARGET = { selector: "name=worker" };

type Play = (index: number) => Promise<void>;

/** Every way a script may go: on in quiet, wrong, for ever. */
async function scriptPlays(operator: Operator): Promise<Play> {
  const header = { access: 4, uses: ["process.exec", "output.emit", "log.info"] };
  const honest = await operator.script(
    { ...header, name: "honest" },
    `let chars = 0;
    const { exitCode } = await process.exec(${
      JSON.stringify(ECHO)
    }, ["x".repeat(9_999)], ({ text }) => { chars += text.length });
    for (let i = 0; i < 5; i++) await output.emit({ i });
    print("done", chars);
    return { chars, exitCode };`,
  );
  const wrong = await operator.script({ ...header, name: "wrong" }, "await process.exec('/bin/false', [])");
  const typed = await operator.script({ ...header, name: "typed", language: "typescript" }, "return 1 as number");
  const endless = await operator.script({ ...header, name: "endless" }, "for (;;);");
  return async (index) => {
    const end = await operator.run([endless, wrong, typed][index % 50] ?? honest, {
      ...TARGET,
      timeout: index % 50 ? 60 : 1,
    });
    if (index % 50 === 0) assert.match(end.error?.code ?? "", /^(?:script|run)\.timeout$/);
    else if (index % 50 === 1) assert.equal(end.error?.code, "script.threw");
    else if (index % 50 === 2) assert.equal(end.result, 1);
    else assert.deepEqual([end.result, end.records.length], [{ chars: 10_000, exitCode: 0 }, 8]);
  };
}

/** Programs that end, and programs that must be ended. */
function programPlays(operator: Operator): Play {
  const exec = (program: string, word: string, timeout: number): Promise<OrderEnd> =>
    operator.run("command:process.exec", { ...TARGET, args: { program, args: [word] }, timeout });
  return async (index) => {
    if (index % 50 === 0) {
      const { error } = await exec(SLEEP, "61", 1);
      assert.equal(error?.code, "run.timeout");
      return;
    }
    const { ok, records } = await exec(ECHO, "y".repeat(15_999), 60);
    const text = records.map(({ body }) => (body as { text?: string }).text ?? "").join("");
    assert.deepEqual([ok, text.length], [true, 16_000]);
  };
}

async function playAll(play: Play, count: number): Promise<void> {
  for (let at = 0; at < count; at += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => play(at + index)));
  }
}

Deno.test({
  name: "hundreds of scripts and programs leave the agent's memory, files and processes as they were",
  // Usage is read from /proc.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const fleet = await Fleet.start();
    let operator: Operator | undefined;
    try {
      const { pid } = await fleet.startAgent({ name: "worker", policy: POLICY });
      operator = await Operator.signedIn(`${fleet.folder}/operator`);
      const plays = [await scriptPlays(operator), programPlays(operator)];
      for (const play of plays) await playAll(play, WARM_UP_RUNS);
      const { rssMiB, workers } = usageOf(pid);
      const files = openFiles(pid);
      for (const play of plays) await playAll(play, RUNS);
      await eventually("the end of all programs", REST_MS, () => childrenOf(pid).length === 0 || undefined);
      const grown = () => usageOf(pid).rssMiB - rssMiB;
      await eventually(
        `memory within ${GROWN_MIB} MiB of ${rssMiB} MiB`,
        REST_MS,
        () => grown() < GROWN_MIB || undefined,
      );
      assert.ok(usageOf(pid).workers <= workers);
      await eventually(`no more than ${files} open files`, REST_MS, () => openFiles(pid) <= files || undefined);
      console.log(
        `${2 * RUNS} runs: ${rssMiB.toFixed(0)} MiB before, ${grown().toFixed(0)} MiB more, ${files} files open`,
      );
    } finally {
      await fleet.stop();
      operator?.close();
    }
  },
});

/**
 * Every probe inside a compiled program with the agent's own flags: the sandbox's and the executor's real Workers, the
 * real commands, a policy that allows nothing. After each probe a trivial script still works, memory is back within
 * 20 MiB and the processor is at rest.
 */
import assert from "node:assert/strict";
import { compileFixture, likeProgram } from "../support/compile.ts";
import type { Forged } from "./fixture/forge.ts";
import type { Tried } from "./fixture/hostile_worker.ts";
import { faultOf, type ProbeEnd } from "./probe.ts";
import { PROBES } from "./probes.ts";
import { openWorld, type World } from "./world.ts";

interface Line {
  probe?: string;
  ms?: number;
  end?: ProbeEnd;
  rest?: { alive: boolean; rested: boolean; grownMiB: number; busy: number };
  forged?: { forged: Forged[]; flooded: boolean; alive: boolean };
  worker?: { tried: Tried; heard: unknown };
  started?: number;
  baseMiB?: number;
  over?: boolean;
}

/** What a Worker without permissions gets all the same; docs/decisions/0011-sandbox-is-quickjs.md says what of it. */
const LEAKS = [
  "where the program lies",
  "import a JSON file",
  "import data",
  "umask",
  "current folder",
  "memory usage",
  "process id",
  "arguments of the program",
  "the standard output",
  "a BroadcastChannel",
];

const RUN_MS_MAX = 300_000;

async function withFixture(
  test: (run: (only?: string) => Promise<Line[]>, world: World) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "jabber-escape-" });
  const world = await openWorld(folder);
  try {
    const program = likeProgram("jabber-agent", { name: "escape", entry: "tests/escape/fixture/main.ts" });
    const path = await compileFixture(program, folder);
    await test(async (only) => {
      const { stdout, stderr, success } = await new Deno.Command(path, {
        args: [JSON.stringify(world.args), ...(only === undefined ? [] : [only])],
        env: { NO_COLOR: "1" },
        signal: AbortSignal.timeout(RUN_MS_MAX),
      }).output();
      const text = new TextDecoder();
      assert.equal(text.decode(stderr), "");
      assert.ok(success);
      return text.decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
    }, world);
  } finally {
    await world.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("no probe gets out of the compiled sandbox, and after each everything is at rest", () =>
  withFixture(async (run, world) => {
    const lines = await run();
    assert.ok(lines.at(-1)?.over, "the fixture did not come to its end");
    const faults: string[] = [];
    for (const probe of PROBES) {
      const line = lines.find((line) => line.probe === probe.name);
      const fault = line?.end === undefined ? "it did not run" : faultOf(probe, line.end);
      if (fault !== undefined) faults.push(`${probe.name}: ${fault}`);
      if (!line?.rest?.alive) faults.push(`${probe.name}: no script works after it`);
      else if (!line.rest.rested) faults.push(`${probe.name}: no rest after it: ${JSON.stringify(line.rest)}`);
    }
    assert.deepEqual(faults, []);
    assert.equal(lines.find((line) => line.rest !== undefined && line.probe === undefined)?.rest?.rested, true);
    checkForged(lines);
    checkWorker(lines);
    await world.checkUntouched();
    const { started, baseMiB } = lines[0] ?? {};
    const slowest = lines.toSorted((a, b) => (b.ms ?? 0) - (a.ms ?? 0))[0];
    console.log(
      `${PROBES.length} probes; a script takes ${started?.toFixed(1)} ms from start to end with one call, ` +
        `${baseMiB} MiB resident; slowest: "${slowest?.probe}" ${slowest?.ms} ms`,
    );
  }));

function checkForged(lines: readonly Line[]): void {
  const forged = lines.find((line) => line.forged !== undefined)?.forged;
  assert.ok(forged, "no messages were forged");
  assert.equal(forged.alive, true);
  assert.equal(forged.flooded, true);
  for (const { name, codes, done } of forged.forged) {
    assert.ok(done, `${name}: the port no longer answers a good call`);
    assert.ok(codes.every((code) => code !== "done" && code !== "item"), `${name}: ${codes}`);
  }
}

function checkWorker(lines: readonly Line[]): void {
  const worker = lines.find((line) => line.worker !== undefined)?.worker;
  assert.ok(worker, "the Worker did not try");
  const got = Object.entries(worker.tried).filter(([, what]) => what.startsWith("got ")).map(([name]) => name);
  assert.deepEqual(got, LEAKS);
  // A channel by name does cross threads: nothing of the agent may ever listen on one.
  assert.equal(worker.heard, "a word past every port");
}

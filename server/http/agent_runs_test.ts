import assert from "node:assert/strict";
import { memoryStore } from "../../base/store/memory.ts";
import { lastRuns } from "./agent_runs.ts";

const AGENT = "agent-x";
const RUNS = ["01J00000000000000000000001", "01J00000000000000000000002", "01J00000000000000000000003"];

function line(run: string, offset: number, body: Record<string, unknown>, more: Record<string, unknown> = {}): string {
  const head = { v: 1, id: "x", from: AGENT, time: `2026-11-20T12:00:0${offset}Z`, job: `order-${run.at(-1)}`, run };
  return JSON.stringify({ ...head, kind: "runState", stream: `${AGENT}/${run}`, offset, body, ...more });
}

Deno.test("lastRuns() tells the newest runs by the ends of their streams", async () => {
  const store = memoryStore();
  const put = (run: string, lines: string[]) =>
    store.commit([{ op: "append", stream: `${AGENT}/${run}`, first: 0, lines }]);
  const started = { state: "started", does: "command:sys.facts" };
  await put(RUNS[0]!, [line(RUNS[0]!, 0, started), line(RUNS[0]!, 1, { state: "finished", ok: true, exitCode: 0 })]);
  const error = { code: "run.failed", message: "it broke" };
  await put(RUNS[1]!, [line(RUNS[1]!, 0, started), line(RUNS[1]!, 1, { state: "finished", ok: false }, { error })]);
  await put(RUNS[2]!, [line(RUNS[2]!, 0, started), line(RUNS[2]!, 1, {}, { kind: "output" })]);
  await store.commit([{ op: "append", stream: `${AGENT}/log`, first: 0, lines: ["{}"] }]);
  const runs = await lastRuns(store, AGENT, 10);
  assert.deepEqual(runs.map(({ run, state, ok, exitCode, error }) => [run, state, ok, exitCode, error]), [
    [RUNS[2], "started", undefined, undefined, undefined],
    [RUNS[1], "finished", false, undefined, "it broke"],
    [RUNS[0], "finished", true, 0, undefined],
  ]);
  assert.equal(runs[0]!.order, "order-3");
  assert.equal(runs[2]!.finishedAt, "2026-11-20T12:00:01Z");
  assert.equal((await lastRuns(store, AGENT, 1)).length, 1);
  assert.deepEqual(await lastRuns(store, "agent-y", 10), []);
});

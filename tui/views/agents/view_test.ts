import assert from "node:assert/strict";
import { ViewDriver } from "../../../tests/support/console_view.ts";
import { agent, agentsAnswer } from "../../testing.ts";
import { agentsView } from "./view.ts";

function opened(columns: number): ViewDriver {
  const driver = new ViewDriver(agentsView, "", { area: { columns, rows: 8 } });
  driver.context.fleet.load(agentsAnswer(
    agent("far", { rttMs: 250 }),
    agent("near", { rttMs: 0 }),
    agent("new"),
    agent("stuck", { rttMs: 61_000 }),
  ));
  return driver;
}

const names = (driver: ViewDriver) => driver.lines().slice(1).map((line) => line.trim().split(/\s+/)[0]);

Deno.test("agents show their round trip, also at 80 columns; who has not measured one shows none", () => {
  for (const columns of [80, 160]) {
    const [head, far, near, fresh, stuck] = opened(columns).lines();
    const at = head!.indexOf("RTT") + 3;
    const cell = (line: string) => line.slice(at - 7, at).trim();
    assert.deepEqual([far, near, fresh, stuck].map((line) => cell(line!)), ["250 ms", "<1 ms", "", "61 s"]);
  }
});

Deno.test("agents are sorted by it: the slowest first", () => {
  const driver = opened(160);
  for (let i = 0; i < 8 && !/RTT\S/.test(driver.lines()[0]!); i++) driver.press("list.sortNext");
  assert.deepEqual(names(driver), ["stuck", "far", "near", "new"]);
});

Deno.test("what is marked is what a script or command runs on, each named by its id", () => {
  const driver = opened(160);
  driver.press("list.mark", "list.mark");
  const [ask] = driver.press("agents.run");
  assert.ok(ask?.do === "enter" && ask.title.startsWith("run on 2 marked agents"));
  const ids = [agent("far").id, agent("near").id].sort().join(",");
  const words = `-l "id in (${ids})" --path /`;
  assert.deepEqual(driver.send({ type: "entered", name: "work", text: "disk-report --path /" }), [
    { do: "act", name: "plan", act: { kind: "run", does: "disk-report", words, dryRun: true } },
  ]);
  const target = (name: string) => ({ agent: agent(name).id, name, tags: {}, connected: true });
  const answer = { kind: "run", order: "01A", selector: "", targets: [target("near"), target("far")] } as const;
  const [question] = driver.send({ type: "acted", name: "plan", answer });
  assert.ok(question?.do === "confirm");
  assert.deepEqual(question.question.lines, ["with  disk-report --path /", "on    far, near"]);
  assert.deepEqual(driver.send({ type: "confirmed", name: "run" }), [
    { do: "act", name: "run", act: { kind: "run", does: "disk-report", words, dryRun: false } },
  ]);
});

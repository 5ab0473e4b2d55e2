import assert from "node:assert/strict";
import { agentStream, nextIncarnation, parseStream, runStream } from "./streams.ts";

const RUN = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

Deno.test("parseStream() reads what agentStream() and runStream() wrote, in every incarnation", () => {
  for (const incarnation of [0, 1, 9, 10, 999_999, 1_000_000, 10 ** 15 - 1]) {
    assert.deepEqual(parseStream(agentStream("agent-a", incarnation)), { agent: "agent-a", incarnation });
    assert.deepEqual(parseStream(runStream("agent-a", RUN, incarnation)), { agent: "agent-a", run: RUN, incarnation });
  }
});

Deno.test("nextIncarnation() counts on, and the name stays one", () => {
  assert.equal(nextIncarnation(agentStream("agent-a", 0)), "agent-a/log~1");
  assert.equal(nextIncarnation("agent-a/log~999999"), "agent-a/log~1000000");
  assert.equal(parseStream(nextIncarnation("agent-a/log~999999"))?.incarnation, 1_000_000);
});

Deno.test("parseStream() takes nothing else for a stream", () => {
  const names = ["", "agent-a", "agent-a/", "/log", "agent-a/log~0", "agent-a/log~01", "agent-a/log~", "agent-a/log/x"];
  for (const name of [...names, `agent-a/${RUN}x`, "Agent/log", "agent-a/../log", "agent-a/log\n"]) {
    assert.equal(parseStream(name), undefined, JSON.stringify(name));
  }
});

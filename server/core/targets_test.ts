import assert from "node:assert/strict";
import type { Row, StoreOp } from "../../base/store.ts";
import type { Agent, OpenOrder, Target, TargetFacts } from "./state.ts";
import { firstOps, NOT_SENT, readTargets, sentFacts, targetOp } from "./targets.ts";

const ORDER = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const SENT = sentFacts(NOT_SENT, 5);

function orderFor(targets: readonly { id: string; staged: TargetFacts | null }[]): OpenOrder {
  const entries = targets.map(({ id, staged }): [string, Target] => {
    return [id, { agent: { id } as Agent, facts: NOT_SENT, staged }];
  });
  // As far as rows are made of it.
  return { record: { id: ORDER }, targets: new Map(entries) } as unknown as OpenOrder;
}

const rowsOf = (ops: readonly StoreOp[]): Row[] => ops.flatMap((op) => op.op === "put" ? [op] : []);

Deno.test("firstOps() lists targets that begin alike in few rows, and readTargets() finds each of them", () => {
  const order = orderFor(
    Array.from({ length: 1203 }, (_, i) => ({ id: `agent-${1000 + i}`, staged: i % 3 === 0 ? null : SENT })),
  );
  const rows = rowsOf(firstOps(order));
  assert.equal(rows.length, 3, "401 that are away, 802 that are sent to");
  const found = readTargets(rows);
  assert.deepEqual(found.map(({ agent }) => agent), [...order.targets.keys()]);
  for (const { order, agent, facts, since } of found) {
    const isAway = (Number(agent.slice("agent-".length)) - 1000) % 3 === 0;
    assert.deepEqual([order, since, facts], [ORDER, 0, isAway ? NOT_SENT : SENT], agent);
  }
});

Deno.test("readTargets() believes a target's own row before the list it began in, whichever comes first", () => {
  const order = orderFor([{ id: "agent-a", staged: SENT }, { id: "agent-b", staged: SENT }]);
  const finished: TargetFacts = { ...SENT, state: "finished", ok: true };
  const own = targetOp(order, { id: "agent-b" } as Agent, finished, 7);
  const other = { ...order, record: { ...order.record, id: "01ARZ3NDEKTSV4RRFFQ69G5FAW" } };
  const rows = rowsOf([own, ...firstOps(order), ...firstOps(other)]);
  for (const all of [rows, rows.toReversed()]) {
    assert.deepEqual(readTargets(all).map(({ order, agent, facts, since }) => [order, agent, facts.state, since]), [
      [ORDER, "agent-a", "sent", 0],
      [ORDER, "agent-b", "finished", 7],
      [other.record.id, "agent-a", "sent", 0],
      [other.record.id, "agent-b", "sent", 0],
    ]);
  }
});

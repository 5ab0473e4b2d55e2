import assert from "node:assert/strict";
import type { AgentEvent } from "../core/contract.ts";
import { createDoor, type Door } from "./door.ts";

interface Bench {
  door: Door;
  passed: string[];
  loads: number;
  /** What was to be loaded is there. */
  loaded(): Promise<void>;
}

function bench(): Bench {
  const passed: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const name = (event: AgentEvent): string => event.type === "frame" ? event.text : event.type;
  const it: Bench = {
    passed,
    loads: 0,
    door: createDoor((event) => void passed.push(name(event)), () => {
      it.loads++;
      return promise;
    }),
    async loaded() {
      resolve();
      await promise;
    },
  };
  return it;
}

const frame = (kind: string): AgentEvent => ({ type: "frame", attempt: 1, text: `{"kind":"${kind}"}` });

Deno.test("createDoor() lets no frame pass before the walls are up, and nothing overtake it", () => {
  const { door, passed } = bench();
  door.feed({ type: "dialed", attempt: 1 });
  door.feed(frame("welcome"));
  door.feed({ type: "closed", attempt: 1, reason: "gone" });
  assert.deepEqual(passed, ["dialed"]);
  door.open();
  assert.deepEqual(passed, ["dialed", '{"kind":"welcome"}', "closed"]);
});

Deno.test("createDoor() loads with the first frame that may hold an order, and keeps what follows behind it", async () => {
  for (const order of ["command", "cancel", "\\u0063ommand"]) {
    const it = bench();
    it.door.open();
    it.door.feed(frame("welcome"));
    assert.deepEqual([it.passed.length, it.loads], [1, 0]);
    it.door.feed(frame(order));
    it.door.feed(frame("ack"));
    it.door.feed({ type: "timer", name: "alive" });
    it.door.feed(frame(order));
    assert.deepEqual([it.passed.length, it.loads], [1, 1]);
    await it.loaded();
    assert.deepEqual(it.passed.slice(1), [`{"kind":"${order}"}`, '{"kind":"ack"}', "timer", `{"kind":"${order}"}`]);
    it.door.feed(frame("command"));
    assert.deepEqual([it.passed.length, it.loads], [6, 1]);
  }
});

Deno.test("createDoor() asks for what it needs also for an order that came before the walls were up", async () => {
  const it = bench();
  it.door.feed(frame("command"));
  assert.equal(it.loads, 0);
  it.door.open();
  assert.deepEqual([it.passed.length, it.loads], [0, 1]);
  await it.loaded();
  assert.equal(it.passed.length, 1);
});

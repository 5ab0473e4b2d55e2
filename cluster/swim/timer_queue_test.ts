import assert from "node:assert/strict";
import { randomBelow, seededRng } from "../../base/rng.ts";
import { TimerQueue } from "./timer_queue.ts";

Deno.test("names come up in the order of their times, each once", () => {
  const queue = new TimerQueue();
  queue.set("late", 30);
  queue.set("early", 10);
  queue.set("middle", 20);
  assert.equal(queue.next(), 10);
  assert.equal(queue.take(9), undefined);
  assert.deepEqual([queue.take(25), queue.take(25), queue.take(25)], ["early", "middle", undefined]);
  assert.equal(queue.take(30), "late");
  assert.equal(queue.next(), undefined);
});

Deno.test("setting a name again replaces its time, and null clears it", () => {
  const queue = new TimerQueue();
  queue.set("probe", 10);
  queue.set("probe", 50);
  queue.set("gossip", 20);
  queue.set("gossip", null);
  assert.equal(queue.next(), 50);
  assert.equal(queue.size, 1);
  queue.set("probe", 5);
  assert.deepEqual([queue.take(100), queue.take(100)], ["probe", undefined]);
});

Deno.test("it answers as a sorted list does, whatever is set and cleared in between", () => {
  const rng = seededRng(7);
  const queue = new TimerQueue();
  const plain = new Map<string, number>();
  for (let i = 0; i < 20_000; i++) {
    const name = `timer ${randomBelow(rng, 50)}`;
    const deed = randomBelow(rng, 10);
    if (deed < 6) {
      // Whole numbers that differ, so that the order is one.
      const at = i + randomBelow(rng, 500) + i / 100_000;
      plain.set(name, at);
      queue.set(name, at);
    } else if (deed < 7) {
      plain.delete(name);
      queue.set(name, null);
    } else {
      const [due] = [...plain].filter(([, at]) => at <= i).sort((a, b) => a[1] - b[1]);
      if (due !== undefined) plain.delete(due[0]);
      assert.equal(queue.take(i), due?.[0]);
    }
    assert.equal(queue.size, plain.size);
  }
});

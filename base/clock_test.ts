import assert from "node:assert/strict";
import { type Clock, pause } from "./clock.ts";

Deno.test("pause() ends with its time or its signal, and leaves no timer and no listener behind", async () => {
  const timers = new Set<() => void>();
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    after(_ms, fire) {
      timers.add(fire);
      return () => void timers.delete(fire);
    },
  };
  const stop = new AbortController();
  let listeners = 0;
  const { signal } = stop;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args));
  signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args));

  const timed = pause(clock, 5, signal);
  for (const fire of timers) fire();
  await timed;
  assert.deepEqual([timers.size, listeners], [0, 0]);

  const stopped = pause(clock, 5, signal);
  assert.deepEqual([timers.size, listeners], [1, 1]);
  stop.abort();
  await stopped;
  assert.deepEqual([timers.size, listeners], [0, 0]);

  await pause(clock, 5, signal);
  assert.equal(timers.size, 0);
});

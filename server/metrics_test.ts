import assert from "node:assert/strict";
import { createMetrics } from "./metrics.ts";

Deno.test("createMetrics() shows counters and reads gauges when asked", async () => {
  let sessions = 1;
  const metrics = createMetrics([{ name: "sessions", help: "Open sessions", read: () => sessions }]);
  metrics.count("frames", 2);
  metrics.count("frames", 3);
  sessions = 7;
  const text = await metrics.text();
  assert.match(text, /^jabber_frames_total 5$/m);
  assert.match(text, /^jabber_sessions 7$/m);
});

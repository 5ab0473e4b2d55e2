import assert from "node:assert/strict";
import type { JsonObject } from "../../base/json.ts";
import { rememberedServers } from "./shared.ts";

const server = (id: string, value: JsonObject | null) => ({ id, value });

Deno.test("a server remembers where others listened, but not itself, nor those that left, were removed or did not say", () => {
  const entries = [
    server("self", { state: "READY", gossip: "127.0.0.1:1" }),
    server("up", { state: "READY", gossip: "127.0.0.1:2" }),
    server("lost", { state: "JOINING", gossip: "[::1]:3" }),
    server("left", { state: "DRAINING", gossip: "127.0.0.1:4" }),
    server("gone", null),
    server("silent", { state: "READY" }),
    server("odd", { state: "READY", gossip: 7 }),
  ];
  assert.deepEqual(rememberedServers(entries, "self"), ["127.0.0.1:2", "[::1]:3"]);
});

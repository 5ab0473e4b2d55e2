/** Frames that no honest server sends. */
import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { KINDS } from "../../wire/kinds.ts";
import { complaintsIn } from "./heard.ts";
import { Stage } from "./stage.ts";

interface BadFrame {
  name: string;
  /** What the agent complains about, in order. */
  complaints: string[];
  frames(stage: Stage): string[];
}

const alive = { running: 0, spoolBytes: 0 };

const FRAMES: BadFrame[] = [
  { name: "no JSON", complaints: ["frame.malformed"], frames: () => ["{"] },
  { name: "an empty frame", complaints: ["frame.malformed"], frames: () => [""] },
  { name: "JSON that is no envelope", complaints: ["frame.malformed"], frames: () => ['["command"]'] },
  {
    name: "another version of the envelope",
    complaints: ["frame.malformed"],
    frames: ({ server }) => [server.line("servers", { servers: [] }, { v: 2 })],
  },
  {
    name: "a member that no envelope has",
    complaints: ["frame.malformed"],
    frames: ({ server }) => [server.line("servers", { servers: [] }, { admin: true })],
  },
  {
    name: "an unknown kind",
    complaints: ["frame.unknown_kind"],
    frames: ({ server }) => [server.line("execute", { program: "/bin/sh" })],
  },
  {
    name: "a kind by the name of a member that every object has",
    complaints: ["frame.unknown_kind"],
    frames: ({ server }) => [server.line("constructor", {})],
  },
  {
    name: "what only agents say",
    complaints: ["frame.wrong_direction"],
    frames: ({ server }) => [server.line("alive", alive)],
  },
  {
    name: "a second welcome",
    complaints: ["frame.wrong_direction"],
    frames: ({ server }) => {
      const { node, cluster } = server.material.node;
      const settings = { aliveEveryMs: 100 };
      return [server.line("welcome", { protocol: 1, node, cluster, version: "", proof: "", settings, streams: [] })];
    },
  },
  {
    name: "a command that is signed and unsigned at once",
    complaints: ["frame.malformed"],
    frames: (stage) => {
      const unsigned = { id: "01M7W7A0T9CHEQHAJ342FR7MFM", does: "command:sys.facts", args: {}, selector: "" };
      const both = { order: stage.order("both"), unsigned: { ...unsigned, notAfter: "2100-01-01T00:00:00Z" } };
      return [stage.server.line("command", both)];
    },
  },
  {
    name: "an order larger than any order",
    complaints: ["frame.malformed"],
    frames: ({ server }) => [server.line("command", { order: "x".repeat(LIMITS.orderBytesMax + 1) })],
  },
  {
    name: "a command larger than any command",
    complaints: ["frame.too_large"],
    frames: ({ server }) => [server.line("command", { order: "x".repeat(KINDS.command.maxBytes) })],
  },
  {
    name: "a frame larger than the limit",
    complaints: ["frame.too_large"],
    frames: ({ server }) => [server.line("servers", { servers: [], pad: "x".repeat(LIMITS.frameBytesMax) })],
  },
  {
    name: "more records than a frame may hold",
    complaints: ["frame.too_large"],
    frames: ({ server }) => [
      Array<string>(LIMITS.frameRecordsMax + 1).fill(server.line("servers", { servers: [] })).join("\n"),
    ],
  },
  {
    name: "meta that is nested a thousand times",
    complaints: ["frame.malformed"],
    frames: (stage) => {
      const line = stage.server.line("command", { order: stage.order("deep") }, { meta: "DEEP" });
      return [line.replace('"DEEP"', "[".repeat(1000) + "]".repeat(1000))];
    },
  },
  {
    name: "a body that is nested sixty thousand times",
    complaints: ["frame.malformed"],
    frames: ({ server }) => [
      server.line("servers", "DEEP").replace('"DEEP"', '{"a":'.repeat(20_000) + "1" + "}".repeat(20_000)),
    ],
  },
  {
    name: "60 MiB of nothing",
    complaints: ["frame.too_large"],
    frames: () => ["x".repeat(60 * 1024 * 1024)],
  },
  {
    name: "a good line after a bad one is still read",
    complaints: ["frame.malformed", "frame.unknown_kind"],
    frames: ({ server }) => [["{", server.line("execute", {})].join("\n")],
  },
];

Deno.test("agent answers bad frames with their code and goes on", async (t) => {
  const stage = await Stage.open();
  const { server } = stage;
  try {
    for (const { name, complaints, frames } of FRAMES) {
      await t.step(name, async () => {
        const from = server.heard.length;
        for (const frame of frames(stage)) server.sayRaw(frame);
        await stage.honestOrder();
        assert.deepEqual(complaintsIn(server.heard.envelopes.slice(from)), complaints);
      });
    }
    await t.step("nobody hung up", () => assert.equal(server.callers.length, 1));
    await t.step("a binary frame and one over 64 MiB end the connection, and the agent comes back", async () => {
      for (const frame of [new Uint8Array(100), "x".repeat(65 * 1024 * 1024)]) {
        const ended = server.session!.closed;
        const from = server.heard.length;
        server.sayRaw(frame);
        await ended;
        await stage.hello(from);
        await stage.honestOrder();
      }
    });
  } finally {
    await stage.close();
  }
});

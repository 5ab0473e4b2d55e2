/** Acknowledgements that are not true. */
import assert from "node:assert/strict";
import { parseStream } from "../../wire/streams.ts";
import { Stage } from "./stage.ts";

/** Every stream that came has each of its offsets from 0 on. */
function assertGapless(lines: ReadonlyMap<string, string>): void {
  const offsets = new Map<string, number[]>();
  for (const place of lines.keys()) {
    const [stream, offset] = place.split(" ") as [string, string];
    offsets.set(stream, [...offsets.get(stream) ?? [], Number(offset)]);
  }
  for (const [stream, found] of offsets) {
    assert.deepEqual(found.sort((a, b) => a - b), found.map((_, index) => index), stream);
  }
}

async function reconnect(stage: Stage): Promise<void> {
  const from = stage.server.heard.length;
  await stage.server.hangUp();
  await stage.hello(from);
}

Deno.test("agent keeps what is not acknowledged and sends it again, the same bytes", async () => {
  const stage = await Stage.open();
  const { server } = stage;
  try {
    server.behave({ acks: false });
    for (let i = 0; i < 10; i++) stage.bare("refused");
    await stage.honestOrder();
    const sent = new Map(server.lines);
    server.lines.clear();
    server.behave({});
    await reconnect(stage);
    await stage.honestOrder();
    for (const [place, line] of sent) assert.equal(server.lines.get(place), line, place);
    assertGapless(server.lines);
  } finally {
    await stage.close();
  }
});

Deno.test("agent still has what a server acknowledged and did not keep", async () => {
  const stage = await Stage.open();
  const { server } = stage;
  try {
    server.behave({ remembers: false });
    for (let i = 0; i < 10; i++) stage.bare("refused");
    await stage.honestOrder();
    const sent = new Map(server.lines);
    server.lines.clear();
    server.behave({});
    // Also after a restart: what is kept is on disk.
    await stage.killAgent();
    await stage.startAgent();
    await stage.honestOrder();
    for (const [place, line] of sent) assert.equal(server.lines.get(place), line, place);
    assertGapless(server.lines);
  } finally {
    await stage.close();
  }
});

/** Says that the server holds the agent's own stream, or another incarnation of it, up to `next`. */
function ackLog({ server }: Stage, next: number, incarnation = ""): void {
  server.say("ack", { streams: [{ stream: `${server.session!.caller.id}/log${incarnation}`, next }] });
}

const LIES: { name: string; play(stage: Stage): Promise<void> | void }[] = [
  {
    name: "streams that are not there",
    play: ({ server }) => {
      const streams = ["agent-aaaaaaaaaaaaaaaaaaaaaaaaaa/log", "../../etc/passwd", "__proto__", "constructor", ""];
      server.say("ack", { streams: streams.map((stream) => ({ stream, next: 9 })), conflicts: streams });
    },
  },
  {
    name: "back to the beginning",
    play: async (stage) => {
      stage.bare("refused");
      await stage.honestOrder();
      ackLog(stage, 0);
    },
  },
  { name: "beyond the end: what follows goes on in a stream of its own", play: beyondTheEnd },
  {
    name: "a thousand incarnations ahead",
    play: async (stage) => {
      for (let i = 1; i <= 1000; i++) ackLog(stage, 1_000_000, `~${i}`);
      await stage.honestOrder();
      stage.bare("refused");
    },
  },
  {
    name: "every stream called a conflict, again and again",
    play: async (stage) => {
      const { server } = stage;
      for (let i = 0; i < 100; i++) {
        const streams = new Set([...server.lines.keys()].map((place) => place.split(" ")[0]!));
        server.say("ack", { streams: [], conflicts: [...streams].slice(-500) });
      }
      await stage.honestOrder();
      await reconnect(stage);
    },
  },
  {
    name: "marks in a welcome that are beyond the end",
    play: async (stage) => {
      const { server } = stage;
      server.behave({
        welcome: (honest) => ({
          ...honest,
          streams: honest.streams.map(({ stream }) => ({ stream, next: Number.MAX_SAFE_INTEGER })),
        }),
      });
      await reconnect(stage);
      server.behave({});
    },
  },
  {
    name: "and the agent starts again with all of it",
    play: async (stage) => {
      await stage.killAgent();
      await stage.startAgent();
    },
  },
];

async function beyondTheEnd(stage: Stage): Promise<void> {
  const { server } = stage;
  const log = `${server.session!.caller.id}/log`;
  server.behave({ acks: false });
  const from = server.heard.length;
  for (let i = 0; i < 20; i++) stage.bare("refused");
  await stage.honestOrder();
  const said = server.heard.envelopes.slice(from).filter(({ stream }) => stream === log).map(({ id }) => id);
  assert.equal(said.length, 20);
  ackLog(stage, Number.MAX_SAFE_INTEGER);
  server.behave({});
  await stage.honestOrder();
  // No true acknowledgement came for them, so they came again under the new name.
  const moved = [...server.lines].filter(([place]) => place.startsWith(`${log}~1 `));
  const again = new Set(moved.map(([, line]) => (JSON.parse(line) as { id: string }).id));
  assert.deepEqual(said.filter((id) => !again.has(id)), [], "lost");
}

Deno.test("agent loses nothing to acknowledgements of what it never sent", async (t) => {
  const stage = await Stage.open();
  try {
    for (const { name, play } of LIES) {
      await t.step(name, async () => {
        await play(stage);
        await stage.honestOrder();
        assertGapless(stage.server.lines);
        for (const place of stage.server.lines.keys()) assert.ok(parseStream(place.split(" ")[0]!), place);
      });
    }
  } finally {
    await stage.close();
  }
});

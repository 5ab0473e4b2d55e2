import assert from "node:assert/strict";
import { createDice, createTimeline } from "./clock.ts";
import { createGossipNetwork, type GossipSocket, StreamFault } from "./gossip_network.ts";
import { createTopology } from "./topology.ts";

/** Nodes a, b and c, each at the address of its name with ":1"; b answers a question with the same word twice. */
function world(seed: number) {
  const timeline = createTimeline();
  const topology = createTopology();
  const network = createGossipNetwork<string, string>(timeline, createDice(seed), topology);
  const heard: string[] = [];
  const asked: string[] = [];
  const open = (name: string): GossipSocket<string, string> =>
    network.open(name, `${name}:1`, {
      datagram: (from, bytes) => void heard.push(`${name} hears ${bytes[0]} from ${from}`),
      asked(from, question, answer) {
        asked.push(`${from} asks ${name} ${question}`);
        answer(question + question);
      },
    });
  const [a, b] = [open("a"), open("b")];
  return { timeline, topology, network, heard, asked, a, b, open, settle: () => void drain(timeline) };
}

function drain(timeline: { step(): boolean }): void {
  while (timeline.step());
}

const byte = (value: number): Uint8Array => Uint8Array.of(value);

Deno.test("a datagram arrives once in a calm network, and at nobody where nobody is", () => {
  const { a, heard, network, settle } = world(1);
  a.send("b:1", byte(7));
  a.send("nowhere:1", byte(8));
  settle();
  assert.deepEqual(heard, ["b hears 7 from a:1"]);
  assert.deepEqual(network.traffic, { packets: 2, bytes: 2, lost: 1, streams: 0 });
});

Deno.test("datagrams are lost, doubled and overtaken as often as the mood says", () => {
  const { a, heard, network, settle } = world(1);
  Object.assign(network.mood, { loss: 0.2, duplicate: 0.1, late: 0.05 });
  for (let i = 0; i < 250; i++) a.send("b:1", byte(i));
  settle();
  const numbers = heard.map((line) => Number(line.split(" ")[2]));
  const different = new Set(numbers).size;
  assert.ok(different > 250 * 0.7 && different < 250 * 0.9, `${different} arrived`);
  assert.ok(numbers.length > different, "some came twice");
  assert.ok(numbers.some((one, index) => one < (numbers[index - 1] ?? 0)), "some were overtaken");
});

Deno.test("a one-way cut stops datagrams in its direction only, and streams in both", () => {
  const { a, b, heard, topology, settle } = world(1);
  topology.cut("a", "b");
  const ends: unknown[] = [];
  a.send("b:1", byte(1));
  b.send("a:1", byte(2));
  b.ask("a:1", "q", 500, (found) => ends.push(found instanceof StreamFault ? found.message : found));
  settle();
  assert.deepEqual([heard, ends], [["a hears 2 from b:1"], ["no answer in time"]]);
  topology.mend("a", "b");
  a.send("b:1", byte(3));
  settle();
  assert.equal(heard.at(-1), "b hears 3 from a:1");
});

Deno.test("a partition parts groups until it is healed", () => {
  const { a, open, heard, topology, settle } = world(1);
  open("c");
  topology.part({ a: 1, b: 1 });
  a.send("b:1", byte(1));
  a.send("c:1", byte(2));
  settle();
  topology.heal();
  a.send("c:1", byte(3));
  settle();
  assert.deepEqual(heard, ["b hears 1 from a:1", "c hears 3 from a:1"]);
});

Deno.test("a question is answered exactly once, whatever breaks", () => {
  const seen = new Set<string>();
  let doubled = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const { a, asked, network, settle } = world(seed);
    network.mood.breaking = 0.5;
    const ends: string[] = [];
    a.ask("b:1", "q", 5000, (found) => ends.push(found instanceof StreamFault ? found.message : found));
    settle();
    assert.equal(ends.length, 1);
    seen.add(ends[0]!);
    if (asked.length === 1 && ends[0] !== "qq") doubled++;
  }
  assert.deepEqual([...seen].sort(), ["connection reset", "qq"]);
  assert.ok(doubled > 0, "an answer was lost whose question had arrived");
});

Deno.test("nobody there is refused at once; a socket that closed hears nothing more", () => {
  const { a, b, heard, timeline, settle } = world(1);
  const ends: unknown[] = [];
  const begun = timeline.now();
  a.ask("nowhere:1", "q", 60_000, (found) => ends.push(found));
  settle();
  assert.match(String(ends[0]), /refused/);
  assert.ok(timeline.now() - begun < 1000);
  a.send("b:1", byte(1));
  b.ask("a:1", "q", 1000, () => assert.fail("its process is gone"));
  b.close();
  settle();
  assert.deepEqual(heard, []);
});

import assert from "node:assert/strict";
import { USER_KINDS } from "../user_kinds.ts";
import { Lab, type LabServer, MESSAGE_BYTES_MAX } from "./testing.ts";

function write(lab: Lab, place: number, id: string, value: Record<string, string> | null): void {
  lab.servers[place]!.feed({ type: "write", token: lab.token, kind: "setting", id, value });
  lab.settle();
}

const settingOn = (lab: Lab, place: number, id: string) => lab.servers[place]!.core.catalog.get("setting", id)?.value;

Deno.test("a small write is gossiped whole, a large one as news that the others ask about", () => {
  const lab = new Lab(3, 1);
  write(lab, 0, "small", { text: "a" });
  write(lab, 0, "large", { text: "x".repeat(20_000) });
  for (const place of [1, 2]) {
    assert.deepEqual(settingOn(lab, place, "small"), { text: "a" });
    assert.equal(settingOn(lab, place, "large")?.["text"]?.toString().length, 20_000);
  }
  const told = lab.servers[0]!.heard.filter((effect) => effect.do === "broadcast");
  assert.ok(told.every(({ bytes }) => bytes.length <= MESSAGE_BYTES_MAX));
  assert.ok(told.some(({ bytes }) => bytes[0] === USER_KINDS.news));
  assert.equal(lab.hashes(), 1);
});

Deno.test("a server that was cut off is healed by one comparison, both ways, in as many parts as it takes", () => {
  const lab = new Lab(3, 2);
  lab.servers[2]!.cutOff = true;
  for (let i = 0; i < 40; i++) write(lab, i % 2, `setting-${i}`, { text: "x".repeat(20_000) });
  write(lab, 2, "from-the-island", { text: "b" });
  assert.equal(settingOn(lab, 2, "setting-3"), undefined);
  assert.notEqual(lab.hashes(), 1);
  lab.servers[2]!.cutOff = false;
  lab.compare(6);
  assert.equal(lab.hashes(), 1);
  assert.deepEqual(settingOn(lab, 0, "from-the-island"), { text: "b" });
  const answers = lab.servers.flatMap(({ heard }) =>
    heard.filter((effect) => effect.do === "tell" && effect.bytes[0] === USER_KINDS.have)
  );
  assert.ok(answers.length > 2, "800 kB came in parts");
});

Deno.test("copies become equal whatever is lost, and one that lost its memory is given everything again", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const lab = new Lab(4, seed);
    lab.loss = 0.3;
    for (let i = 0; i < 30; i++) write(lab, i % 4, `setting-${i % 7}`, i % 5 === 0 ? null : { text: `${i}` });
    lab.servers[seed % 4]!.boot();
    lab.settle();
    lab.loss = 0;
    lab.compare(8);
    assert.equal(lab.hashes(), 1, `seed ${seed}`);
  }
});

Deno.test("a fact is answered when it is durable, and healed from the catalog where its message was lost", () => {
  const lab = new Lab(3, 3);
  const [first, , third] = lab.servers;
  third!.cutOff = true;
  first!.feed({ type: "setFact", token: 7, name: "book", value: "gatsby" });
  lab.settle();
  const order = first!.heard.map((effect) => effect.do).filter((what) => what === "factSet" || what === "persist");
  assert.deepEqual(order.slice(-2), ["persist", "factSet"]);
  assert.equal(third!.core.facts.get(first!.name, "book"), undefined);
  third!.cutOff = false;
  lab.compare(6);
  assert.equal(third!.core.facts.get(first!.name, "book")?.value, "gatsby");
  const restarted = lab.servers[2]!;
  restarted.boot();
  lab.settle();
  assert.equal(restarted.core.facts.get(first!.name, "book")?.value, "gatsby", "known again after a restart");
});

Deno.test("a server that reaches nobody stays JOINING and tries again; READY is told to the others", () => {
  const lab = new Lab(2, 4);
  const [first, second] = lab.servers;
  const states = () => first!.heard.flatMap((effect) => effect.do === "state" ? [effect.state] : []);
  first!.heard.length = 0;
  const fresh = new Lab(1, 5).servers[0]!;
  fresh.step({ type: "start", join: [] });
  assert.equal(fresh.core.state, "READY");
  assert.deepEqual(states(), []);
  assert.equal(second!.core.catalog.get("server", first!.name)?.value?.["state"], "READY");
  first!.step({ type: "leave" });
  lab.settle();
  assert.deepEqual(states(), ["DRAINING", "STOPPED"]);
  assert.equal(second!.core.catalog.get("server", first!.name)?.value?.["state"], "DRAINING");
});

Deno.test("what is no message of ours is counted and changes nothing", () => {
  const lab = new Lab(2, 6);
  const [server] = lab.servers;
  const before = server!.core.catalog.hash();
  const junk = [
    [],
    [USER_KINDS.delta],
    [USER_KINDS.have, 0x7b],
    [200, 1, 2],
    [...new TextEncoder().encode(`\x42{"from":"x","body":{"digest":{"__proto__":1}}}`)],
    [...new TextEncoder().encode(`\x40{"from":"","body":{"entries":[],"upTo":{}}}`)],
  ];
  server!.heard.length = 0;
  for (const bytes of junk) server!.step({ type: "message", from: "x", bytes: new Uint8Array(bytes) });
  const counted = server!.heard.filter((effect) => effect.do === "count" && effect.name.startsWith("node.frame."));
  assert.equal(counted.length, junk.length);
  assert.equal(server!.core.catalog.hash(), before);
});

Deno.test("a server looks now and then for one that the catalog knows and membership does not, unless it has left", () => {
  const lab = new Lab(2, 5);
  const [server, other] = lab.servers as [LabServer, LabServer];
  const looks = (known: readonly string[]): unknown[] => {
    server.feed({ type: "servers", names: [], known: new Set(known) });
    server.heard.length = 0;
    server.feed({ type: "timer", name: "node/join" });
    lab.settle();
    return server.heard.flatMap((effect) => effect.do === "join" ? effect.endpoints : []);
  };
  lab.compare();
  assert.deepEqual(looks([server.name, other.name]), []);
  assert.deepEqual(looks([server.name]), [{ address: "10.0.0.2", port: 7946 }]);
  other.feed({ type: "leave" });
  lab.settle();
  assert.deepEqual(looks([server.name]), []);
});

Deno.test("what a server has to tell is told when the disk takes it again, and then the last of it", () => {
  const lab = new Lab(2, 6);
  const [server] = lab.servers as [LabServer, LabServer];
  server.diskFails = true;
  for (const n of [1, 2]) server.feed({ type: "tell", kind: "setting", id: "told", value: { n } });
  lab.settle();
  assert.equal(settingOn(lab, 1, "told"), undefined);
  server.diskFails = false;
  server.feed({ type: "timer", name: "node/tell" });
  lab.settle();
  assert.deepEqual(settingOn(lab, 1, "told"), { n: 2 });
});

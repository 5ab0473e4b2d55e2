import assert from "node:assert/strict";
import dgram from "node:dgram";
import type { Clock } from "../../base/clock.ts";
import { systemClock } from "../../base/clock_system.ts";
import { LIMITS } from "../../base/limits.ts";
import { seededRng } from "../../base/rng.ts";
import { eventually } from "../../tests/support/proc.ts";
import type { SwimSettings } from "./contract.ts";
import { type Gossip, type GossipOptions, startGossip } from "./driver_system.ts";
import type { Endpoint, Message } from "./messages.ts";
import { encodeMessage } from "./packet/message.ts";
import { packPacket, unpackPacket } from "./packet/packet.ts";
import { LOCAL } from "./presets.ts";
import { createSeal, Keyring, type Seal } from "./seal/mod.ts";
import { decodeTags } from "./serf/messages.ts";
import { SERF_VERSIONS } from "./serf/serf.ts";
import type { TappedMessage } from "./tap.ts";

const ADDRESS = "127.0.0.1";
/** Only matters when something is broken. */
const PATIENCE_MS = 120_000;
/** Everybody is told at once, exchanges heal soon what was lost, and nobody is judged, however busy this machine is. */
const CALM: SwimSettings = {
  ...LOCAL,
  gossipNodes: 5,
  retransmitMult: 8,
  pushPullIntervalMs: 500,
  tcpTimeoutMs: 20_000,
  probeTimeoutMs: 900,
  suspicionMult: 100,
};
const NONE = createSeal({ security: "none", listen: ADDRESS });

interface Member extends AsyncDisposable {
  readonly gossip: Gossip;
  /** `change name status`, in order. */
  readonly told: string[];
  readonly heard: { from: Endpoint; text: string }[];
  until(line: string): Promise<void>;
  counted(code: string): Promise<void>;
}

let seed = 1;

async function start(name: string, more: Partial<GossipOptions> = {}): Promise<Member> {
  const told: string[] = [];
  const heard: Member["heard"] = [];
  const gossip = await startGossip({
    name,
    listen: { address: ADDRESS, port: 0 },
    settings: CALM,
    seal: NONE,
    compress: true,
    tags: { is: name },
    incarnation: 1,
    clock: systemClock,
    rng: seededRng(seed++),
    on: {
      member: (change, status, { name }) => void told.push(`${change} ${name} ${status}`),
      message: (from, bytes) => void heard.push({ from, text: new TextDecoder().decode(bytes.subarray(1)) }),
      log: () => {},
    },
    ...more,
  });
  return {
    gossip,
    told,
    heard,
    until: (line) => eventually(`${name}: ${line}`, PATIENCE_MS, () => told.includes(line) || undefined).then(() => {}),
    counted: (code) =>
      eventually(`${name}: ${code}`, PATIENCE_MS, () => gossip.counters().has(code) || undefined).then(() => {}),
    [Symbol.asyncDispose]: () => gossip.close(),
  };
}

const own = (text: string) => new Uint8Array([64, ...new TextEncoder().encode(text)]);

/** A bare socket, for what no member would say. */
class Stranger implements AsyncDisposable {
  readonly messages: Message[] = [];
  readonly #socket = dgram.createSocket("udp4");

  static async start(): Promise<Stranger> {
    const stranger = new Stranger();
    stranger.#socket.on("message", (bytes) => void stranger.messages.push(...unpackPacket(bytes).messages));
    await new Promise<void>((resolve) => stranger.#socket.bind(0, ADDRESS, resolve));
    return stranger;
  }

  send(bytes: Uint8Array, to: Endpoint): Promise<void> {
    return new Promise((resolve) => this.#socket.send(bytes, to.port, to.address, () => resolve()));
  }

  /** Asks until it is answered: a datagram may be lost. */
  async ping(to: Endpoint, node: string, seq: number): Promise<void> {
    await eventually("an ack", PATIENCE_MS, async () => {
      await this.send(encodeMessage({ type: "ping", seq, node }), to);
      return this.messages.some((message) => message.type === "ack" && message.seq === seq) || undefined;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

Deno.test("two members find each other under every seal, with their tags, and one that leaves has left", async () => {
  const rng = seededRng(11);
  const key = rng.bytes(32);
  const seals: ((name: string) => Seal)[] = [
    () => NONE,
    () => createSeal({ security: "aes-gcm", keyring: new Keyring("aes-gcm", [key]), rng }),
    (name) =>
      createSeal({ security: "jws", cluster: "c", name, boot: rng.bytes(8), keyring: new Keyring("jws", [key]), rng }),
  ];
  for (const seal of seals) {
    await using a = await start("a", { seal: seal("a") });
    await using b = await start("b", { seal: seal("b") });
    assert.deepEqual(await b.gossip.join([a.gossip.endpoint]), { reached: 1, errors: [] });
    await a.until("joined b alive");
    await b.until("joined a alive");
    assert.deepEqual(decodeTags(a.gossip.member("b")!.meta), new Map([["is", "b"]]));
    a.gossip.setTags({ is: "a", now: "other" });
    await b.until("updated a alive");
    await b.gossip.leave();
    await b.gossip.close();
    await a.until("left b left");
    assert.equal(a.gossip.status("b"), "left");
    assert.ok(!a.told.includes("failed b failed"));
  }
});

Deno.test("five members that each know one other converge, and each hears what one says", async () => {
  await using stack = new AsyncDisposableStack();
  const members: Member[] = [];
  for (const name of ["a", "b", "c", "d", "e"]) {
    const member = stack.use(await start(name));
    const before = members.at(-1);
    if (before !== undefined) assert.equal((await member.gossip.join([before.gossip.endpoint])).reached, 1);
    members.push(member);
  }
  for (const { gossip } of members) {
    await eventually("five alive", PATIENCE_MS, () => {
      return gossip.members().filter(({ state }) => state === "alive").length === 5 || undefined;
    });
  }
  const [a, b, ...others] = members;
  a!.gossip.tell("b", own("in a datagram"), "packet");
  a!.gossip.tell("b", own("x".repeat(100_000)), "stream");
  await eventually("both", PATIENCE_MS, () => b!.heard.length >= 2 || undefined);
  assert.deepEqual(b!.heard.map(({ text }) => text.slice(0, 13)).sort(), ["in a datagram", "x".repeat(13)]);
  b!.gossip.broadcast(own("to all"));
  for (const { heard } of [a!, ...others]) {
    await eventually("to all", PATIENCE_MS, () => heard.some(({ text }) => text === "to all") || undefined);
  }
});

Deno.test("members that only ever exchange datagrams prove themselves to each other", async () => {
  const rng = seededRng(12);
  const keyring = new Keyring("jws", [rng.bytes(32)]);
  const jws = (name: string) => createSeal({ security: "jws", cluster: "c", name, boot: rng.bytes(8), keyring, rng });
  const settings = { ...CALM, pushPullIntervalMs: 3600_000, tcpFallbackPing: false };
  await using a = await start("a", { seal: jws("a"), settings });
  await using b = await start("b", { seal: jws("b"), settings });
  await using c = await start("c", { seal: jws("c"), settings });
  await a.gossip.join([b.gossip.endpoint]);
  await c.gossip.join([b.gossip.endpoint]);
  await a.until("joined c alive");
  await eventually("hello", PATIENCE_MS, () => {
    a.gossip.tell("c", own("hello"), "packet");
    return c.heard.some(({ text }) => text === "hello") || undefined;
  });
});

Deno.test("a sealed datagram has room where an unsealed one has", async () => {
  const rng = seededRng(13);
  const keyring = new Keyring("jws", [rng.bytes(32)]);
  let largest = 0;
  const jws = (name: string): Seal => {
    const seal = createSeal({ security: "jws", cluster: "c", name, boot: rng.bytes(8), keyring, rng });
    const sealPacket: Seal["sealPacket"] = (plain, to, now) => {
      const bytes = seal.sealPacket(plain, to, now);
      largest = Math.max(largest, bytes.length);
      return bytes;
    };
    return {
      security: "jws",
      sealPacket,
      roomFor: (bytes) => seal.roomFor(bytes),
      openPacket: (bytes, from, now) => seal.openPacket(bytes, from, now),
      dialStream: () => seal.dialStream(),
      acceptStream: () => seal.acceptStream(),
    };
  };
  // Uncompressed, so that what was planned is what is sent.
  await using a = await start("a", { seal: jws("a"), compress: false });
  await using b = await start("b", { seal: jws("b"), compress: false });
  await b.gossip.join([a.gossip.endpoint]);
  for (let i = 0; i < 200; i++) b.gossip.broadcast(own(`${i}`.padEnd(40)));
  await eventually(
    "all of them",
    PATIENCE_MS,
    () => new Set(a.heard.map(({ text }) => text)).size === 200 || undefined,
  );
  assert.ok(largest > CALM.packetBytesMax - 100 && largest <= CALM.packetBytesMax, `the largest had ${largest} bytes`);
});

Deno.test("what a handler asks for waits until the step is done", async () => {
  const order: string[] = [];
  await using a: Member = await start("a", {
    on: {
      member(change, _status, { name }) {
        order.push(`${change} ${name}`);
        a.gossip.tell(name, own("welcome"), "packet");
      },
      message: () => {},
      log: () => {},
    },
  });
  a.gossip.tap(({ direction, user }) => void (direction === "sent" && user?.[0] === 64 && order.push("welcome")));
  const parts = ["x", "y"].map((node) => {
    const endpoint = { address: ADDRESS, port: 1 };
    const meta = new Uint8Array(0);
    return encodeMessage({ type: "alive", incarnation: 1, node, endpoint, meta, versions: SERF_VERSIONS });
  });
  const both = packPacket(parts, { compress: false, checksum: false, bytesMax: 1400 });
  a.gossip.heardPacket(both, { address: ADDRESS, port: 1 });
  assert.deepEqual(order, ["joined x", "joined y", "welcome", "welcome"]);
});

Deno.test("a member that ends without a word has failed, and is alive again when it comes back", async () => {
  const quick = { ...CALM, probeIntervalMs: 200, probeTimeoutMs: 100, suspicionMult: 1 };
  await using a = await start("a", { settings: quick });
  const b = await start("b", { settings: quick });
  await b.gossip.join([a.gossip.endpoint]);
  await a.until("joined b alive");
  const { port } = b.gossip.endpoint;
  await b.gossip.close();
  await eventually("b failed", PATIENCE_MS, () => a.gossip.status("b") === "failed" || undefined);
  await using again = await start("b", { settings: quick, listen: { address: ADDRESS, port } });
  await again.gossip.join([a.gossip.endpoint]);
  await eventually("b alive", PATIENCE_MS, () => a.gossip.status("b") === "alive" || undefined);
});

Deno.test("garbage is counted under what was wrong with it, and harms nothing", async () => {
  await using a = await start("a");
  await using stranger = await Stranger.start();
  const ping = encodeMessage({ type: "ping", seq: 1, node: "a" });
  const packed = packPacket([ping, ping], { compress: true, checksum: true, bytesMax: 1400 });
  const altered = packed.slice();
  altered[altered.length - 1]! ^= 1;
  const compound = packPacket([ping, ping], { compress: false, checksum: false, bytesMax: 1400 });
  const cases: [Uint8Array, string][] = [
    [new Uint8Array(0), "packet.truncated"],
    [new Uint8Array([200, 1, 2]), "packet.unknown_type"],
    [new Uint8Array([0, 0xc1]), "packet.malformed"],
    [ping.subarray(0, ping.length - 3), "packet.truncated"],
    [altered, "packet.crc"],
    [compound.subarray(0, compound.length - 4), "packet.cut"],
    [new Uint8Array([244, 3, 1, 2, 3, ...ping]), "packet.label"],
    [seededRng(2).bytes(60_000).fill(9, 0, 1), "packet.malformed"],
  ];
  for (const [bytes, code] of cases) {
    const before = a.gossip.counters().get(code) ?? 0;
    await eventually(code, PATIENCE_MS, async () => {
      await stranger.send(bytes, a.gossip.endpoint);
      return (a.gossip.counters().get(code) ?? 0) > before || undefined;
    });
  }
  await stranger.ping(a.gossip.endpoint, "a", 77);
});

Deno.test("what is not sealed as it must be is counted and dropped", async () => {
  const seal = createSeal({
    security: "aes-gcm",
    keyring: new Keyring("aes-gcm", [new Uint8Array(32)]),
    rng: seededRng(1),
  });
  await using a = await start("a", { seal });
  await using open = await start("open");
  await using stranger = await Stranger.start();
  await eventually("a refusal", PATIENCE_MS, async () => {
    await stranger.send(encodeMessage({ type: "ping", seq: 1, node: "a" }), a.gossip.endpoint);
    return [...a.gossip.counters().keys()].some((name) => name.startsWith("packet.seal.")) || undefined;
  });
  const { reached, errors } = await open.gossip.join([a.gossip.endpoint]);
  assert.equal(reached, 0);
  assert.equal(errors.length, 1);
  assert.deepEqual(a.gossip.members().map(({ name }) => name), ["a"]);
});

Deno.test("a flood of datagrams is worked off or dropped by the system, and the member still answers", async () => {
  await using a = await start("a");
  await using stranger = await Stranger.start();
  const junk = new Uint8Array(1000).fill(200);
  for (let burst = 0; burst < 50; burst++) {
    await Promise.all(Array.from({ length: 100 }, () => stranger.send(junk, a.gossip.endpoint)));
  }
  await stranger.ping(a.gossip.endpoint, "a", 5);
  const dropped = a.gossip.counters().get("packet.unknown_type")!;
  assert.ok(dropped > 0 && dropped <= 5000, `${dropped} of 5000 were counted`);
});

Deno.test("datagrams that wait to be sent are bounded", async () => {
  await using a = await start("a");
  await using b = await start("b");
  await b.gossip.join([a.gossip.endpoint]);
  await a.until("joined b alive");
  // All in one turn of the loop: none of them can be sent before the last is asked for.
  for (let i = 0; i < LIMITS.gossipSendsMax + 100; i++) a.gossip.tell("b", own("again"), "packet");
  const lost = a.gossip.counters().get("udp.busy") ?? 0;
  assert.ok(lost >= 90 && lost <= 110, `${lost} were lost`);
  await b.gossip.leave();
});

Deno.test("an onlooker sees each message, sent and received, until it looks away", async () => {
  await using a = await start("a");
  await using b = await start("b");
  const seen: TappedMessage[] = [];
  const stop = a.gossip.tap((message) => void seen.push(message));
  const saw = (direction: string, type: string, peer: string) =>
    eventually(`${direction} ${type}`, PATIENCE_MS, () => {
      return seen.find((one) => one.direction === direction && one.type === type && one.peer === peer);
    });
  await b.gossip.join([a.gossip.endpoint]);
  const asked = await saw("received", "pushPull", seen.find(({ type }) => type === "pushPull")!.peer);
  assert.match(asked.summary, /^join, 1 members, /);
  assert.ok(asked.bytes > 50);
  await saw("sent", "pushPull", asked.peer);
  await saw("sent", "ping", "b");
  const ack = await saw("received", "ack", "b");
  assert.match(ack.summary, /^\d+$/);
  assert.equal((await saw("received", "serf.join", "b")).summary, "b at time 1");
  b.gossip.tell("a", own("fact of the day"), "packet");
  const user = await eventually("the user message", PATIENCE_MS, () => seen.find(({ user }) => user?.[0] === 64));
  assert.deepEqual([user.direction, user.peer, user.type, user.bytes], ["received", "b", "delta", 17]);
  stop();
  const last = seen.length;
  b.gossip.tell("a", own("one more"), "packet");
  await eventually("one more", PATIENCE_MS, () => a.heard.some(({ text }) => text === "one more") || undefined);
  assert.equal(seen.length, last);
});

Deno.test("one port serves both UDP and TCP, and one that is taken is told", async () => {
  await using a = await start("a");
  assert.deepEqual(a.gossip.listening, a.gossip.endpoint);
  await using stranger = await Stranger.start();
  await stranger.ping(a.gossip.endpoint, "a", 3);
  await using b = await start("b");
  assert.equal((await b.gossip.join([a.gossip.endpoint])).reached, 1);
  await assert.rejects(start("c", { listen: a.gossip.endpoint }), { code: "net.port_in_use" });
  await assert.rejects(start("c", { listen: { address: "203.0.113.7", port: 0 } }), /AddrNotAvailable|EADDRNOTAVAIL/);
  await assert.rejects(start("c", { advertise: { address: "a.example", port: 1 } }), { code: "input.invalid" });
  await assert.rejects(start("c", { tags: { long: "x".repeat(600) } }), { code: "input.too_large" });
});

Deno.test("what is advertised is what others are told", async () => {
  await using a = await start("a", { advertise: { address: "127.0.0.1", port: 0 } });
  assert.equal(a.gossip.endpoint.port, a.gossip.listening.port);
  await using b = await start("b", { advertise: { address: "192.0.2.4", port: 7946 } });
  await b.gossip.join([a.gossip.endpoint]);
  await a.until("joined b alive");
  assert.deepEqual(a.gossip.member("b")!.endpoint, { address: "192.0.2.4", port: 7946 });
});

Deno.test("a member whose loop stood still doubts itself", async () => {
  let jump = 0;
  const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + jump };
  await using a = await start("a", { clock });
  await using b = await start("b");
  await b.gossip.join([a.gossip.endpoint]);
  await a.until("joined b alive");
  await eventually("health", PATIENCE_MS, () => a.gossip.health() === 0 || undefined);
  jump = 5000;
  await eventually("its own score goes up", PATIENCE_MS, () => a.gossip.health() > 0 || undefined);
  assert.ok(!a.told.some((line) => line.startsWith("failed")));
});

Deno.test("closing ends everything that is under way, and nothing begins any more", async () => {
  // A listener that takes connections and says nothing.
  const mute = Deno.listen({ hostname: ADDRESS, port: 0 });
  const a = await start("a");
  const joining = a.gossip.join([{ address: ADDRESS, port: mute.addr.port }]);
  const conn = await mute.accept();
  const leaving = a.gossip.leave();
  await a.gossip.close();
  assert.equal((await joining).reached, 0);
  await leaving;
  await a.gossip.close();
  assert.equal((await a.gossip.join([{ address: ADDRESS, port: 1 }])).reached, 0);
  a.gossip.broadcast(own("too late"));
  conn.close();
  mute.close();
});

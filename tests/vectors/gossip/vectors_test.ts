import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Message, PushNode, StreamMessage, Versions } from "../../../cluster/swim/messages.ts";
import { compressLzw, decompressLzw } from "../../../cluster/swim/packet/lzw.ts";
import { decodeMessage, encodeMessage } from "../../../cluster/swim/packet/message.ts";
import { packPacket, unpackPacket } from "../../../cluster/swim/packet/packet.ts";
import { encodeStream, StreamReader } from "../../../cluster/swim/packet/stream.ts";
import {
  decodeSerfMessage,
  decodeTags,
  encodeSerfMessage,
  encodeTags,
  type SerfMessage,
} from "../../../cluster/swim/serf/messages.ts";
import { lzwVectors, noise, vector, vectors } from "./read.ts";

const NONE = new Uint8Array(0);
const VSN: Versions = [1, 5, 2, 2, 5, 4];
const IP6 = "fd00::1:0:0:2";
const utf8 = (text: string) => new TextEncoder().encode(text);
const source = { address: "127.0.0.1", port: 7946 };
const alive = (
  address: string,
  more: Partial<Message & { type: "alive" }> & { port?: number } = {},
): Message => {
  const { port = 7946, ...rest } = more;
  const endpoint = { address, port };
  return { type: "alive", incarnation: 1, node: "beta", endpoint, meta: NONE, versions: VSN, ...rest };
};

const MESSAGES: Readonly<Record<string, Message>> = {
  ping: { type: "ping", seq: 1, node: "beta" },
  "ping.sourced": { type: "ping", seq: 300, node: "beta", source, sourceNode: "alpha" },
  "ping.ipv6": { type: "ping", seq: 70000, node: "", source: { address: IP6, port: 65535 } },
  indirectPing: {
    type: "indirectPing",
    seq: 127,
    target: { address: "10.0.0.3", port: 7946 },
    node: "gamma",
    nack: false,
  },
  "indirectPing.sourced": {
    type: "indirectPing",
    seq: 128,
    target: { address: IP6, port: 255 },
    node: "gamma",
    nack: true,
    source: { address: "127.0.0.1", port: 256 },
    sourceNode: "alpha",
  },
  ack: { type: "ack", seq: 255, payload: NONE },
  "ack.payload": { type: "ack", seq: 256, payload: Uint8Array.of(0, 255, 128, 10) },
  nack: { type: "nack", seq: 4294967295 },
  suspect: { type: "suspect", incarnation: 65535, node: "beta", from: "alpha" },
  alive: alive("192.168.7.1", { incarnation: 65536, meta: utf8("hello") }),
  "alive.bare": alive("192.168.7.1", { incarnation: 0, port: 80 }),
  "alive.mapped": alive("::ffff:10.1.2.3"),
  "alive.ipv6": alive("::1"),
  "alive.long": alive(IP6, { node: "nöde-".repeat(10), meta: noise(1, 300, 256) }),
  "alive.31": alive(IP6, { node: "x".repeat(31), meta: noise(2, 32, 256) }),
  dead: { type: "dead", incarnation: 3, node: "beta", from: "beta" },
  user: { type: "user", bytes: noise(3, 20, 256) },
};

const PARTS: readonly Message[] = [
  { type: "ping", seq: 9, node: "beta", source, sourceNode: "alpha" },
  { type: "suspect", incarnation: 2, node: "gamma", from: "alpha" },
  { type: "suspect", incarnation: 4, node: "delta", from: "alpha" },
  { type: "user", bytes: utf8("gossip ".repeat(20)) },
];

/** What is packed, and how. */
const PACKETS: Readonly<Record<string, { parts: readonly Message[]; compress: boolean; checksum: boolean }>> = {
  "packet.compound": { parts: PARTS, compress: false, checksum: false },
  "packet.plain": { parts: PARTS.slice(0, 1), compress: false, checksum: false },
  "packet.crc": { parts: PARTS.slice(0, 1), compress: false, checksum: true },
  "packet.compressed": { parts: PARTS, compress: true, checksum: false },
  "packet.compressed.crc": { parts: PARTS, compress: true, checksum: true },
  "packet.incompressible.crc": { parts: PARTS.slice(1, 2), compress: true, checksum: true },
};

const node = (name: string, address: string, more: Partial<PushNode> & { port?: number } = {}): PushNode => {
  const { port = 7946, ...rest } = more;
  const endpoint = { address, port };
  return { name, endpoint, meta: NONE, incarnation: 1, state: "alive", versions: [1, 5, 2, 0, 0, 0], ...rest };
};
const NODES: readonly PushNode[] = [
  node("alpha", "10.0.0.1", { meta: Uint8Array.of(255, 129, 161, 97, 161, 98), versions: VSN }),
  node("beta", "::ffff:10.0.0.2", { incarnation: 70000, state: "suspect" }),
  node("gamma", "fd00::3", { port: 1, incarnation: 3, state: "dead" }),
  node("delta", "10.0.0.4", { incarnation: 4, state: "left" }),
];
const STREAMS: Readonly<Record<string, StreamMessage>> = {
  "stream.pushPull": {
    type: "pushPull",
    state: { join: false, nodes: NODES, user: utf8("state of the delegate") },
  },
  "stream.pushPull.join": { type: "pushPull", state: { join: true, nodes: NODES.slice(0, 1), user: NONE } },
  "stream.pushPull.compressed": { type: "pushPull", state: { join: true, nodes: NODES, user: noise(5, 300, 4) } },
  "stream.ping": { type: "ping", seq: 11, node: "beta", source, sourceNode: "alpha" },
  "stream.ack": { type: "ack", seq: 11, payload: NONE },
  "stream.error": { type: "error", text: "Remote state is encrypted and encryption is not configured" },
  "stream.user.compressed=false": { type: "user", bytes: utf8("abc".repeat(50)) },
  "stream.user.compressed=true": { type: "user", bytes: utf8("abc".repeat(50)) },
};

Deno.test("every message of memberlist is read, and written as the same bytes", () => {
  for (const [name, message] of Object.entries(MESSAGES)) {
    assert.deepEqual(decodeMessage(vector(name)), message, name);
    assert.deepEqual(encodeMessage(message), vector(name), name);
  }
});

Deno.test("every packet of memberlist is unpacked, and packed as the same bytes", () => {
  for (const [name, { parts, ...how }] of Object.entries(PACKETS)) {
    assert.deepEqual(unpackPacket(vector(name)), { messages: parts, cut: 0, faults: [] }, name);
    assert.deepEqual(packPacket(parts.map(encodeMessage), { ...how, bytesMax: 1400 }), vector(name), name);
  }
});

Deno.test("a compound that was cut off gives its whole messages and the number of the others", () => {
  assert.deepEqual(unpackPacket(vector("packet.cut")), { messages: PARTS.slice(0, 2), cut: 2, faults: [] });
});

Deno.test("every stream of memberlist is read, whole and byte by byte, and written as the same bytes", () => {
  for (const [name, message] of Object.entries(STREAMS)) {
    const bytes = vector(name);
    assert.deepEqual(new StreamReader().feed(bytes), message, name);
    const reader = new StreamReader();
    for (const byte of bytes.subarray(0, -1)) assert.equal(reader.feed(Uint8Array.of(byte)), undefined, name);
    assert.deepEqual(reader.feed(bytes.subarray(-1)), message, name);
    const compress = /compressed$|compressed=true/.test(name);
    assert.deepEqual(encodeStream(message, { compress }), bytes, name);
  }
});

Deno.test("no vector of memberlist is left out", () => {
  const tested = [MESSAGES, PACKETS, STREAMS].flatMap((table) => Object.keys(table));
  assert.deepEqual([...tested, "packet.cut"].sort(), vectors("memberlist").map(({ name }) => name).sort());
});

Deno.test("compressed bytes are those of Go, and come back", () => {
  for (const { letters, length, outLength, outSha256 } of lzwVectors()) {
    const plain = noise(letters, length, letters);
    const packed = compressLzw(plain);
    const which = `${length} bytes of ${letters} letters`;
    assert.equal(packed.length, outLength, which);
    assert.equal(createHash("sha256").update(packed).digest("hex"), outSha256, which);
    assert.deepEqual(decompressLzw(packed, length), plain, which);
  }
});

Deno.test("what a stock serf agent said on joining, on events, a query and its leave is read", () => {
  const said = vectors("serf").filter(({ name }) => name !== "serf.meta");
  const events = [
    { ltime: 1, events: [{ name: "deploy", payload: utf8("version 7") }] },
    { ltime: 2, events: [{ name: "single", payload: NONE }] },
  ];
  const state = { type: "pushPull", leftMembers: [], events: [], queryLTime: 1 } as const;
  const expected: SerfMessage[] = [
    { ...state, ltime: 1, statusLTimes: new Map([["stock", 0]]), eventLTime: 1 },
    { type: "join", ltime: 1, node: "stock" },
    { ...state, ltime: 2, statusLTimes: new Map([["stock", 1], ["oracle", 0]]), eventLTime: 3, events },
    { type: "userEvent", ltime: 2, name: "single", payload: NONE, coalesce: false },
    { type: "userEvent", ltime: 1, name: "deploy", payload: utf8("version 7"), coalesce: true },
    { type: "query", ltime: 1, id: 1781050963, flags: 1 },
    { type: "leave", ltime: 2, node: "stock", prune: false },
  ];
  assert.deepEqual(said.map(({ bytes }) => decodeSerfMessage(bytes)), expected);
  for (const [i, message] of expected.entries()) {
    // A state of serf has a nil for every time without events.
    if (message.type === "pushPull" || message.type === "query" || message.type === "ignored") continue;
    assert.deepEqual(encodeSerfMessage(message), said[i]?.bytes, message.type);
  }
});

Deno.test("the tags of a stock serf agent are read, and written as the same bytes", () => {
  const meta = vectors("serf").find(({ name }) => name === "serf.meta")?.bytes ?? NONE;
  const tags = new Map([["role", "web"], ["dc", "north"]]);
  assert.deepEqual(decodeTags(meta), tags);
  assert.deepEqual(encodeTags(tags), meta);
});

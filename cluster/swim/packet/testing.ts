/** For tests of packets: every kind of message, drawn by fast-check, and faults as their codes. */
import fc from "fast-check";
import { type Message, type PushNode, type StreamMessage, WIRE_STATES } from "../messages.ts";
import { PacketFault, type PacketFaultCode } from "./fault.ts";

/** The code of the fault that is thrown; fails when there is none, or anything else. */
export function faultOf(act: () => unknown): PacketFaultCode {
  try {
    act();
  } catch (cause) {
    if (cause instanceof PacketFault) return cause.code;
    throw cause;
  }
  throw new Error("nothing was thrown");
}

/** Objects like those that code writes. */
const PLAIN = { noNullPrototype: true } as const;
const u32 = fc.nat(0xffff_ffff);
const anyName = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: "binary", maxLength: 40 }));
const someName = anyName.filter((name) => name !== "");
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const port = fc.integer({ min: 1, max: 0xffff });
const group = fc.nat(0xffff).map((n) => n.toString(16));
/** Addresses in their one spelling: that is how they are read back. */
const address = fc.oneof(
  fc.ipV4(),
  fc.ipV4().map((v4) => `::ffff:${v4}`),
  fc.array(fc.nat(0xffff).map((n) => (n + 1) % 0x1_0000 || 1).map((n) => n.toString(16)), {
    minLength: 8,
    maxLength: 8,
  }).map((groups) => groups.join(":")),
  group.filter((one) => one !== "0").map((one) => `fd00::${one}`),
);
const endpoint = fc.record({ address, port }, PLAIN);
const source = { source: endpoint, sourceNode: someName };
const versions = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
const ping = fc.record({ type: fc.constant("ping" as const), seq: u32, node: anyName, ...source }, {
  ...PLAIN,
  requiredKeys: ["type", "seq", "node"],
});
const ack = fc.record({ type: fc.constant("ack" as const), seq: u32, payload: bytes(80) }, PLAIN);
const user = fc.record({ type: fc.constant("user" as const), bytes: bytes(300) }, PLAIN);

export const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  ping,
  ack,
  user,
  fc.record({
    type: fc.constant("indirectPing" as const),
    seq: u32,
    target: endpoint,
    node: anyName,
    nack: fc.boolean(),
    ...source,
  }, { ...PLAIN, requiredKeys: ["type", "seq", "target", "node", "nack"] }),
  fc.record({ type: fc.constant("nack" as const), seq: u32 }, PLAIN),
  fc.record({
    type: fc.constantFrom("suspect" as const, "dead" as const),
    incarnation: u32,
    node: someName,
    from: anyName,
  }, PLAIN),
  fc.record({
    type: fc.constant("alive" as const),
    incarnation: u32,
    node: someName,
    endpoint,
    meta: bytes(512),
    versions,
  }, PLAIN),
);

const node: fc.Arbitrary<PushNode> = fc.record({
  name: someName,
  endpoint,
  meta: bytes(512),
  incarnation: u32,
  state: fc.constantFrom(...WIRE_STATES),
  versions,
}, PLAIN);
export const anyStreamMessage: fc.Arbitrary<StreamMessage> = fc.oneof(
  ping,
  ack,
  user,
  fc.record({ type: fc.constant("error" as const), text: fc.string({ maxLength: 100 }) }, PLAIN),
  fc.record({
    type: fc.constant("pushPull" as const),
    state: fc.record({ join: fc.boolean(), nodes: fc.array(node, { maxLength: 6 }), user: bytes(300) }, PLAIN),
  }, PLAIN),
);

/** Bytes with a few changed, cut off, put in or said twice. */
export function mutated(whole: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const change = fc.record({ what: fc.nat(3), at: fc.nat(), byte: fc.nat(255) }, PLAIN);
  return fc.tuple(whole, fc.array(change, { minLength: 1, maxLength: 6 })).map(([start, changes]) => {
    let out = [...start];
    for (const { what, at, byte } of changes) {
      const place = at % (out.length + 1);
      if (what === 0) out[Math.min(place, Math.max(0, out.length - 1))] = byte;
      else if (what === 1) out = out.slice(0, place);
      else if (what === 2) out.splice(place, 0, byte);
      else out.splice(place, 0, ...out.slice(place, place + byte));
    }
    return Uint8Array.from(out);
  });
}

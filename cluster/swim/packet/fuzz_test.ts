import assert from "node:assert/strict";
import fc from "fast-check";
import { LIMITS } from "../../../base/limits.ts";
import { vectors } from "../../../tests/vectors/gossip/read.ts";
import type { StreamMessage } from "../messages.ts";
import { decodeSerfMessage, decodeTags } from "../serf/messages.ts";
import { PacketFault } from "./fault.ts";
import { decodeMessage, encodeMessage } from "./message.ts";
import { packPacket, unpackPacket } from "./packet.ts";
import { encodeStream, StreamReader } from "./stream.ts";
import { anyMessage, anyStreamMessage, mutated } from "./testing.ts";

const RUNS = { seed: 41, numRuns: 400 };
const MANY_RUNS = { seed: 42, numRuns: 2000 };
const wrapping = fc.record({
  compress: fc.boolean(),
  checksum: fc.boolean(),
  label: fc.constantFrom("", "blue", "größer"),
});

/** Feeds the bytes in pieces that end at these places. */
function feedInPieces(reader: StreamReader, bytes: Uint8Array, places: readonly number[]): StreamMessage | undefined {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  let at = 0;
  for (const end of ends) {
    const message = reader.feed(bytes.subarray(at, end));
    if (message !== undefined) return message;
    at = end;
  }
  return undefined;
}

/** Runs it; a PacketFault is as good as an answer, anything else fails. */
function orFault(act: () => void): void {
  try {
    act();
  } catch (cause) {
    if (!(cause instanceof PacketFault)) throw cause;
  }
}

Deno.test("any message comes back from its bytes, and from any wrapping with others", () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { minLength: 1, maxLength: 12 }), wrapping, (messages, how) => {
      const parts = messages.map(encodeMessage);
      assert.deepEqual(parts.map(decodeMessage), messages);
      const packet = packPacket(parts, { ...how, bytesMax: LIMITS.gossipPlainBytesMax });
      assert.deepEqual(unpackPacket(packet, how), { messages, cut: 0, faults: [] });
    }),
    RUNS,
  );
});

Deno.test("any message comes back from a stream, in whatever pieces it comes", () => {
  fc.assert(
    fc.property(anyStreamMessage, wrapping, fc.array(fc.nat(), { maxLength: 6 }), (message, how, places) => {
      const bytes = encodeStream(message, how);
      assert.deepEqual(feedInPieces(new StreamReader(how), bytes, places), message);
    }),
    RUNS,
  );
});

const real = fc.constantFrom(...vectors("memberlist"), ...vectors("serf")).map(({ bytes }) => bytes);
const hostile = fc.oneof(
  mutated(real),
  mutated(
    fc.tuple(fc.array(anyMessage, { minLength: 1, maxLength: 5 }), wrapping).map(([messages, how]) =>
      packPacket(messages.map(encodeMessage), { ...how, bytesMax: 1e6 })
    ),
  ),
  fc.uint8Array({ maxLength: 200 }),
  fc.tuple(fc.constantFrom(...Array(14).keys(), 244), fc.uint8Array({ maxLength: 100 }))
    .map(([type, bytes]) => Uint8Array.from([type, ...bytes])),
);

Deno.test("no bytes at all make unpacking throw, and what it gives is bounded and can be said again", () => {
  fc.assert(
    fc.property(hostile, (bytes) => {
      const { messages, cut, faults } = unpackPacket(bytes);
      assert.ok(messages.length <= LIMITS.gossipPartsMax);
      assert.ok(cut >= 0);
      assert.ok(faults.every((fault) => fault instanceof PacketFault));
      for (const message of messages) assert.deepEqual(decodeMessage(encodeMessage(message)), message);
    }),
    MANY_RUNS,
  );
});

Deno.test("no bytes at all make a stream's reader throw anything but a fault, and pieces change nothing", () => {
  fc.assert(
    fc.property(hostile, fc.array(fc.nat(), { maxLength: 4 }), (bytes, places) => {
      const read = (pieces: readonly number[]) => {
        let read: StreamMessage | string | undefined;
        try {
          read = feedInPieces(new StreamReader(), bytes, pieces);
        } catch (cause) {
          if (!(cause instanceof PacketFault)) throw cause;
          read = cause.code;
        }
        return read;
      };
      assert.deepEqual(read(places), read([]));
    }),
    MANY_RUNS,
  );
});

Deno.test("no bytes at all make the decoders of one message or of serf's throw anything but a fault", () => {
  fc.assert(
    fc.property(hostile, (bytes) => {
      orFault(() => decodeMessage(bytes));
      decodeSerfMessage(bytes);
      decodeTags(bytes);
      decodeTags(Uint8Array.from([0xff, ...bytes]));
    }),
    MANY_RUNS,
  );
});

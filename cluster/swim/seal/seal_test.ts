import assert from "node:assert/strict";
import fc from "fast-check";
import { JabberError } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import { seededRng } from "../../../base/rng.ts";
import { createSeal, Keyring, type Seal, SECURITIES, type Security } from "./mod.ts";
import { acquaint, joined, KEY, OTHER_KEY, start, talk, type TestMember, text } from "./testing.ts";

const AT = { address: "127.0.0.1", port: 7946 };
const RNG = seededRng(7);

/** Two members that know each other. */
function pairOf(security: Security): [Seal, Seal] {
  if (security === "none") {
    return [createSeal({ security, listen: "127.0.0.1" }), createSeal({ security, listen: "::1" })];
  }
  if (security === "aes-gcm") {
    const make = () => createSeal({ security, keyring: new Keyring(security, [KEY]), rng: RNG });
    return [make(), make()];
  }
  const [a, b] = [start("a1"), start("b2")];
  acquaint(a, b);
  return [a.seal, b.seal];
}

for (const security of SECURITIES) {
  Deno.test(`${security}: roomFor() is exactly what fits`, () => {
    const [a] = pairOf(security);
    for (let size = 300; size < 340; size++) {
      const room = a.roomFor(size);
      assert.ok(a.sealPacket(new Uint8Array(room), AT, 0).length <= size);
      assert.ok(a.sealPacket(new Uint8Array(room + 1), AT, 0).length > size);
    }
    const most = a.roomFor(LIMITS.sealDatagramBytesMax);
    assert.throws(() => a.sealPacket(new Uint8Array(most + 1), AT, 0), RangeError);
  });

  Deno.test(`${security}: packets and streams give back what was sealed`, () => {
    const [a, b] = pairOf(security);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1500 }), (bytes) => {
        assert.deepEqual(b.openPacket(a.sealPacket(bytes, AT, 0), AT, 0).plain, bytes);
      }),
      { seed: 5, numRuns: 100 },
    );
    const [dialer, acceptor] = [a.dialStream(), b.acceptStream()];
    if (security === "none") {
      return assert.deepEqual(acceptor.feed(dialer.write(text("q")).send[0]!).plain, [text("q")]);
    }
    const said = talk(dialer, acceptor, text("question"), text("answer"));
    assert.deepEqual([said.question, said.answer, said.whole], [text("question"), text("answer"), true]);
  });

  Deno.test(`${security}: a stream carries one message each way, and not too much`, () => {
    const [a, b] = pairOf(security);
    const dialer = a.dialStream();
    dialer.write(text("q"));
    assert.throws(() => dialer.write(text("q")), /one message/);
    if (security === "none") {
      const reader = b.acceptStream();
      assert.equal(reader.feed(new Uint8Array(LIMITS.sealStreamBytesMax)).refused, undefined);
      assert.equal(reader.feed(new Uint8Array(1)).refused, "too_big");
    } else assert.throws(() => a.dialStream().write(new Uint8Array(LIMITS.sealStreamBytesMax + 1)), RangeError);
  });
}

for (const security of ["jws", "aes-gcm"] as const) {
  Deno.test(`${security}: random, altered and cut packets never throw and are never opened`, () => {
    const [a, b] = pairOf(security);
    const never = (bytes: Uint8Array) => {
      const { plain, refused } = b.openPacket(bytes, AT, 0);
      assert.ok(plain === undefined && refused !== undefined);
    };
    const start = fc.constantFrom(
      new Uint8Array(),
      a.sealPacket(text("x"), AT, 0).slice(0, 25),
      new Uint8Array([0]),
      new Uint8Array([1]),
    );
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, rest) => never(joined([head, rest]))),
      { seed: 6, numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(), fc.integer({ min: 1, max: 255 }), (plain, place, by) => {
        const packet = a.sealPacket(plain, AT, 0);
        const at = place % packet.length;
        never(packet.map((byte, i) => i === at ? byte ^ by : byte));
        never(packet.subarray(0, at));
        never(packet.subarray(at + 1));
      }),
      { seed: 7, numRuns: 1000 },
    );
  });

  Deno.test(`${security}: random bytes on a stream never throw, are never read and never ended`, () => {
    const [a, b] = pairOf(security);
    const open = a.dialStream().write(text("q")).send;
    const heads = fc.constantFrom(
      new Uint8Array(),
      joined(open).slice(0, 30),
      new Uint8Array([0, 60]),
      new Uint8Array([10, 0, 0, 0, 40]),
    );
    fc.assert(
      fc.property(heads, fc.array(fc.uint8Array({ maxLength: 90 }), { maxLength: 6 }), (head, chunks) => {
        const streams = [b.acceptStream(), a.dialStream()];
        streams[1]!.write(text("q"));
        for (const stream of streams) {
          for (const chunk of [head, ...chunks]) {
            const { plain, ended } = stream.feed(chunk);
            assert.deepEqual([plain, ended], [[], false]);
          }
        }
      }),
      { seed: 8, numRuns: 500 },
    );
  });
}

Deno.test("aes-gcm: a block that says it is too long or too short is refused before it comes", () => {
  const [, b] = pairOf("aes-gcm");
  const head = (length: number) => {
    const bytes = new Uint8Array(5);
    bytes[0] = 10;
    new DataView(bytes.buffer).setUint32(1, length);
    return bytes;
  };
  assert.equal(b.acceptStream().feed(head(LIMITS.sealStreamBytesMax + 1)).refused, "too_big");
  assert.equal(b.acceptStream().feed(head(0)).refused, "malformed");
  assert.equal(b.acceptStream().feed(text("8")).refused, undefined);
  assert.equal(b.acceptStream().feed(text("plain")).refused, "malformed");
});

Deno.test("aes-gcm: nothing may follow the block", () => {
  const [a, b] = pairOf("aes-gcm");
  const block = joined(a.dialStream().write(text("q")).send);
  assert.equal(b.acceptStream().feed(joined([block, text("x")])).refused, "out_of_turn");
  const stream = b.acceptStream();
  assert.equal(stream.feed(block).ended, true);
  assert.equal(stream.feed(text("x")).refused, "out_of_turn");
});

Deno.test("none is made on loopback only", () => {
  for (const listen of ["127.0.0.1", "127.8.9.1", "::1"]) createSeal({ security: "none", listen });
  for (const listen of ["0.0.0.0", "::", "10.0.0.1", "192.168.1.1", "fe80::1", ""]) {
    assert.throws(() => createSeal({ security: "none", listen }), (cause) => {
      return cause instanceof JabberError && cause.code === "input.invalid";
    }, listen);
  }
});

Deno.test("a seal is made only with a keyring of its security", () => {
  const keyring = new Keyring("aes-gcm", [KEY]);
  const options = { security: "jws", cluster: "c", name: "a", boot: new Uint8Array(8), keyring, rng: RNG } as const;
  assert.throws(
    () => createSeal(options),
    (cause) => cause instanceof JabberError && cause.code === "gossip.key_invalid",
  );
  const fits = { ...options, keyring: new Keyring("jws", [KEY]) };
  assert.throws(() => createSeal({ ...fits, name: "" }), RangeError);
  assert.throws(() => createSeal({ ...fits, name: "x".repeat(LIMITS.sealNameBytesMax + 1) }), RangeError);
  assert.throws(() => createSeal({ ...fits, boot: new Uint8Array(7) }), RangeError);
});

Deno.test("no packet is lost in a rotation, in whatever order members add, use and remove keys", () => {
  // Each phase begins when the one before is done everywhere; within it members change and speak in any order.
  const turn = fc.record({ who: fc.nat(2), to: fc.nat(2), change: fc.boolean() });
  const phases = fc.array(fc.array(turn, { maxLength: 12 }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(phases, (turns) => {
      const members = [start("a1"), start("b2"), start("c3")];
      for (const a of members) for (const b of members) if (a !== b) acquaint(a, b);
      const newId = new Keyring("jws", [OTHER_KEY]).primary.id;
      const oldId = new Keyring("jws", [KEY]).primary.id;
      const changes: ((member: TestMember) => void)[] = [
        ({ keyring }) => keyring.add(OTHER_KEY),
        ({ keyring }) => keyring.use(newId),
        ({ keyring }) => keyring.remove(oldId),
      ];
      changes.forEach((change, phase) => {
        const done = new Set<TestMember>();
        for (const { who, to, change: now } of turns[phase]!) {
          const [sender, receiver] = [members[who]!, members[to]!];
          if (now && !done.has(sender)) done.add(sender) && change(sender);
          if (sender === receiver) continue;
          const packet = sender.seal.sealPacket(text("x"), receiver.at, 0);
          assert.deepEqual(receiver.seal.openPacket(packet, sender.at, 0).plain, text("x"));
          const said = talk(sender.seal.dialStream(), receiver.seal.acceptStream(), text("q"), text("a"));
          assert.equal(said.whole, true);
        }
        for (const member of members) if (!done.has(member)) change(member);
      });
      assert.ok(members.every(({ keyring }) => keyring.keys.length === 1 && keyring.primary.id === newId));
    }),
    { seed: 9, numRuns: 40 },
  );
});

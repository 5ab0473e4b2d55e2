import assert from "node:assert/strict";
import fc from "fast-check";
import { LIMITS } from "../../base/limits.ts";
import { USER_KINDS } from "../user_kinds.ts";
import type { Fact } from "./contract.ts";
import { checkFact, decodeFact, encodeFact, factSummary, readFact } from "./message.ts";

const FACT: Fact = {
  origin: "jimmy",
  by: "tod",
  name: "book",
  value: "gatsby",
  version: 3,
  uuid: "01KAFM0000000000000000000A",
  address: "196.18.1.0",
  port: 80,
};

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes.subarray(1));

/** A message whose JSON was changed on its way. */
function changed(change: (message: Record<string, unknown>) => unknown): Uint8Array {
  const message = JSON.parse(textOf(encodeFact({ fact: FACT, ttl: 4 })));
  const text = JSON.stringify(change(message) ?? message);
  return new Uint8Array([USER_KINDS.fact, ...new TextEncoder().encode(text)]);
}

Deno.test("a message is its type's byte and the JSON that the exercise shows", () => {
  const bytes = encodeFact({ fact: FACT, ttl: 4 });
  assert.equal(bytes[0], 65);
  assert.equal(
    textOf(bytes),
    '{"uuid":"01KAFM0000000000000000000A","origin":"jimmy","by":"tod","address":"196.18.1.0","port":80,"version":3,' +
      '"ttl":4,"payload":{"name":"book","value":"gatsby"}}',
  );
  assert.ok(!textOf(encodeFact({ fact: { ...FACT, by: "jimmy" }, ttl: 4 })).includes('"by"'));
  assert.equal(factSummary({ fact: FACT, ttl: 4 }), "jimmy (by tod): book=gatsby version 3 ttl 4");
});

Deno.test("every fact that may be set comes back as it was, and fits a message", () => {
  const value = fc.string({ unit: "binary", maxLength: 500 });
  fc.assert(
    fc.property(
      value,
      fc.stringMatching(/^[A-Za-z0-9][\w.-]{0,63}$/),
      fc.nat(LIMITS.factTtlMax),
      (value, name, ttl) => {
        const message = { fact: { ...FACT, name, value }, ttl };
        try {
          checkFact(message.fact);
        } catch {
          return;
        }
        const bytes = encodeFact(message);
        assert.ok(bytes.length <= LIMITS.factMessageBytesMax);
        assert.deepEqual(decodeFact(bytes), message);
        assert.deepEqual(readFact(JSON.parse(JSON.stringify(message.fact))), message.fact);
      },
    ),
    { seed: 7, numRuns: 300 },
  );
});

Deno.test("the longest names, addresses and values still fit a message", () => {
  const longest = "ü".repeat(LIMITS.factOriginCharsMax);
  const fact = {
    ...FACT,
    origin: longest,
    by: "é".repeat(LIMITS.factOriginCharsMax),
    name: "n".repeat(LIMITS.factNameCharsMax),
    value: "v".repeat(LIMITS.factPayloadBytesMax - LIMITS.factNameCharsMax - '{"name":"","value":""}'.length),
    address: "fe80:0000:0000:0000:0000:0000:0000:0001",
    port: 65_535,
    version: Number.MAX_SAFE_INTEGER,
  };
  checkFact(fact);
  assert.deepEqual(decodeFact(encodeFact({ fact, ttl: LIMITS.factTtlMax })), { fact, ttl: LIMITS.factTtlMax });
});

Deno.test("a message with more in it than this version knows is read all the same", () => {
  assert.deepEqual(decodeFact(changed((message) => ({ ...message, later: [1] }))), { fact: FACT, ttl: 4 });
});

Deno.test("decodeFact() takes nothing that does not fit its form", () => {
  const good = encodeFact({ fact: FACT, ttl: 4 });
  const rows: [why: string, bytes: Uint8Array][] = [
    ["nothing", new Uint8Array()],
    ["the type alone", good.subarray(0, 1)],
    ["another type", good.with(0, 64)],
    ["cut off", good.subarray(0, good.length - 1)],
    ["no UTF-8", new Uint8Array([65, 0x22, 0xff, 0x22])],
    ["no object", new Uint8Array([65, 0x5b, 0x5d])],
    ["a negative TTL", changed((message) => void (message["ttl"] = -1))],
    ["a TTL past the limit", changed((message) => void (message["ttl"] = LIMITS.factTtlMax + 1))],
    ["half a TTL", changed((message) => void (message["ttl"] = 1.5))],
    ["version 0", changed((message) => void (message["version"] = 0))],
    ["a version past what is exact", changed((message) => void (message["version"] = 2 ** 53))],
    ["no uuid", changed((message) => void (delete message["uuid"]))],
    ["a uuid that is none", changed((message) => void (message["uuid"] = "asdijfaojf3232"))],
    ["port 0", changed((message) => void (message["port"] = 0))],
    ["an origin with a slash", changed((message) => void (message["origin"] = "a/b"))],
    ["an origin that is an option", changed((message) => void (message["origin"] = "--all"))],
    ["a name that is none", changed((message) => void (message["payload"] = { name: "a b", value: "" }))],
    ["a value that is no text", changed((message) => void (message["payload"] = { name: "a", value: 1 }))],
    [
      "a payload past the limit",
      changed((message) => void (message["payload"] = { name: "a", value: "v".repeat(LIMITS.factPayloadBytesMax) })),
    ],
    [
      "more than a message may have",
      changed((message) => ({ ...message, later: "x".repeat(LIMITS.factMessageBytesMax) })),
    ],
  ];
  for (const [why, bytes] of rows) assert.equal(decodeFact(bytes), undefined, why);
});

Deno.test("decodeFact() never throws, whatever comes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(300), fc.nat(255), (noise, at, byte) => {
      decodeFact(new Uint8Array([USER_KINDS.fact, ...noise]));
      const bytes = encodeFact({ fact: FACT, ttl: 4 });
      const message = decodeFact(bytes.with(at % bytes.length, byte));
      assert.ok(message === undefined || message.ttl <= LIMITS.factTtlMax);
    }),
    { seed: 7, numRuns: 500 },
  );
});

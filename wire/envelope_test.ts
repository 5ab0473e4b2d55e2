import assert from "node:assert/strict";
import fc from "fast-check";
import { JabberError } from "../base/errors.ts";
import { isJsonObject, type JsonObject } from "../base/json.ts";
import { LIMITS } from "../base/limits.ts";
import {
  checkedHead,
  checkMeta,
  encodeEnvelope,
  isPlainHead,
  isPlainRunState,
  parseEnvelope,
  splitFrame,
} from "./envelope.ts";
import { bodySchema, isKind, type Kind, KINDS } from "./kinds.ts";

const ID = "01J0000000000000000000000A";
const RECORD = {
  v: 1,
  id: ID,
  kind: "output",
  from: "agent-web",
  time: "2030-01-01T12:00:00.000Z",
  job: ID,
  run: ID,
  stream: `agent-web/${ID}`,
  offset: 7,
  body: { n: 1 },
};
const { stream: _, offset: __, ...MESSAGE } = { ...RECORD, kind: "alive", body: { running: 0, spoolBytes: 0 } };

const record = (more: object = {}) => JSON.stringify({ ...RECORD, ...more });
const message = (more: object = {}) => JSON.stringify({ ...MESSAGE, ...more });
const without = (key: string, line = RECORD as object) =>
  JSON.stringify(Object.fromEntries(Object.entries(line).filter(([name]) => name !== key)));
const nested = (depth: number) => JSON.parse("[".repeat(depth) + "]".repeat(depth));

function codeOf(line: string, sender: "agent" | "server" = "agent"): string {
  try {
    parseEnvelope(line, sender);
  } catch (cause) {
    if (cause instanceof JabberError) return cause.code;
    throw cause;
  }
  return "accepted";
}

const REFUSED: readonly [name: string, line: string, code?: string, sender?: "server"][] = [
  ["nothing", ""],
  ["no JSON", "{"],
  ["two values", `${record()} ${record()}`],
  ["null", "null"],
  ["a list", `[${record()}]`],
  ["text", '"hello"'],
  ["another version", record({ v: 2 })],
  ["a version as text", record({ v: "1" })],
  ["no id", without("id")],
  ["an id that is no ULID", record({ id: "1" })],
  ["a ULID with a forbidden letter", record({ id: "01J0000000000000000000000U" })],
  ["no kind", without("kind")],
  ["an unknown kind", record({ kind: "dance" }), "frame.unknown_kind"],
  ["a kind of the prototype", record({ kind: "constructor" }), "frame.unknown_kind"],
  ["a server's kind from an agent", message({ kind: "ack", body: { streams: [] } }), "frame.wrong_direction"],
  ["an agent's kind from a server", record(), "frame.wrong_direction", "server"],
  ["an offset that nothing could follow", record({ offset: Number.MAX_SAFE_INTEGER })],
  ["nobody", record({ from: "" })],
  ["a long sender", record({ from: "a".repeat(65) })],
  ["no time", without("time")],
  ["a time of another zone", record({ time: "2030-01-01T12:00:00+01:00" })],
  ["a time in words", record({ time: "yesterday" })],
  ["a start that is no time", record({ start: "12:00" })],
  ["a negative duration", record({ durationMs: -1 })],
  ["an unknown member", record({ extra: 1 })],
  ["a record without stream", without("stream")],
  ["a record without offset", without("offset")],
  ["a message with a stream", message({ stream: "agent-web/log", offset: 0 })],
  ["a negative offset", record({ offset: -1 })],
  ["half an offset", record({ offset: 0.5 })],
  ["an offset no integer can hold", record({ offset: 2 ** 53 })],
  ["a long stream name", record({ stream: "a".repeat(201) })],
  ["no body", without("body")],
  ["a body that is a list", record({ body: [] })],
  ["a body that is null", record({ body: null })],
  ["a body that is text", record({ body: "x" })],
  ["a deep body", record({ body: { a: nested(LIMITS.bodyDepthMax) } })],
  [
    "a body that would overflow the stack",
    record().replace('{"n":1}', `{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}`),
  ],
  ["a number beyond all", record().replace('{"n":1}', '{"n":1e999}')],
  ["a large record", record({ body: { a: "x".repeat(LIMITS.recordBytesMax) } }), "frame.too_large"],
  ["a large sign of life", message({ meta: "x".repeat(1024) }), "frame.too_large"],
  ["large meta", record({ meta: "x".repeat(LIMITS.metaBytesMax) })],
  ["deep meta", record({ meta: nested(LIMITS.metaDepthMax + 1) })],
  ["tags that are a list", record({ tags: ["a"] })],
  ["a tag that is a number", record({ tags: { a: 1 } })],
  ["a long tag", record({ tags: { a: "x".repeat(LIMITS.tagValueCharsMax + 1) } })],
  [
    "many tags",
    record({ tags: Object.fromEntries(Array.from({ length: LIMITS.tagsMax + 1 }, (_, i) => [`t${i}`, ""])) }),
  ],
  ["an error without code", record({ error: { message: "x" } })],
  ["an error whose next step is no text", record({ error: { code: "a", message: "x", next: 1 } })],
  ["a log without level", record({ kind: "log", body: { text: "x" } })],
  ["a log of an unknown level", record({ kind: "log", body: { level: "loud", text: "x" } })],
  ["an unknown run state", record({ kind: "runState", body: { state: "dreaming" } })],
  ["an exit code that is text", record({ kind: "runState", body: { state: "finished", exitCode: "0" } })],
  ["a tag value that is a number", record({ kind: "setTag", body: { key: "a", value: 1 } })],
  ["a gap without reason", record({ kind: "gap", body: { from: 0, to: 1 } })],
  ["a negative count", message({ body: { running: -1, spoolBytes: 0 } })],
];

for (const [name, line, code = "frame.malformed", sender] of REFUSED) {
  Deno.test(`parseEnvelope() refuses ${name}`, () => assert.equal(codeOf(line, sender), code));
}

Deno.test("parseEnvelope() accepts what stands at the limits", () => {
  assert.equal(
    codeOf(record({ meta: nested(LIMITS.metaDepthMax), tags: { a: "" }, start: RECORD.time, durationMs: 0 })),
    "accepted",
  );
  assert.equal(codeOf(record({ body: { a: nested(LIMITS.bodyDepthMax - 1) } })), "accepted");
  assert.equal(
    codeOf(record({ error: { code: "a.b", message: "x", next: "y", data: {} }, time: "2030-01-01T12:00:00Z" })),
    "accepted",
  );
  const room = LIMITS.recordBytesMax - record({ body: { a: "" } }).length;
  assert.equal(codeOf(record({ body: { a: "x".repeat(room) } })), "accepted");
});

Deno.test("parseEnvelope() gives back what encodeEnvelope() wrote", () => {
  const envelope = parseEnvelope(record({ meta: { a: [1, null] } }), "agent");
  assert.deepEqual(parseEnvelope(encodeEnvelope(envelope), "agent"), envelope);
});

Deno.test("parseEnvelope() is as strict about output as its schema", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), (body) => {
    const accepted = codeOf(record({ body: body as JsonObject })) === "accepted";
    assert.equal(accepted, bodySchema("output").safeParse(JSON.parse(JSON.stringify(body))).success);
    assert.equal(accepted, isJsonObject(body));
  }));
});

Deno.test("parseEnvelope() throws nothing but its own errors, whatever comes", () => {
  const kinds = Object.keys(KINDS).filter((name): name is Kind => isKind(name));
  const mutated = fc.tuple(fc.constantFrom(...Object.keys(RECORD)), fc.jsonValue(), fc.constantFrom(...kinds));
  fc.assert(fc.property(mutated, ([key, value, kind]) => {
    codeOf(record({ kind, [key]: value }));
    codeOf(message({ kind, [key]: value }));
  }));
  fc.assert(fc.property(fc.string(), (line) => {
    assert.notEqual(codeOf(line), "accepted");
  }));
});

Deno.test("splitFrame() bounds a frame and its records", () => {
  assert.deepEqual(splitFrame("a\nb"), ["a", "b"]);
  assert.throws(() => splitFrame("x".repeat(LIMITS.frameBytesMax + 1)), { code: "frame.too_large" });
  assert.equal(splitFrame("\n".repeat(LIMITS.frameRecordsMax - 1)).length, LIMITS.frameRecordsMax);
  assert.throws(() => splitFrame("\n".repeat(LIMITS.frameRecordsMax)), { code: "frame.too_large" });
});

Deno.test("checkMeta() lets pass what is absent", () => {
  checkMeta(undefined);
  checkMeta(null);
});

Deno.test("KINDS never share a number", () => {
  const numbers = Object.values(KINDS).map(({ number }) => number);
  assert.equal(new Set(numbers).size, numbers.length);
});

/** What stands in a member: often nearly right. */
const anyMember = fc.oneof(
  fc.constantFrom(ID, ID.toLowerCase(), `${ID}0`, "8".repeat(26), RECORD.time, "2030-01-01T12:00:00Z", "2030-01-01"),
  fc.constantFrom("", "runState", "hello", "dance", "constructor", "a".repeat(20), "a".repeat(21)),
  fc.constantFrom("a".repeat(64), "a".repeat(65), "a".repeat(200), "a".repeat(201), "started", "finished"),
  fc.constantFrom(0, 1, -1, 1.5, 2 ** 52, 2 ** 52 + 2, 2 ** 53, -0, 1e300, true, false, null),
  fc.constantFrom<unknown>([], {}, ["a".repeat(64)], ["a".repeat(65)], [1], { code: "x", message: "y" }, { k: "v" }),
);
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

Deno.test("isPlainHead() takes no head that the schema refuses, and every head of an agent's records", () => {
  const names = ["v", "id", "kind", "from", "time", "job", "run", "stream", "offset", "start", "finish", "durationMs"];
  const name = fc.constantFrom(...names, "error", "tags", "meta", "body", "__proto__", "more");
  let plain = 0;
  const heads = fc.record({ changes: fc.dictionary(name, anyMember, { maxKeys: 2 }), gone: fc.option(name) });
  fc.assert(
    fc.property(heads, ({ changes, gone }) => {
      const head = { ...RECORD, ...changes };
      const json = asJson(Object.fromEntries(Object.entries(head).filter(([key]) => key !== gone)));
      if (!isPlainHead(json)) return;
      plain++;
      assert.deepEqual(checkedHead(json), json);
    }),
    { numRuns: 5000 },
  );
  assert.ok(plain > 500, `only ${plain} of 5000 were plain`);
  assert.ok(isPlainHead(RECORD) && isPlainHead(MESSAGE) && isPlainHead({ ...RECORD, meta: { a: 1 }, durationMs: 3 }));
  assert.ok(!isPlainHead([]) && !isPlainHead(null) && !isPlainHead({ ...RECORD, v: 2 }));
});

Deno.test("isPlainRunState() takes no body that the schema refuses, and every body of an agent", () => {
  const name = fc.constantFrom("state", "ok", "exitCode", "signal", "result", "does", "signers", "__proto__", "more");
  const bodies = fc.dictionary(name, anyMember, { maxKeys: 3 });
  let plain = 0;
  fc.assert(
    fc.property(bodies, (changes) => {
      const json = asJson({ state: "started", ...changes });
      if (!isPlainRunState(json)) return;
      plain++;
      assert.equal(bodySchema("runState").safeParse(json).success, true);
    }),
    { numRuns: 5000 },
  );
  assert.ok(plain > 500, `only ${plain} of 5000 were plain`);
  const full = { state: "finished", ok: true, exitCode: 1, signal: "SIGTERM", result: {}, does: "x", signers: ["k"] };
  assert.ok(isPlainRunState(full) && isPlainRunState({ state: "refused" }));
  assert.ok(!isPlainRunState({ state: "started", trigger: { kind: "often" } }), "triggers are for the schema");
  assert.ok(!isPlainRunState([]) && !isPlainRunState({ state: "lost" }));
});

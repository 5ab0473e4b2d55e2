import assert from "node:assert/strict";
import { systemClock } from "../../base/clock_system.ts";
import { seededRng } from "../../base/rng.ts";
import { eventually } from "../../tests/support/proc.ts";
import type { StreamMessage } from "./messages.ts";
import { encodeStream } from "./packet/stream.ts";
import { createSeal, Keyring, type Seal } from "./seal/mod.ts";
import { type StreamBounds, type StreamFault, Streams } from "./streams_system.ts";

const ADDRESS = "127.0.0.1";
/** Only matters when something is broken. */
const PATIENCE_MS = 120_000;
/** Longer than any test takes: nothing here ends because it took long. */
const AMPLE: StreamBounds = { streams: 8, perAddress: 8, bytes: 1 << 20, dials: 8, timeoutMs: 60_000, timeouts: 4 };
const NONE = createSeal({ security: "none", listen: ADDRESS });
const USER: StreamMessage = { type: "user", bytes: new Uint8Array([64, 1, 2]) };

interface Started extends AsyncDisposable {
  readonly streams: Streams;
  readonly to: { address: string; port: number };
  readonly counts: string[];
  /** What came, in order. */
  readonly heard: StreamMessage[];
  counted(code: string): Promise<void>;
}

interface Settings {
  readonly bounds?: Partial<StreamBounds>;
  readonly seal?: Seal;
  readonly answer?: (message: StreamMessage) => Promise<StreamMessage | undefined>;
}

const echo = (message: StreamMessage): Promise<StreamMessage | undefined> =>
  Promise.resolve(message.type === "ping" ? { type: "ack", seq: message.seq, payload: new Uint8Array(0) } : undefined);

function start({ bounds = {}, seal = NONE, answer = echo }: Settings = {}): Started {
  const listener = Deno.listen({ hostname: ADDRESS, port: 0 });
  const counts: string[] = [];
  const heard: StreamMessage[] = [];
  const streams = new Streams({
    listener,
    clock: systemClock,
    seal,
    bounds: { ...AMPLE, ...bounds },
    compress: true,
    serve(message) {
      heard.push(message);
      return answer(message);
    },
    count: (code) => void counts.push(code),
  });
  return {
    streams,
    to: { address: ADDRESS, port: listener.addr.port },
    counts,
    heard,
    counted: (code) => eventually(code, PATIENCE_MS, () => counts.includes(code) ? true : undefined).then(() => {}),
    [Symbol.asyncDispose]: () => streams.close(),
  };
}

const ping = (seq: number): StreamMessage => ({ type: "ping", seq, node: "a" });
const connect = ({ to }: Started) => Deno.connect({ hostname: to.address, port: to.port });

/** Reads until the other side ends it, one way or another. */
async function untilEnd(conn: Deno.TcpConn): Promise<number> {
  let bytes = 0;
  const chunk = new Uint8Array(1024);
  try {
    for (let read = await conn.read(chunk); read !== null; read = await conn.read(chunk)) bytes += read;
  } catch {
    // A reset is an end.
  }
  conn.close();
  return bytes;
}

const faultCode = (code: string) => (fault: StreamFault): true => (assert.equal(fault.code, code), true);

Deno.test("a question gets its answer, and what needs none ends with the stream, under every seal", async () => {
  const rng = seededRng(3);
  const key = rng.bytes(32);
  const jws = (name: string): Seal =>
    createSeal({ security: "jws", cluster: "c", name, boot: rng.bytes(8), keyring: new Keyring("jws", [key]), rng });
  const aes = (): Seal => createSeal({ security: "aes-gcm", keyring: new Keyring("aes-gcm", [key]), rng });
  for (const [one, two] of [[NONE, NONE], [aes(), aes()], [jws("one"), jws("two")]] as const) {
    await using a = start({ seal: one });
    await using b = start({ seal: two });
    assert.deepEqual(await a.streams.ask(b.to, ping(7)), { type: "ack", seq: 7, payload: new Uint8Array(0) });
    await a.streams.tell(b.to, USER);
    const large: StreamMessage = { type: "user", bytes: new Uint8Array(300_000).fill(9) };
    await a.streams.tell(b.to, large);
    assert.deepEqual(b.heard, [ping(7), USER, large]);
    assert.deepEqual([...a.counts, ...b.counts], []);
  }
});

Deno.test("a stream that stays silent is closed at its bound", async () => {
  await using server = start({ bounds: { timeoutMs: 100, timeouts: 100_000 } });
  assert.equal(await untilEnd(await connect(server)), 0);
  await server.counted("stream.timeout");
});

Deno.test("a stream that trickles is closed at the bound of the whole", async () => {
  await using server = start({ bounds: { timeoutMs: 400, timeouts: 2 } });
  const conn = await connect(server);
  const bytes = encodeStream({ type: "user", bytes: new Uint8Array(60_000) }, { compress: false });
  const ended = untilEnd(conn);
  for (let at = 0; at < bytes.length && !server.counts.includes("stream.timeout"); at++) {
    await conn.write(bytes.subarray(at, at + 1)).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await ended;
  await server.counted("stream.timeout");
  assert.deepEqual(server.heard, []);
});

/** A server that keeps its answers to itself until it is told to end. */
function startSilent(): Started {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const silent = start({ answer: () => promise });
  return {
    ...silent,
    [Symbol.asyncDispose]: () => {
      resolve(undefined);
      return silent.streams.close();
    },
  };
}

Deno.test("nobody answers: the asker gives up at its bound", async () => {
  await using silent = startSilent();
  await using asker = start({ bounds: { timeoutMs: 100 } });
  await assert.rejects(asker.streams.ask(silent.to, ping(1)), faultCode("stream.timeout"));
  await assert.rejects(asker.streams.ask(silent.to, ping(1), 50), faultCode("stream.timeout"));
});

Deno.test("nobody is there: the asker is told at once", async () => {
  await using asker = start();
  const gone = start();
  await gone.streams.close();
  await assert.rejects(asker.streams.ask(gone.to, ping(1)), faultCode("stream.refused"));
});

Deno.test("streams of one address, and all of them, are bounded; an ended one makes room", async () => {
  for (const bounds of [{ perAddress: 2 }, { streams: 2 }]) {
    await using server = start({ bounds });
    const held = [await connect(server), await connect(server)];
    // They are taken in the order they came, so the third one is too many.
    assert.equal(await untilEnd(await connect(server)), 0);
    await server.counted("stream.too_many");
    for (const conn of held) conn.close();
    await using asker = start();
    const answer = await eventually("room again", PATIENCE_MS, async () => {
      return await asker.streams.ask(server.to, ping(2)).catch(() => undefined);
    });
    assert.equal(answer.type, "ack");
  }
});

Deno.test("what all streams together may hold is bounded", async () => {
  await using server = start({ bounds: { bytes: 100_000 } });
  await using asker = start();
  await asker.streams.tell(server.to, { type: "user", bytes: seededRng(5).bytes(200_000) }).catch(() => {});
  await server.counted("stream.bytes");
  // It is let go of with its stream.
  await asker.streams.tell(server.to, { type: "user", bytes: seededRng(5).bytes(50_000) });
  await asker.streams.tell(server.to, { type: "user", bytes: seededRng(5).bytes(50_000) });
  assert.equal(server.heard.length, 2);
});

Deno.test("dials are bounded, and end with their member", async () => {
  await using silent = startSilent();
  const asker = start({ bounds: { dials: 2 } });
  const asked = [1, 2].map((seq) =>
    assert.rejects(asker.streams.ask(silent.to, ping(seq)), faultCode("stream.closed"))
  );
  await assert.rejects(asker.streams.ask(silent.to, ping(3)), faultCode("stream.busy"));
  await eventually("both are waited for", PATIENCE_MS, () => silent.heard.length === 2 || undefined);
  await asker.streams.close();
  await Promise.all(asked);
  await assert.rejects(asker.streams.ask(silent.to, ping(4)), faultCode("stream.closed"));
});

Deno.test("garbage, what is cut off and what is too large is counted and answered with the end", async () => {
  await using server = start();
  const whole = encodeStream(USER, { compress: false });
  const cases: [bytes: Uint8Array, code: string][] = [
    [new Uint8Array([99, 1, 2, 3]), "stream.unknown_type"],
    [new Uint8Array([10, 0, 0, 0, 9]), "stream.unknown_type"],
    [whole.subarray(0, whole.length - 1), "stream.cut"],
    [new Uint8Array([6, 0xc1]), "stream.malformed"],
    // A push/pull of 2^32 - 1 members.
    [new Uint8Array([6, 0x81, 0xa5, ...new TextEncoder().encode("Nodes"), 0xce, 255, 255, 255, 255]), "stream.too_big"],
  ];
  for (const [bytes, code] of cases) {
    server.counts.length = 0;
    const conn = await connect(server);
    await conn.write(bytes);
    await conn.closeWrite().catch(() => {});
    assert.equal(await untilEnd(conn), 0);
    await server.counted(code);
    assert.deepEqual(server.counts, [code]);
  }
  // Who says nothing at all did nothing wrong.
  const conn = await connect(server);
  await conn.closeWrite();
  await untilEnd(conn);
  assert.equal(server.heard.length, 0);
  await using asker = start();
  await asker.streams.tell(server.to, USER);
  assert.deepEqual(server.heard, [USER]);
});

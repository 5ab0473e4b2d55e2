/**
 * Streams over TCP: one message from who dials, one back when there is an answer, then the end. Every stream has a bound
 * on each read and write and one on the whole, so that neither silence nor a trickle holds it; those that others open are
 * bounded in number, by address, and in the bytes that all of them have sent. Nothing here throws for what others do:
 * a stream that goes wrong is closed and counted under a code.
 *
 *     accepted ──message whole──▶ served ──answer written──▶ closed
 *     dialled ──message written──▶ waiting ──answer whole, or the other side ends──▶ closed
 *     any ──bound passed, refused, malformed, cut off, shut down──▶ closed
 */
import type { Clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Endpoint, StreamMessage } from "./messages.ts";
import { PacketFault } from "./packet/fault.ts";
import { encodeStream, StreamReader } from "./packet/stream.ts";
import type { Seal, SealStream, StreamStep } from "./seal/contract.ts";

export interface StreamsOptions {
  readonly listener: Deno.TcpListener;
  readonly clock: Clock;
  readonly seal: Seal;
  /** Of each read and each write. */
  readonly timeoutMs: number;
  readonly compress: boolean;
  readonly label?: string;
  /** What another said; resolves with the answer that goes back, if there is one. Must not reject. */
  serve(message: StreamMessage, from: Endpoint): Promise<StreamMessage | undefined>;
  count(code: string): void;
}

/** Why a stream came to nothing: a code for counters, and words for people. */
export class StreamFault extends Error {
  override readonly name = "StreamFault";
  readonly code: string;

  constructor(code: string, reason: string) {
    super(reason);
    this.code = code;
  }
}

const CHUNK_BYTES = 16 * 1024;

export class Streams {
  readonly #options: StreamsOptions;
  readonly #open = new Set<Talk>();
  /** Everything that was begun and has not ended. */
  readonly #work = new Set<Promise<unknown>>();
  readonly #accepted = new Map<string, number>();
  readonly #abort = new AbortController();
  /** Bytes that those who opened the streams have sent on them. */
  #heldBytes = 0;
  #served = 0;
  #dialled = 0;

  constructor(options: StreamsOptions) {
    this.#options = options;
    this.#track(this.#accept());
  }

  /** Dials, says this, and waits for the answer. Rejects with a `StreamFault`. */
  ask(to: Endpoint, message: StreamMessage, timeoutMs = this.#options.timeoutMs): Promise<StreamMessage> {
    return this.#track(this.#dial(to, message, timeoutMs, async (talk) => {
      const answer = await talk.message();
      if (answer === undefined) throw new StreamFault("stream.cut", "the other side ended without an answer");
      return answer;
    }));
  }

  /** Dials and says this; the other side's end tells that it was read. Rejects with a `StreamFault`. */
  tell(to: Endpoint, message: StreamMessage): Promise<void> {
    return this.#track(this.#dial(to, message, this.#options.timeoutMs, async (talk) => {
      if (await talk.message() !== undefined) throw new StreamFault("stream.unasked", "an answer to what needs none");
    }));
  }

  /** Closes everything and waits until nothing is under way. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#options.listener.close();
    for (const talk of this.#open) talk.end();
    await Promise.allSettled(this.#work);
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const done = () => void this.#work.delete(work);
    this.#work.add(work);
    work.then(done, done);
    return work;
  }

  async #accept(): Promise<void> {
    const { listener, count } = this.#options;
    while (!this.#abort.signal.aborted) {
      try {
        const conn = await listener.accept();
        this.#track(this.#serve(conn));
      } catch (cause) {
        if (this.#abort.signal.aborted) return;
        // Too many files open, or a connection that ended before it was taken: the listener goes on.
        count("stream.accept_failed");
        if (cause instanceof Deno.errors.BadResource) return;
        await this.#pause();
      }
    }
  }

  /** So that a system that is out of something is not asked again at once. */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(this.#options.timeoutMs / 10, resolve);
      this.#abort.signal.addEventListener("abort", () => (cancel(), resolve()), { once: true });
    });
  }

  async #serve(conn: Deno.TcpConn): Promise<void> {
    const { seal, timeoutMs, serve, count } = this.#options;
    const from: Endpoint = { address: conn.remoteAddr.hostname, port: conn.remoteAddr.port };
    const sameAddress = this.#accepted.get(from.address) ?? 0;
    if (this.#served >= LIMITS.gossipStreamsMax || sameAddress >= LIMITS.gossipStreamsPerAddressMax) {
      count("stream.too_many");
      conn.close();
      return;
    }
    this.#served++;
    this.#accepted.set(from.address, sameAddress + 1);
    const talk = this.#talk(conn, seal.acceptStream(), timeoutMs, (bytes) => this.#hold(bytes));
    try {
      const message = await talk.message();
      if (message === undefined) return;
      const answer = await serve(message, from);
      if (answer !== undefined) await talk.say(answer);
    } catch (cause) {
      if (!this.#abort.signal.aborted) count(faultOf(cause).code);
    } finally {
      this.#end(talk);
      this.#heldBytes -= talk.received;
      this.#served--;
      const left = this.#accepted.get(from.address)! - 1;
      if (left === 0) this.#accepted.delete(from.address);
      else this.#accepted.set(from.address, left);
    }
  }

  async #dial<T>(
    to: Endpoint,
    message: StreamMessage,
    timeoutMs: number,
    then: (talk: Talk) => Promise<T>,
  ): Promise<T> {
    if (this.#abort.signal.aborted) throw new StreamFault("stream.closed", "this member is shutting down");
    if (this.#dialled >= LIMITS.gossipDialsMax) {
      throw new StreamFault("stream.busy", "too many streams are being dialled");
    }
    this.#dialled++;
    let talk: Talk | undefined;
    try {
      talk = this.#talk(await this.#connect(to, timeoutMs), this.#options.seal.dialStream(), timeoutMs, () => true);
      await talk.say(message);
      return await then(talk);
    } catch (cause) {
      throw faultOf(cause);
    } finally {
      this.#dialled--;
      if (talk !== undefined) this.#end(talk);
    }
  }

  async #connect({ address, port }: Endpoint, timeoutMs: number): Promise<Deno.TcpConn> {
    const late = new AbortController();
    const cancel = this.#options.clock.after(timeoutMs, () => late.abort());
    try {
      const signal = AbortSignal.any([late.signal, this.#abort.signal]);
      return await Deno.connect({ hostname: address, port, signal });
    } catch (cause) {
      if (late.signal.aborted) throw new StreamFault("stream.timeout", `no connection within ${timeoutMs} ms`);
      throw new StreamFault("stream.refused", cause instanceof Error ? cause.message : String(cause));
    } finally {
      cancel();
    }
  }

  #talk(conn: Deno.TcpConn, seal: SealStream, timeoutMs: number, hold: (bytes: number) => boolean): Talk {
    const talk = new Talk(conn, seal, timeoutMs, hold, this.#options);
    this.#open.add(talk);
    // Between the connection and here the rest may have been closed.
    if (this.#abort.signal.aborted) talk.end();
    return talk;
  }

  #end(talk: Talk): void {
    this.#open.delete(talk);
    talk.end();
  }

  #hold(bytes: number): boolean {
    this.#heldBytes += bytes;
    return this.#heldBytes <= LIMITS.gossipStreamsBytesMax;
  }
}

/** One connection with its seal. */
class Talk {
  /** Bytes that came, as far as `hold` was told of them. */
  received = 0;
  readonly #conn: Deno.TcpConn;
  readonly #seal: SealStream;
  readonly #reader: StreamReader;
  readonly #hold: (bytes: number) => boolean;
  readonly #options: StreamsOptions;
  readonly #timeoutMs: number;
  readonly #cancelWhole: () => void;
  #isLate = false;
  #isOver = false;

  constructor(
    conn: Deno.TcpConn,
    seal: SealStream,
    timeoutMs: number,
    hold: (bytes: number) => boolean,
    options: StreamsOptions,
  ) {
    this.#conn = conn;
    this.#seal = seal;
    this.#timeoutMs = timeoutMs;
    this.#hold = hold;
    this.#options = options;
    this.#reader = new StreamReader(options.label === undefined ? {} : { label: options.label });
    const whole = timeoutMs * LIMITS.gossipStreamTimeoutsMax;
    this.#cancelWhole = options.clock.after(whole, () => this.#late());
  }

  async say(message: StreamMessage): Promise<void> {
    const { compress, label } = this.#options;
    const bytes = encodeStream(message, { compress, ...(label !== undefined && { label }) });
    await this.#send(this.#seal.write(bytes));
  }

  /** The other side's message; `undefined` when it ends before it said anything. */
  async message(): Promise<StreamMessage | undefined> {
    const chunk = new Uint8Array(CHUNK_BYTES);
    let isSaying = false;
    for (;;) {
      const read = await this.#bounded(() => this.#conn.read(chunk));
      if (read === null) {
        if (!isSaying) return undefined;
        throw new StreamFault("stream.cut", "the other side ended in the middle of its message");
      }
      this.received += read;
      if (!this.#hold(read)) throw new StreamFault("stream.bytes", "all streams together have sent too much");
      const step = this.#seal.feed(chunk.slice(0, read));
      await this.#send(step);
      for (const plain of step.plain) {
        isSaying = true;
        const message = this.#reader.feed(plain);
        if (message !== undefined) return message;
      }
      if (step.ended) throw new StreamFault("stream.cut", "the message is not whole");
    }
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelWhole();
    try {
      this.#conn.close();
    } catch {
      // It was closed by the other side's reset.
    }
  }

  async #send(step: StreamStep): Promise<void> {
    for (const bytes of step.send) {
      for (let at = 0; at < bytes.length;) at += await this.#bounded(() => this.#conn.write(bytes.subarray(at)));
    }
    if (step.refused !== undefined) {
      throw new StreamFault(`seal.${step.refused}`, `the seal was refused: ${step.refused}`);
    }
  }

  /** One read or write within its bound. */
  async #bounded<T>(act: () => Promise<T>): Promise<T> {
    const cancel = this.#options.clock.after(this.#timeoutMs, () => this.#late());
    try {
      return await act();
    } catch (cause) {
      if (this.#isLate) throw new StreamFault("stream.timeout", "the other side did not go on in time");
      if (this.#isOver) throw new StreamFault("stream.closed", "this member is shutting down");
      throw new StreamFault("stream.reset", cause instanceof Error ? cause.message : String(cause));
    } finally {
      cancel();
    }
  }

  /** Closing the connection ends the read or write that is under way. */
  #late(): void {
    this.#isLate = true;
    this.end();
  }
}

/** Anything that ends a stream, under the code that is counted. */
export function faultOf(cause: unknown): StreamFault {
  if (cause instanceof StreamFault) return cause;
  if (cause instanceof PacketFault) return new StreamFault(`stream.${cause.code}`, cause.message);
  return new StreamFault("stream.failed", cause instanceof Error ? cause.message : String(cause));
}

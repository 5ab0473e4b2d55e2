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
import { type Clock, pause } from "../../base/clock.ts";
import type { Endpoint, StreamMessage } from "./messages.ts";
import { dialled } from "./packet/address.ts";
import { PacketFault } from "./packet/fault.ts";
import { encodeStream, StreamReader } from "./packet/stream.ts";
import type { Seal, SealStream, StreamStep } from "./seal/contract.ts";

export interface StreamBounds {
  /** Streams that others opened, at once. */
  readonly streams: number;
  /** Of one address. */
  readonly perAddress: number;
  /** What came on all streams that are open, together. */
  readonly bytes: number;
  /** Streams opened here, at once. */
  readonly dials: number;
  /** Each read and each write. */
  readonly timeoutMs: number;
  /** A stream in all, in units of `timeoutMs`. */
  readonly timeouts: number;
}

export interface StreamsOptions {
  readonly listener: Deno.TcpListener;
  readonly clock: Clock;
  readonly seal: Seal;
  readonly bounds: StreamBounds;
  readonly compress: boolean;
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
  /** Bytes that came on the streams that are open. */
  #heldBytes = 0;
  #served = 0;
  #dialled = 0;

  constructor(options: StreamsOptions) {
    this.#options = options;
    this.#track(this.#accept());
  }

  /** Dials, says this, and waits for the answer, `wholeMs` after the connection at most. Rejects with a `StreamFault`. */
  ask(to: Endpoint, message: StreamMessage, wholeMs = this.#wholeMs): Promise<StreamMessage> {
    return this.#track(this.#dial(to, message, wholeMs, async (talk) => {
      const answer = await talk.message();
      if (answer === undefined) throw new StreamFault("stream.cut", "the other side ended without an answer");
      return answer;
    }));
  }

  /** Dials and says this; the other side's end tells that it was read. Rejects with a `StreamFault`. */
  tell(to: Endpoint, message: StreamMessage): Promise<void> {
    return this.#track(this.#dial(to, message, this.#wholeMs, async (talk) => {
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
    const { listener, clock, bounds, count } = this.#options;
    while (!this.#abort.signal.aborted) {
      try {
        const conn = await listener.accept();
        this.#track(this.#serve(conn));
      } catch (cause) {
        if (this.#abort.signal.aborted) return;
        // Too many files open, or a connection that ended before it was taken: the listener goes on.
        count("stream.accept_failed");
        if (cause instanceof Deno.errors.BadResource) return;
        // A system that is out of something is not asked again at once.
        await pause(clock, bounds.timeoutMs / 10, this.#abort.signal);
      }
    }
  }

  async #serve(conn: Deno.TcpConn): Promise<void> {
    const { seal, bounds, serve, count } = this.#options;
    const from: Endpoint = { address: conn.remoteAddr.hostname, port: conn.remoteAddr.port };
    const sameAddress = this.#accepted.get(from.address) ?? 0;
    if (this.#served >= bounds.streams || sameAddress >= bounds.perAddress) {
      count("stream.too_many");
      conn.close();
      return;
    }
    this.#served++;
    this.#accepted.set(from.address, sameAddress + 1);
    const talk = this.#talk(conn, seal.acceptStream(), this.#wholeMs);
    try {
      const message = await talk.message();
      if (message === undefined) return;
      const answer = await serve(message, from);
      if (answer !== undefined) await talk.say(answer);
    } catch (cause) {
      if (!this.#abort.signal.aborted) count(faultOf(cause).code);
    } finally {
      this.#end(talk);
      this.#served--;
      const left = this.#accepted.get(from.address)! - 1;
      if (left === 0) this.#accepted.delete(from.address);
      else this.#accepted.set(from.address, left);
    }
  }

  async #dial<T>(
    to: Endpoint,
    message: StreamMessage,
    wholeMs: number,
    then: (talk: Talk) => Promise<T>,
  ): Promise<T> {
    if (this.#abort.signal.aborted) throw closing();
    if (this.#dialled >= this.#options.bounds.dials) {
      throw new StreamFault("stream.busy", "too many streams are being dialled");
    }
    this.#dialled++;
    let talk: Talk | undefined;
    try {
      talk = this.#talk(await this.#connect(to, wholeMs), this.#options.seal.dialStream(), wholeMs);
      await talk.say(message);
      return await then(talk);
    } catch (cause) {
      throw faultOf(cause);
    } finally {
      this.#dialled--;
      if (talk !== undefined) this.#end(talk);
    }
  }

  async #connect({ address, port }: Endpoint, wholeMs: number): Promise<Deno.TcpConn> {
    const timeoutMs = Math.min(wholeMs, this.#options.bounds.timeoutMs);
    const late = new AbortController();
    const cancel = this.#options.clock.after(timeoutMs, () => late.abort());
    try {
      const signal = AbortSignal.any([late.signal, this.#abort.signal]);
      return await Deno.connect({ hostname: dialled(address), port, signal });
    } catch (cause) {
      if (this.#abort.signal.aborted) throw closing();
      if (late.signal.aborted) throw new StreamFault("stream.timeout", `no connection within ${timeoutMs} ms`);
      throw new StreamFault("stream.refused", cause instanceof Error ? cause.message : String(cause));
    } finally {
      cancel();
    }
  }

  #talk(conn: Deno.TcpConn, seal: SealStream, wholeMs: number): Talk {
    const talk = new Talk(conn, seal, wholeMs, (bytes) => this.#hold(bytes), this.#options);
    this.#open.add(talk);
    // Between the connection and here the rest may have been closed.
    if (this.#abort.signal.aborted) talk.end();
    return talk;
  }

  get #wholeMs(): number {
    const { timeoutMs, timeouts } = this.#options.bounds;
    return timeoutMs * timeouts;
  }

  #end(talk: Talk): void {
    this.#open.delete(talk);
    this.#heldBytes -= talk.received;
    talk.end();
  }

  #hold(bytes: number): boolean {
    this.#heldBytes += bytes;
    return this.#heldBytes <= this.#options.bounds.bytes;
  }
}

/** One connection with its seal. */
class Talk {
  /** Bytes that came; `hold` was told of them. */
  received = 0;
  readonly #conn: Deno.TcpConn;
  readonly #seal: SealStream;
  readonly #reader = new StreamReader();
  readonly #hold: (bytes: number) => boolean;
  readonly #options: StreamsOptions;
  readonly #timeoutMs: number;
  readonly #cancelWhole: () => void;
  #isLate = false;
  #isOver = false;

  constructor(
    conn: Deno.TcpConn,
    seal: SealStream,
    wholeMs: number,
    hold: (bytes: number) => boolean,
    options: StreamsOptions,
  ) {
    this.#conn = conn;
    this.#seal = seal;
    this.#timeoutMs = Math.min(wholeMs, options.bounds.timeoutMs);
    this.#hold = hold;
    this.#options = options;
    this.#cancelWhole = options.clock.after(wholeMs, () => this.#late());
  }

  async say(message: StreamMessage): Promise<void> {
    const bytes = encodeStream(message, { compress: this.#options.compress });
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
      throw new StreamFault(`stream.seal.${step.refused}`, `the seal was refused: ${step.refused}`);
    }
  }

  /** One read or write within its bound. */
  async #bounded<T>(act: () => Promise<T>): Promise<T> {
    const cancel = this.#options.clock.after(this.#timeoutMs, () => this.#late());
    try {
      return await act();
    } catch (cause) {
      if (this.#isLate) throw new StreamFault("stream.timeout", "the other side did not go on in time");
      if (this.#isOver) throw closing();
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

function closing(): StreamFault {
  return new StreamFault("stream.closed", "this member is shutting down");
}

/** Anything that ends a stream, under the code that is counted. */
export function faultOf(cause: unknown): StreamFault {
  if (cause instanceof StreamFault) return cause;
  if (cause instanceof PacketFault) return new StreamFault(`stream.${cause.code}`, cause.message);
  return new StreamFault("stream.failed", cause instanceof Error ? cause.message : String(cause));
}

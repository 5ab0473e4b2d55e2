/**
 * A `jws` stream: frames of a length (2 bytes, big-endian) and a JWS. Who sends what, and what it is:
 *
 * | state      | side     | hears                 | says                            | then       |
 * |------------|----------|-----------------------|---------------------------------|------------|
 * | `new`      | dialer   | its message to write  | hello with a nonce              | `greeted`  |
 * | `new`      | acceptor | hello                 | welcome: that nonce and its own | `greeted`  |
 * | `greeted`  | dialer   | welcome, its nonce    | its message in frames           | `open`     |
 * | `greeted`  | acceptor | the first frame       |                                 | `open`     |
 * | `open`     | both     | frames, then the last | the acceptor: its answer        | `ended`    |
 * | any        | both     | anything else         |                                 | `dead`     |
 *
 * The session is a hash of hello and welcome, so it holds both nonces and both boots. A frame that holds it was made
 * after both nonces were: its sender is running, and its counter is newer than ours of that moment.
 */
import { createHash } from "node:crypto";
import { LIMITS } from "../../../base/limits.ts";
import type { Rng } from "../../../base/rng.ts";
import { Chunks } from "./chunks.ts";
import type { SealFault, SealStream, StreamStep } from "./contract.ts";
import { type Form, type Head, type HeadReader, type HeadWriter, NONCE_BYTES, sameBytes } from "./head.ts";
import { JwsFrames } from "./jws_frame.ts";
import type { Senders } from "./senders.ts";

/** What all streams of a seal share. */
export interface StreamContext {
  readonly rng: Rng;
  readonly frames: JwsFrames;
  readonly heads: HeadWriter;
  readonly reader: HeadReader;
  readonly senders: Senders;
  /** A member may dial itself; there is nothing to be proved then. */
  isOwn(head: Head): boolean;
}

const LENGTH_BYTES = 2;
const SESSION_BYTES = 16;
/** Session, number, last or not. */
const FRAME_HEAD_BYTES = SESSION_BYTES + 4 + 1;

type Heard = { say?: Uint8Array[]; plain?: Uint8Array } | SealFault;

export class JwsStream implements SealStream {
  readonly #context: StreamContext;
  readonly #dials: boolean;
  readonly #chunks = new Chunks();
  #state: "new" | "greeted" | "open" | "ended" | "dead" = "new";
  /** The length of the frame that is coming, when it is known. */
  #expected: number | undefined;
  readonly #nonce: Uint8Array;
  /** Of our nonce, among the questions of `Senders`. */
  readonly #number: number;
  #message: Uint8Array | undefined;
  #hello: Uint8Array = new Uint8Array(0);
  #session: Uint8Array = new Uint8Array(0);
  /** Who the other side said it is in its first frame. */
  #peer: Head | undefined;
  #heardFrames = 0;
  #heardBytes = 0;

  constructor(side: "dialer" | "acceptor", context: StreamContext) {
    this.#dials = side === "dialer";
    this.#context = context;
    this.#nonce = context.rng.bytes(NONCE_BYTES);
    this.#number = context.senders.nextNumber();
  }

  write(message: Uint8Array): StreamStep {
    if (this.#message !== undefined) throw new Error("a stream carries one message each way");
    if (message.length > LIMITS.sealStreamBytesMax) throw new RangeError(`${message.length} bytes in one message`);
    this.#message = message;
    if (this.#state === "dead") return this.#step([], []);
    if (!this.#dials) {
      if (this.#state !== "open" && this.#state !== "ended") throw new Error("there is no question yet to answer");
      return this.#step(this.#framesOf(message), []);
    }
    this.#hello = this.#seal("hello", this.#nonce);
    this.#state = "greeted";
    return this.#step([framed(this.#hello)], []);
  }

  feed(chunk: Uint8Array): StreamStep {
    if (this.#state === "dead") return this.#step([], []);
    const send: Uint8Array[] = [];
    const plain: Uint8Array[] = [];
    this.#chunks.push(chunk);
    for (let frame = this.#nextFrame(); frame !== undefined; frame = this.#nextFrame()) {
      const heard = typeof frame === "string" ? frame : this.#hear(frame);
      if (typeof heard === "string") {
        this.#state = "dead";
        return { ...this.#step(send, plain), refused: heard };
      }
      if (heard.say !== undefined) send.push(...heard.say);
      if (heard.plain !== undefined && heard.plain.length > 0) plain.push(heard.plain);
    }
    return this.#step(send, plain);
  }

  #step(send: Uint8Array[], plain: Uint8Array[]): StreamStep {
    const proven = this.#peer !== undefined && (this.#state === "open" || this.#state === "ended");
    return { send, plain, ended: this.#state === "ended", ...(proven && { sender: this.#peer!.name }) };
  }

  #nextFrame(): Uint8Array | SealFault | undefined {
    if (this.#state === "ended" && this.#chunks.length > 0) return "out_of_turn";
    if (this.#expected === undefined) {
      const length = this.#chunks.take(LENGTH_BYTES);
      if (length === undefined) return undefined;
      this.#expected = length[0]! * 256 + length[1]!;
    }
    const frame = this.#chunks.take(this.#expected);
    if (frame !== undefined) this.#expected = undefined;
    return frame;
  }

  #hear(frame: Uint8Array): Heard {
    const payload = this.#context.frames.open(frame);
    if (typeof payload === "string") return payload;
    const head = this.#context.reader.read(payload);
    if (typeof head === "string") return head;
    if (head.form === this.#awaits()) {
      if (head.form === "hello") return this.#welcome(head, frame);
      if (head.form === "welcome") return this.#begin(head, frame);
      return this.#takeFrame(head);
    }
    return "out_of_turn";
  }

  #awaits(): Form | undefined {
    if (this.#dials) return this.#state === "greeted" ? "welcome" : this.#state === "open" ? "answered" : undefined;
    return this.#state === "new" ? "hello" : "asked";
  }

  /** new → greeted, of the acceptor. */
  #welcome(head: Head, hello: Uint8Array): Heard {
    if (head.body.length !== NONCE_BYTES) return "malformed";
    const welcome = this.#seal("welcome", head.body, this.#nonce);
    this.#session = sessionOf(hello, welcome);
    this.#peer = head;
    this.#state = "greeted";
    return { say: [framed(welcome)] };
  }

  /** greeted → open, of the dialer. */
  #begin(head: Head, welcome: Uint8Array): Heard {
    if (head.body.length !== 2 * NONCE_BYTES) return "malformed";
    if (!sameBytes(head.body.subarray(0, NONCE_BYTES), this.#nonce)) return "out_of_turn";
    this.#session = sessionOf(this.#hello, welcome);
    this.#peer = head;
    this.#open(head);
    return { say: this.#framesOf(this.#message!) };
  }

  /** greeted → open of the acceptor, and open → ended. */
  #takeFrame(head: Head): Heard {
    if (head.body.length < FRAME_HEAD_BYTES) return "malformed";
    const view = new DataView(head.body.buffer, head.body.byteOffset, head.body.length);
    const last = view.getUint8(FRAME_HEAD_BYTES - 1);
    const plain = head.body.subarray(FRAME_HEAD_BYTES);
    const fits = sameBytes(head.body.subarray(0, SESSION_BYTES), this.#session) &&
      view.getUint32(SESSION_BYTES) === this.#heardFrames &&
      head.name === this.#peer!.name && sameBytes(head.boot, this.#peer!.boot);
    if (!fits) return "out_of_turn";
    // A frame in the middle that carries nothing would be one of endlessly many.
    if (last > 1 || (last === 0 && plain.length === 0)) return "malformed";
    this.#heardFrames++;
    this.#heardBytes += plain.length;
    if (this.#heardBytes > LIMITS.sealStreamBytesMax) return "too_big";
    if (this.#state === "greeted") this.#open(head);
    if (last === 1) this.#state = "ended";
    return { plain };
  }

  #open(head: Head): void {
    this.#state = "open";
    if (!this.#context.isOwn(head)) this.#context.senders.prove(head, this.#number);
  }

  #framesOf(message: Uint8Array): Uint8Array[] {
    const form = this.#dials ? "asked" : "answered";
    const room = JwsFrames.room(LIMITS.sealFrameBytesMax) - this.#context.heads.bytes - FRAME_HEAD_BYTES;
    const frames: Uint8Array[] = [];
    for (let at = 0; at === 0 || at < message.length; at += room) {
      const head = new Uint8Array(FRAME_HEAD_BYTES);
      head.set(this.#session);
      const view = new DataView(head.buffer);
      view.setUint32(SESSION_BYTES, frames.length);
      view.setUint8(FRAME_HEAD_BYTES - 1, at + room >= message.length ? 1 : 0);
      frames.push(framed(this.#seal(form, head, message.subarray(at, at + room))));
    }
    return frames;
  }

  #seal(form: Form, ...body: readonly Uint8Array[]): Uint8Array {
    return this.#context.frames.seal(this.#context.heads.write(form, ...body));
  }
}

function framed(frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(LENGTH_BYTES + frame.length);
  new DataView(bytes.buffer).setUint16(0, frame.length);
  bytes.set(frame, LENGTH_BYTES);
  return bytes;
}

function sessionOf(hello: Uint8Array, welcome: Uint8Array): Uint8Array {
  // A line's end stands in no JWS, so there is one way to take the two apart.
  return createHash("sha256").update(hello).update("\n").update(welcome).digest().subarray(0, SESSION_BYTES);
}

/** The `jws` seal (contract.ts): packets. Streams are in jws_stream.ts. */
import { LIMITS } from "../../../base/limits.ts";
import type { Rng } from "../../../base/rng.ts";
import type { Endpoint } from "../messages.ts";
import type { Opened, Seal, SealedPacket, SealFault, SealStream } from "./contract.ts";
import { BOOT_BYTES, type Form, type Head, HeadReader, HeadWriter, NONCE_BYTES, sameBytes } from "./head.ts";
import { JwsFrames } from "./jws_frame.ts";
import { JwsStream, type StreamContext } from "./jws_stream.ts";
import type { Keyring } from "./keyring.ts";
import { Resends } from "./resends.ts";
import { Senders } from "./senders.ts";

export interface JwsOptions {
  readonly cluster: string;
  readonly name: string;
  readonly boot: Uint8Array;
  readonly keyring: Keyring;
  readonly rng: Rng;
}

export class JwsSeal implements Seal {
  readonly security = "jws";
  readonly #name: string;
  readonly #boot: Uint8Array;
  readonly #frames: JwsFrames;
  readonly #heads: HeadWriter;
  readonly #reader: HeadReader;
  readonly #senders: Senders;
  readonly #resends = new Resends();
  readonly #stream: StreamContext;

  constructor({ cluster, name, boot, keyring, rng }: JwsOptions) {
    this.#name = name;
    this.#boot = boot.slice();
    this.#frames = new JwsFrames(keyring);
    this.#heads = new HeadWriter({ cluster, name, boot });
    this.#reader = new HeadReader(cluster);
    this.#senders = new Senders(rng);
    this.#stream = {
      rng,
      frames: this.#frames,
      heads: this.#heads,
      reader: this.#reader,
      senders: this.#senders,
      isOwn: (head) => this.#isOwn(head),
    };
  }

  roomFor(datagramBytes: number): number {
    return JwsFrames.room(datagramBytes) - this.#heads.bytes;
  }

  sealPacket(plain: Uint8Array, to: Endpoint, now: number): Uint8Array {
    if (plain.length > this.roomFor(LIMITS.sealDatagramBytesMax)) {
      throw new RangeError(`${plain.length} bytes do not fit one datagram`);
    }
    this.#resends.keep(plain, to, now);
    return this.#seal("packet", plain);
  }

  openPacket(bytes: Uint8Array, from: Endpoint, now: number): Opened {
    if (bytes.length > LIMITS.sealDatagramBytesMax) return refused("too_big");
    const payload = this.#frames.open(bytes);
    if (typeof payload === "string") return refused(payload);
    const head = this.#reader.read(payload);
    if (typeof head === "string") return refused(head);
    if (this.#isOwn(head)) return refused("own");
    switch (head.form) {
      case "packet":
        return this.#packet(head, from, now);
      case "challenge":
        return this.#challenge(head, from, now);
      case "answer":
        return this.#answer(head, from, now);
      default:
        return refused("out_of_turn");
    }
  }

  dialStream(): SealStream {
    return new JwsStream("dialer", this.#stream);
  }

  acceptStream(): SealStream {
    return new JwsStream("acceptor", this.#stream);
  }

  #packet(head: Head, from: Endpoint, now: number): Opened {
    const verdict = this.#senders.hear(head);
    if (verdict === "fresh") return { plain: head.body, sender: head.name, send: [] };
    if (verdict !== "unproved") return refused(verdict);
    const question = this.#senders.ask(head, now);
    if (question === "busy") return refused("busy");
    if (question === "asked") return refused("unproved_boot");
    return refused("unproved_boot", [{ to: from, bytes: this.#seal("challenge", head.boot, question.nonce) }]);
  }

  #challenge(head: Head, from: Endpoint, now: number): Opened {
    if (head.body.length !== BOOT_BYTES + NONCE_BYTES) return refused("malformed");
    const verdict = this.#senders.hear(head);
    if (verdict === "replayed" || verdict === "too_old") return refused(verdict);
    if (!this.#asksUs(head.body)) return refused("stale");
    // A recording can be sent again here. All it gets is an answer of its own size.
    const question = verdict === "unproved" ? this.#senders.ask(head, now) : "asked";
    const back = typeof question === "string" ? [] : [head.boot, question.nonce];
    return { send: this.#answerTo(head.body, back, from, now) };
  }

  #answer(head: Head, from: Endpoint, now: number): Opened {
    const nonce = head.body.subarray(0, NONCE_BYTES);
    const back = head.body.subarray(NONCE_BYTES);
    if (nonce.length < NONCE_BYTES) return refused("malformed");
    if (back.length !== 0 && back.length !== BOOT_BYTES + NONCE_BYTES) return refused("malformed");
    const verdict = this.#senders.hear(head);
    if (verdict === "replayed" || verdict === "too_old") return refused(verdict);
    if (verdict === "unproved" && !this.#senders.answer(head, nonce, now)) return refused("stale");
    return { send: back.length > 0 && this.#asksUs(back) ? this.#answerTo(back, [], from, now) : [] };
  }

  /** A challenge names the boot that it doubts. */
  #asksUs(challenge: Uint8Array): boolean {
    return sameBytes(challenge.subarray(0, BOOT_BYTES), this.#boot);
  }

  /** An answer, perhaps with a challenge back; then again what whoever asks could not take before. */
  #answerTo(challenge: Uint8Array, back: readonly Uint8Array[], to: Endpoint, now: number): SealedPacket[] {
    const answer = this.#seal("answer", challenge.subarray(BOOT_BYTES), ...back);
    const again = this.#resends.take(to, now).map((plain) => this.#seal("packet", plain));
    return [answer, ...again].map((bytes) => ({ to, bytes }));
  }

  #seal(form: Form, ...body: readonly Uint8Array[]): Uint8Array {
    return this.#frames.seal(this.#heads.write(form, ...body));
  }

  #isOwn({ name, boot }: Head): boolean {
    return name === this.#name && sameBytes(boot, this.#boot);
  }
}

function refused(fault: SealFault, send: readonly SealedPacket[] = []): Opened {
  return { refused: fault, send };
}

/** The `aes-gcm` seal (contract.ts), as memberlist 0.2.2 does it. It knows no senders and refuses no repetition. */
import { LIMITS } from "../../../base/limits.ts";
import type { Rng } from "../../../base/rng.ts";
import type { Endpoint } from "../messages.ts";
import { AES_OVERHEAD_BYTES, decrypt, encrypt, NO_AAD } from "./aes_gcm.ts";
import { Chunks } from "./chunks.ts";
import type { Opened, Seal, SealFault, SealStream, StreamStep } from "./contract.ts";
import type { Keyring } from "./keyring.ts";

/** memberlist's `encryptMsg`. */
const ENCRYPTED = 10;
/** That byte and the length of what follows; authenticated with it. */
const BLOCK_HEAD_BYTES = 5;

export class AesSeal implements Seal {
  readonly security = "aes-gcm";
  readonly #keyring: Keyring;
  readonly #rng: Rng;

  constructor({ keyring, rng }: { keyring: Keyring; rng: Rng }) {
    this.#keyring = keyring;
    this.#rng = rng;
  }

  roomFor(datagramBytes: number): number {
    return datagramBytes - AES_OVERHEAD_BYTES;
  }

  sealPacket(plain: Uint8Array, _to: Endpoint, _now: number): Uint8Array {
    if (plain.length > this.roomFor(LIMITS.sealDatagramBytesMax)) {
      throw new RangeError(`${plain.length} bytes do not fit one datagram`);
    }
    return encrypt(this.#keyring, this.#rng, plain, NO_AAD);
  }

  openPacket(bytes: Uint8Array, _from: Endpoint, _now: number): Opened {
    if (bytes.length > LIMITS.sealDatagramBytesMax) return { refused: "too_big", send: [] };
    const plain = decrypt(this.#keyring, bytes, NO_AAD);
    return typeof plain === "string" ? { refused: plain, send: [] } : { plain, send: [] };
  }

  dialStream(): SealStream {
    return new AesStream(this.#keyring, this.#rng);
  }

  acceptStream(): SealStream {
    return new AesStream(this.#keyring, this.#rng);
  }
}

/** One block each way. */
class AesStream implements SealStream {
  readonly #keyring: Keyring;
  readonly #rng: Rng;
  readonly #chunks = new Chunks();
  /** Of the block that is coming, when it is known. */
  #head: Uint8Array | undefined;
  #wrote = false;
  #state: "hears" | "ended" | "dead" = "hears";

  constructor(keyring: Keyring, rng: Rng) {
    this.#keyring = keyring;
    this.#rng = rng;
  }

  write(message: Uint8Array): StreamStep {
    if (this.#wrote) throw new Error("a stream carries one message each way");
    const length = message.length + AES_OVERHEAD_BYTES;
    if (length > LIMITS.sealStreamBytesMax) throw new RangeError(`${message.length} bytes in one message`);
    this.#wrote = true;
    const head = new Uint8Array(BLOCK_HEAD_BYTES);
    head[0] = ENCRYPTED;
    new DataView(head.buffer).setUint32(1, length);
    return this.#step([head, encrypt(this.#keyring, this.#rng, message, head)]);
  }

  feed(chunk: Uint8Array): StreamStep {
    if (this.#state === "dead") return this.#step([]);
    this.#chunks.push(chunk);
    if (this.#state === "ended") return this.#chunks.length === 0 ? this.#step([]) : this.#refuse("out_of_turn");
    this.#head ??= this.#chunks.take(BLOCK_HEAD_BYTES);
    // What cannot become a block is refused before it is waited for.
    if (this.#head === undefined) return this.#step([]);
    if (this.#head[0] !== ENCRYPTED) return this.#refuse("malformed");
    const length = new DataView(this.#head.buffer).getUint32(1);
    if (length > LIMITS.sealStreamBytesMax) return this.#refuse("too_big");
    const block = this.#chunks.take(length);
    if (block === undefined) return this.#step([]);
    const plain = decrypt(this.#keyring, block, this.#head);
    if (typeof plain === "string") return this.#refuse(plain);
    if (this.#chunks.length > 0) return this.#refuse("out_of_turn");
    this.#state = "ended";
    return { send: [], plain: plain.length === 0 ? [] : [plain], ended: true };
  }

  #refuse(fault: SealFault): StreamStep {
    this.#state = "dead";
    return { ...this.#step([]), refused: fault };
  }

  #step(send: Uint8Array[]): StreamStep {
    return { send, plain: [], ended: this.#state === "ended" };
  }
}

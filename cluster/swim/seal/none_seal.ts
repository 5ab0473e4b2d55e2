/** The `none` seal (contract.ts): bytes as they are. */
import { LIMITS } from "../../../base/limits.ts";
import type { Endpoint } from "../messages.ts";
import type { Opened, Seal, SealStream, StreamStep } from "./contract.ts";

export class NoneSeal implements Seal {
  readonly security = "none";

  roomFor(datagramBytes: number): number {
    return datagramBytes;
  }

  sealPacket(plain: Uint8Array, _to: Endpoint, _now: number): Uint8Array {
    if (plain.length > LIMITS.sealDatagramBytesMax) {
      throw new RangeError(`${plain.length} bytes do not fit one datagram`);
    }
    return plain;
  }

  openPacket(bytes: Uint8Array, _from: Endpoint, _now: number): Opened {
    if (bytes.length > LIMITS.sealDatagramBytesMax) return { refused: "too_big", send: [] };
    return { plain: bytes, send: [] };
  }

  dialStream(): SealStream {
    return new NoneStream();
  }

  acceptStream(): SealStream {
    return new NoneStream();
  }
}

class NoneStream implements SealStream {
  #wrote = false;
  #heardBytes = 0;

  write(message: Uint8Array): StreamStep {
    if (this.#wrote) throw new Error("a stream carries one message each way");
    this.#wrote = true;
    return { send: [message], plain: [], ended: false };
  }

  feed(chunk: Uint8Array): StreamStep {
    this.#heardBytes += chunk.length;
    if (this.#heardBytes > LIMITS.sealStreamBytesMax) return { send: [], plain: [], ended: false, refused: "too_big" };
    return { send: [], plain: chunk.length === 0 ? [] : [chunk], ended: false };
  }
}

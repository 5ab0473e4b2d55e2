/**
 * What every `jws` payload begins with, big-endian:
 *
 * | bytes | holds                                                          |
 * |-------|----------------------------------------------------------------|
 * | 1     | form: what follows the head, in this version of it             |
 * | 4     | cluster: the first bytes of the SHA-256 of its name            |
 * | 8     | boot of the sender                                             |
 * | 6     | counter: one more for each thing this boot seals               |
 * | 1 + n | the sender's name: length, then UTF-8                          |
 *
 * and then, by form: packet: what was packed · challenge: the challenged boot (8), nonce (16) · answer: nonce (16), and
 * perhaps a challenge back · hello: nonce (16) · welcome: the hello's nonce, nonce (16) · asked and answered: session
 * (16), number of the frame (4), 1 for the last and 0 (1), part of the message.
 */
import { createHash } from "node:crypto";
import { LIMITS } from "../../../base/limits.ts";
import type { SealFault } from "./contract.ts";

export const FORMS = {
  packet: 0x11,
  challenge: 0x12,
  answer: 0x13,
  hello: 0x14,
  welcome: 0x15,
  /** A frame from the dialer, and one from the acceptor. */
  asked: 0x16,
  answered: 0x17,
} as const;
export type Form = keyof typeof FORMS;

export const BOOT_BYTES = 8;
export const NONCE_BYTES = 16;
const CLUSTER_AT = 1;
const BOOT_AT = 5;
const COUNTER_AT = 13;
const NAME_AT = 19;
const COUNTER_MAX = 2 ** 48 - 1;

const FORM_OF: ReadonlyMap<number, Form> = new Map(
  Object.keys(FORMS).map((form) => [FORMS[form as Form], form as Form]),
);

export interface Head {
  readonly form: Form;
  readonly boot: Uint8Array;
  readonly counter: number;
  readonly name: string;
  readonly body: Uint8Array;
}

/** One sender's heads: it counts. */
export class HeadWriter {
  readonly #start: Uint8Array;
  #counter = 0;

  /** Throws RangeError for a boot or name of another length. */
  constructor({ cluster, name, boot }: { cluster: string; name: string; boot: Uint8Array }) {
    const text = new TextEncoder().encode(name);
    if (text.length === 0 || text.length > LIMITS.sealNameBytesMax || !name.isWellFormed()) {
      throw new RangeError(`a member's name has 1 to ${LIMITS.sealNameBytesMax} bytes, not ${text.length}`);
    }
    if (boot.length !== BOOT_BYTES) throw new RangeError(`a boot has ${BOOT_BYTES} bytes, not ${boot.length}`);
    this.#start = new Uint8Array(NAME_AT + 1 + text.length);
    this.#start.set(clusterTag(cluster), CLUSTER_AT);
    this.#start.set(boot, BOOT_AT);
    this.#start[NAME_AT] = text.length;
    this.#start.set(text, NAME_AT + 1);
  }

  get bytes(): number {
    return this.#start.length;
  }

  /** A payload: the head and what follows it. */
  write(form: Form, ...body: readonly Uint8Array[]): Uint8Array {
    if (this.#counter === COUNTER_MAX) throw new RangeError("the counter of this boot is used up");
    this.#counter++;
    let length = this.#start.length;
    for (const part of body) length += part.length;
    const payload = new Uint8Array(length);
    payload.set(this.#start);
    payload[0] = FORMS[form];
    const view = new DataView(payload.buffer);
    view.setUint16(COUNTER_AT, Math.floor(this.#counter / 2 ** 32));
    view.setUint32(COUNTER_AT + 2, this.#counter % 2 ** 32);
    let at = this.#start.length;
    for (const part of body) {
      payload.set(part, at);
      at += part.length;
    }
    return payload;
  }
}

/** Reads the heads of one cluster. */
export class HeadReader {
  readonly #cluster: Uint8Array;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(cluster: string) {
    this.#cluster = clusterTag(cluster);
  }

  /** The boot and the body are views into `payload`. */
  read(payload: Uint8Array): Head | SealFault {
    const form = FORM_OF.get(payload[0] ?? 0);
    const nameEnd = NAME_AT + 1 + (payload[NAME_AT] ?? 0);
    if (form === undefined || payload.length < nameEnd || nameEnd === NAME_AT + 1) return "malformed";
    if (!sameBytes(payload.subarray(CLUSTER_AT, BOOT_AT), this.#cluster)) return "foreign_cluster";
    let name: string;
    try {
      name = this.#decoder.decode(payload.subarray(NAME_AT + 1, nameEnd));
    } catch {
      return "malformed";
    }
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    return {
      form,
      boot: payload.subarray(BOOT_AT, COUNTER_AT),
      counter: view.getUint16(COUNTER_AT) * 2 ** 32 + view.getUint32(COUNTER_AT + 2),
      name,
      body: payload.subarray(nameEnd),
    };
  }
}

/** For what is no secret. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

function clusterTag(cluster: string): Uint8Array {
  return createHash("sha256").update(cluster).digest().subarray(0, BOOT_AT - CLUSTER_AT);
}

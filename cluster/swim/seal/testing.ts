/** Members with seals, for tests. */
import { seededRng } from "../../../base/rng.ts";
import type { Endpoint } from "../messages.ts";
import { createSeal, Keyring, type Opened, type Seal, type SealStream } from "./mod.ts";

export const KEY = new Uint8Array(32).fill(1);
export const OTHER_KEY = new Uint8Array(32).fill(2);
export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

export interface TestMember {
  readonly seal: Seal;
  readonly at: Endpoint;
  readonly keyring: Keyring;
}

let boots = 0;

/** A member at its first or next start: each has another boot. The name's last digit is its address's. */
export function start(name: string, keys: readonly Uint8Array[] = [KEY], cluster = "lab"): TestMember {
  const rng = seededRng(++boots);
  const keyring = new Keyring("jws", keys);
  const seal = createSeal({ security: "jws", cluster, name, boot: rng.bytes(8), keyring, rng });
  return { seal, at: { address: `10.0.0.${name.at(-1)}`, port: 7946 }, keyring };
}

/** Brings a packet of `from` to `to`, and whatever follows between the two. What was opened on either side, in order. */
export function deliver(from: TestMember, to: TestMember, bytes: Uint8Array, now: number): Opened[] {
  const opened: Opened[] = [];
  const wire = [{ from, to, bytes }];
  for (let step = wire.shift(); step !== undefined; step = wire.shift()) {
    const result = step.to.seal.openPacket(step.bytes, step.from.at, now);
    opened.push(result);
    wire.push(...result.send.map((packet) => ({ from: step.to, to: step.from, bytes: packet.bytes })));
    if (opened.length > 100) throw new Error("they never stop talking");
  }
  return opened;
}

/** Makes both know each other's boot. */
export function acquaint(a: TestMember, b: TestMember, now = 0): void {
  deliver(a, b, a.seal.sealPacket(text("hello"), b.at, now), now);
}

/** The one opening of one packet. */
export function open(to: TestMember, bytes: Uint8Array, from: TestMember, now = 0): Opened {
  return to.seal.openPacket(bytes, from.at, now);
}

/** All bytes as one. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What a whole stream came to: what each side sent and read. */
export interface Talk {
  dialed: Uint8Array[];
  accepted: Uint8Array[];
  question: Uint8Array;
  answer: Uint8Array;
  /** Both messages came whole and were read to the end. */
  whole: boolean;
}

/** A question and its answer on a stream; `cut` says in what pieces bytes come. */
export function talk(
  dialer: SealStream,
  acceptor: SealStream,
  question: Uint8Array,
  answer: Uint8Array,
  cut: (bytes: Uint8Array) => Uint8Array[] = (bytes) => [bytes],
): Talk {
  const heard = { question: [] as Uint8Array[], answer: [] as Uint8Array[] };
  const dialed: Uint8Array[] = [...dialer.write(question).send];
  const accepted: Uint8Array[] = [];
  const ended = { question: false, answer: false };
  for (let d = 0, a = 0; d < dialed.length || a < accepted.length;) {
    const [toAcceptor, toDialer] = [joined(dialed.slice(d)), joined(accepted.slice(a))];
    [d, a] = [dialed.length, accepted.length];
    for (const chunk of toAcceptor.length === 0 ? [] : cut(toAcceptor)) {
      const step = acceptor.feed(chunk);
      if (step.refused !== undefined) throw new Error(step.refused);
      heard.question.push(...step.plain);
      accepted.push(...step.send);
      if (step.ended) accepted.push(...acceptor.write(answer).send);
      ended.question ||= step.ended;
    }
    for (const chunk of toDialer.length === 0 ? [] : cut(toDialer)) {
      const step = dialer.feed(chunk);
      if (step.refused !== undefined) throw new Error(step.refused);
      heard.answer.push(...step.plain);
      dialed.push(...step.send);
      ended.answer ||= step.ended;
    }
  }
  return {
    dialed,
    accepted,
    question: joined(heard.question),
    answer: joined(heard.answer),
    whole: ended.question && ended.answer,
  };
}

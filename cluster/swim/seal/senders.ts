/**
 * Who is known to be running: for each name the one boot that was proven, with its replay window, and the questions that
 * are open (contract.ts, "Proof of a boot").
 *
 * Questions are numbered. Who answered one was running after it was asked, and whoever was heard before it had started
 * before; so of two boots of a name that answered, the one with the later question is the newer, in whatever order the
 * answers come.
 */
import { LIMITS } from "../../../base/limits.ts";
import type { Rng } from "../../../base/rng.ts";
import { toBase64url } from "../../../wire/base64url.ts";
import { NONCE_BYTES, sameBytes } from "./head.ts";
import { ReplayWindow } from "./replay_window.ts";

/** A boot of a member, as a head names it. */
export interface Claim {
  readonly name: string;
  readonly boot: Uint8Array;
  readonly counter: number;
}

interface Sender {
  readonly boot: Uint8Array;
  readonly provenBy: number;
  readonly window: ReplayWindow;
}

interface Question {
  readonly name: string;
  readonly number: number;
  readonly nonce: Uint8Array;
  readonly since: number;
  askedAt: number;
}

const SECOND_MS = 1000;

export class Senders {
  readonly #rng: Rng;
  /** By name; the one heard least lately first. */
  readonly #proven = new Map<string, Sender>();
  /** By boot and name; the oldest first. */
  readonly #open = new Map<string, Question>();
  #numbers = 0;
  /** What was asked in the second that began then. */
  #second = { since: Number.NEGATIVE_INFINITY, asked: 0 };

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** Takes a counter of a proven boot, once. */
  hear({ name, boot, counter }: Claim): "fresh" | "replayed" | "too_old" | "unproved" {
    const sender = this.#proven.get(name);
    if (sender === undefined || !sameBytes(sender.boot, boot)) return "unproved";
    const verdict = sender.window.hear(counter);
    if (verdict === "fresh") {
      this.#proven.delete(name);
      this.#proven.set(name, sender);
    }
    return verdict;
  }

  /** The nonce to challenge an unproved boot with; nothing when it was asked a moment ago, or too many were. */
  ask({ name, boot }: Claim, now: number): { nonce: Uint8Array } | "asked" | "busy" {
    this.#forgetOld(now);
    const id = questionId(name, boot);
    const known = this.#open.get(id);
    if (known !== undefined && now - known.askedAt < LIMITS.sealChallengeAgainMs) return "asked";
    if (!this.#mayAsk(now)) return "busy";
    if (known !== undefined) {
      known.askedAt = now;
      return known;
    }
    this.#makeRoom(name);
    const question = {
      name,
      number: this.nextNumber(),
      nonce: this.#rng.bytes(NONCE_BYTES),
      since: now,
      askedAt: now,
    };
    this.#open.set(id, question);
    return question;
  }

  /** True when it answers an open question: from then on its boot is the proven one. */
  answer(claim: Claim, nonce: Uint8Array, now: number): boolean {
    this.#forgetOld(now);
    const question = this.#open.get(questionId(claim.name, claim.boot));
    return question !== undefined && sameBytes(question.nonce, nonce) && this.prove(claim, question.number);
  }

  /** For a question asked by other means: a nonce in a stream's handshake, numbered when it was made. */
  nextNumber(): number {
    return ++this.#numbers;
  }

  /** What answered question `number` is the name's boot, unless a newer one is known. Its later counters are taken. */
  prove({ name, boot, counter }: Claim, number: number): boolean {
    const sender = this.#proven.get(name);
    if (sender !== undefined && sender.provenBy > number) return false;
    for (const [id, question] of this.#open) {
      if (question.name === name && question.number <= number) this.#open.delete(id);
    }
    // The window of a boot that is proven again stays: a new one would begin too late for what is under way.
    const window = sender !== undefined && sameBytes(sender.boot, boot) ? sender.window : new ReplayWindow(counter);
    this.#proven.delete(name);
    this.#proven.set(name, { boot: boot.slice(), provenBy: number, window });
    if (this.#proven.size > LIMITS.sealSendersMax) dropFirst(this.#proven);
    return true;
  }

  #forgetOld(now: number): void {
    for (const [id, { since }] of this.#open) {
      if (now - since <= LIMITS.sealChallengeMsMax) return;
      this.#open.delete(id);
    }
  }

  #mayAsk(now: number): boolean {
    if (now - this.#second.since >= SECOND_MS) this.#second = { since: now, asked: 0 };
    if (this.#second.asked >= LIMITS.sealChallengesPerSecondMax) return false;
    this.#second.asked++;
    return true;
  }

  #makeRoom(name: string): void {
    const ofName = [...this.#open].filter(([, question]) => question.name === name);
    if (ofName.length >= LIMITS.sealChallengesPerNameMax) this.#open.delete(ofName[0]![0]);
    else if (this.#open.size >= LIMITS.sealChallengesMax) dropFirst(this.#open);
  }
}

function questionId(name: string, boot: Uint8Array): string {
  return `${toBase64url(boot)} ${name}`;
}

function dropFirst(map: Map<string, unknown>): void {
  for (const first of map.keys()) {
    map.delete(first);
    return;
  }
}

/**
 * Gossip frames verified: by our seal, with everything it does before it gives a packet on (key, MAC, strict spelling,
 * cluster, boot, replay window), against `jose`'s `compactVerify` of the same frames, which does key, MAC and decoding.
 */
import { compactVerify } from "jose";
import { systemRng } from "../base/rng_system.ts";
import { createSeal, Keyring, type Seal } from "../cluster/swim/seal/mod.ts";
import { type BenchResult, median } from "./result.ts";

/** Many short ones: what else the machine does then falls on both sides alike. */
const ROUNDS = 41;
const FRAMES = 600;
/** Packed bytes: a ping with little gossip, some gossip, a full datagram. */
const SIZES = [60, 300, 900];
const TARGET = 3;

/** Runs both sides in turn. */
export async function benchFrameVerify(): Promise<BenchResult> {
  const key = systemRng.bytes(32);
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  const [sender, receiver] = acquainted(key);
  const rounds: { ours: number; peer: number }[] = [];
  // The first round warms up and is not counted.
  for (let round = 0; round <= ROUNDS; round++) {
    const frames = Array.from({ length: FRAMES }, (_, i) => {
      return sender.sealPacket(systemRng.bytes(SIZES[i % SIZES.length]!), AT, 0);
    });
    const ours = FRAMES / secondsOf(() => openAll(receiver, frames));
    const peer = FRAMES / await secondsOfAsync(() => verifyAll(imported, frames));
    if (round > 0) rounds.push({ ours, peer });
  }
  return {
    name: "frame-verify",
    ours: Math.round(median(rounds.map(({ ours }) => ours))),
    peer: Math.round(median(rounds.map(({ peer }) => peer))),
    unit: "frames/s",
    ratio: median(rounds.map(({ ours, peer }) => ours / peer)),
    target: TARGET,
    better: "higher",
    notes: `${ROUNDS} rounds of ${FRAMES} frames of ${SIZES.join(", ")} packed bytes; ` +
      "ours from datagram to packet with its replay window, jose's compactVerify with an imported key",
  };
}

const AT = { address: "127.0.0.1", port: 7946 };

/** Two members' seals; the second knows that the first is running. */
function acquainted(key: Uint8Array): [Seal, Seal] {
  const make = (name: string) => {
    const keyring = new Keyring("jws", [key]);
    return createSeal({ security: "jws", cluster: "bench", name, boot: systemRng.bytes(8), keyring, rng: systemRng });
  };
  const [sender, receiver] = [make("sender"), make("receiver")];
  const asked = receiver.openPacket(sender.sealPacket(new Uint8Array(1), AT, 0), AT, 0);
  for (const { bytes } of sender.openPacket(asked.send[0]!.bytes, AT, 0).send) receiver.openPacket(bytes, AT, 0);
  return [sender, receiver];
}

function openAll(receiver: Seal, frames: readonly Uint8Array[]): void {
  for (const frame of frames) {
    const { plain, refused } = receiver.openPacket(frame, AT, 0);
    if (plain === undefined) throw new Error(`a frame was refused: ${refused}`);
  }
}

/** One after another: all at once takes longer. */
async function verifyAll(key: CryptoKey, frames: readonly Uint8Array[]): Promise<void> {
  for (const frame of frames) await compactVerify(frame, key);
}

function secondsOf(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

async function secondsOfAsync(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

if (import.meta.main) console.log(await benchFrameVerify());

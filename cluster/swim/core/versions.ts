/** memberlist's protocol versions: what a member speaks, and whether all of a cluster understand each other. */
import type { PushNode, Versions } from "../messages.ts";

export function sameVersions(a: Versions, b: Versions): boolean {
  return a.every((version, i) => version === b[i]);
}

/** Whether a member's own range is one at all. */
export function versionsMakeSense([least, most]: Versions): boolean {
  return least > 0 && most > 0 && least <= most;
}

/** The protocol from which a member understands a packet's checksum. */
const CHECKSUM_PROTOCOL = 5;

export function understandsChecksum([, most]: Versions): boolean {
  return most >= CHECKSUM_PROTOCOL;
}

type Speaker = Pick<PushNode, "name" | "state" | "versions">;

/**
 * Why these cannot be one cluster, or `undefined`: each must speak a version within the range that all living ones
 * understand, of the protocol and of what stands above it (verifyProtocol in state.go).
 */
export function incompatibility(speakers: readonly Speaker[]): string | undefined {
  const living = speakers.filter(({ state }) => state === "alive");
  for (const [from, what] of [[0, "protocol"], [3, "delegate protocol"]] as const) {
    const least = Math.max(0, ...living.map(({ versions }) => versions[from] ?? 0));
    const most = Math.min(255, ...living.map(({ versions }) => versions[from + 1] ?? 255));
    for (const { name, versions } of living) {
      const spoken = versions[from + 2] ?? 0;
      if (spoken < least || spoken > most) {
        return `${name} speaks ${what} ${spoken}, the others understand ${least} to ${most}`;
      }
    }
  }
  return undefined;
}

/** Lines that go on after the connection broke: what follows a run or a stream outlives a server's restart. */
import { pause } from "../base/clock.ts";
import { JabberError } from "../base/errors.ts";
import { ServerRefusal } from "./api.ts";
import type { World } from "./world.ts";

/** How often a broken connection is tried again before the command gives up; long enough for a server's restart. */
const RETRIES_MAX = 30;
const RETRY_MS = 1000;
/** A connection that held this long was a good one: what breaks after it is counted from the start. */
const GOOD_MS = 30_000;

/**
 * The lines that `open` gives, asked for anew whenever the connection breaks or ends: the caller stops when it has heard
 * enough, and opens where it wants to go on. Ends when `signal` aborts.
 * @throws what the server refuses, and `net.unreachable` when it stays away
 */
export async function* steadyLines(
  world: World,
  open: () => AsyncIterable<string>,
  signal: AbortSignal,
): AsyncGenerator<string, void, void> {
  let isLost = false;
  for (let tries = 0; !signal.aborted; tries++) {
    const since = world.clock.monotonic();
    let lost: unknown = new JabberError("net.unreachable", "the answer broke off");
    try {
      for await (const line of open()) {
        if (isLost) world.err("connected again\n");
        isLost = false;
        yield line;
      }
    } catch (cause) {
      lost = cause;
    }
    if (signal.aborted) return;
    if (world.clock.monotonic() - since > GOOD_MS) tries = 0;
    if (tries >= RETRIES_MAX || !isPassing(lost)) throw lost;
    if (!isLost) world.err("connection lost, trying again…\n");
    isLost = true;
    await pause(world.clock, RETRY_MS, signal);
  }
}

/** A server that says no means it, unless it only says that it is about to stop. */
function isPassing(cause: unknown): boolean {
  return !(cause instanceof ServerRefusal) || cause.code === "server.stopping";
}

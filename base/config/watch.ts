/**
 * Notices that a file has another content. Content, not its date: a copy of the same file is no change. An editor may
 * write it in pieces, so a new content counts once two looks in a row have seen the same.
 *
 *   calm ──another content──▶ settling ──the same again──▶ told, calm
 *                               └─another one─▶ settling
 *
 * `look()` (somebody asked, by a signal) tells what is there at once, changed or not.
 */
import type { Clock } from "../clock.ts";
import { LIMITS } from "../limits.ts";

export interface ContentWatch {
  look(): void;
  stop(): void;
}

/** @param read fails when the file cannot be read, which is a content of its own: `null` @param first what is known of it */
export function watchContent(
  read: () => string | Promise<string>,
  clock: Clock,
  onContent: (content: string | null) => void,
  first: string | null,
): ContentWatch {
  let told = first;
  let seen = first;
  let stopped = false;
  let cancel = (): void => {};
  const content = async (): Promise<string | null> => {
    try {
      return await read();
    } catch {
      return null;
    }
  };
  const tell = (now: string | null): void => {
    told = seen = now;
    onContent(now);
  };
  const wait = (): void => {
    const ms = seen === told ? LIMITS.policyCheckEveryMs : LIMITS.configSettleMs;
    cancel = clock.after(ms, async () => {
      const now = await content();
      if (stopped) return;
      if (now === seen && now !== told) tell(now);
      seen = now;
      wait();
    });
  };
  wait();
  return {
    look: () => void content().then((now) => stopped || tell(now)),
    stop: () => {
      stopped = true;
      cancel();
    },
  };
}

/**
 * One identity, two hosts: what a server concludes when an agent connects whose id already has a live session.
 *
 * `boot` is made once per process start; `epoch` rises, on disk, before every connect. So of one honest agent:
 * a reconnect has the same boot and a higher epoch; a restart has a new boot and a higher epoch; and a process that
 * was followed by another never comes back. What breaks that is a copied data folder or a restored snapshot:
 *
 * | newcomer                             | verdict | because                                                 |
 * |--------------------------------------|---------|---------------------------------------------------------|
 * | no live session                      | accept  | nothing to compare with                                 |
 * | same boot, higher epoch              | replace | reconnect: the old socket is half-open                  |
 * | same boot, same or lower epoch       | stale   | an earlier attempt that was overtaken: refuse it         |
 * | boot that another one replaced       | clone   | it should be gone, yet it lives                         |
 * | new boot, higher epoch               | replace | restart: the old socket is half-open                    |
 * | new boot, same or lower epoch        | clone   | it has not seen the live session's epoch: a copy, or a  |
 * |                                      |         | snapshot from before it                                 |
 *
 * On `clone` the newcomer stays, the old session ends with `agent.clone`, and both are flagged. Two clones that keep
 * reconnecting are flagged at every turn: after the first, each finds its own boot among the replaced ones.
 * A copy that starts for the first time with a higher epoch than the live one looks like a restart once, not twice.
 */
import { LIMITS } from "../../base/limits.ts";

/** Which process, which connect. */
export interface SessionMark {
  boot: string;
  epoch: number;
}

/** What a server remembers of an agent's live session. */
export interface LiveSession extends SessionMark {
  /** Boots that were replaced by another boot, newest last; at most `retiredBootsMax`. */
  retired: readonly string[];
}

export type CloneVerdict = "accept" | "replace" | "clone" | "stale";

/** The verdict, and the session that lives on: the newcomer's, but the old one after `stale`. */
export interface CloneJudgement {
  verdict: CloneVerdict;
  session: LiveSession;
}

/** Judges a newcomer against the live session of its id (here, or on the server the catalog names). */
export function judgeNewcomer(live: LiveSession | undefined, newcomer: SessionMark): CloneJudgement {
  const { boot, epoch } = newcomer;
  if (live === undefined) return { verdict: "accept", session: { boot, epoch, retired: [] } };
  if (boot === live.boot) {
    if (epoch <= live.epoch) return { verdict: "stale", session: live };
    return { verdict: "replace", session: { boot, epoch, retired: live.retired } };
  }
  const retired = [...live.retired.filter((other) => other !== boot && other !== live.boot), live.boot]
    .slice(-LIMITS.retiredBootsMax);
  const clone = live.retired.includes(boot) || epoch <= live.epoch;
  return { verdict: clone ? "clone" : "replace", session: { boot, epoch, retired } };
}

/** What a run of the simulator can fail with: one name for each promise that is watched. */

export const CHECKS = {
  acknowledged: "a record that was acknowledged, or let go by its agent, lies durably on the server for ever",
  offsets: "offsets of a stream are gapless, and a line never changes",
  once: "an order with `runs: once` starts at most once on an agent",
  jobs: "no due time of a job fires twice, and nothing of it after its end was told",
  signed: "nothing runs without a trusted signature or the policy's leave, elsewhere, otherwise or at another time",
  durable: "nothing is started, sent, published or answered before it is durable",
  targets: "how far an order got is told truly, and an end is an end",
  bounds: "memory, windows, credit, datagrams and gossip at rest stay within their bounds",
  members: "after the heal every server sees exactly the living ones alive, soon, and goes on to",
  dead: "a server that is gone for good is never alive again at anybody once all know it",
  entries: "nothing stands in a catalog but what its writer made durable, as it wrote it",
  copies: "after the heal all copies of the catalog are equal, soon",
  digests: "a copy holds everything that its digest claims, or what wins over it",
  written: "no durable write is lost unless somebody overwrote it knowingly, or it is shown among the losers",
  removed: "an agent that was removed is nothing else ever again",
  tables: "after the heal each server's own scripts and enrolments are those of the catalog",
  converge: "after the faults are over everything comes to its end in bounded time",
  core: "a core never throws",
} as const;

export type CheckName = keyof typeof CHECKS;

/** A promise that was broken. */
export class SimFailure extends Error {
  override readonly name = "SimFailure";

  constructor(readonly check: CheckName, message: string) {
    super(message);
  }
}

/** @throws SimFailure unless `holds` */
export function must(check: CheckName, holds: boolean, message: () => string): void {
  if (!holds) throw new SimFailure(check, message());
}

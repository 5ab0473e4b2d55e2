/** How a bug is planted: a thin coat around a real core that breaks one promise, and the check that has to notice. */
import type { AgentCore } from "../../../agent/core/core.ts";
import { createAgentCore } from "../../../agent/core/core.ts";
import type { AgentCoreDeps, AgentEffect, AgentEvent } from "../../../agent/core/contract.ts";
import type { StoreOp } from "../../../base/store.ts";
import type { ServerEffect, ServerEvent } from "../../../server/core/contract.ts";
import { createServerCore, type ServerCore } from "../../../server/core/core.ts";
import { placeOf } from "../checks/records.ts";
import type { CheckName } from "../checks/failure.ts";
import type { Profile } from "../faults/profile.ts";
import type { Makers } from "../world/world.ts";

export interface Plant {
  /** What the core does wrong. */
  bug: string;
  /** Whichever of them comes first. */
  seenBy: readonly CheckName[];
  makers: Partial<Makers>;
  /** Faults that bring it out. */
  profile?: Partial<Profile>;
}

type AgentStep = (core: AgentCore, event: AgentEvent, now: number) => AgentEffect[];
type ServerStep = (core: ServerCore, event: ServerEvent, now: number) => ServerEffect[];

/** @param coat makes the step of one process, so that it may remember things */
export function coatAgent(
  coat: () => AgentStep,
  change: (deps: AgentCoreDeps) => AgentCoreDeps = (deps) => deps,
): Partial<Makers> {
  return {
    agentCore(deps) {
      const core = createAgentCore(change(deps));
      const step = coat();
      return { step: (event, now) => step(core, event, now) };
    },
  };
}

export function coatServer(coat: () => ServerStep): Partial<Makers> {
  return {
    serverCore(deps) {
      const core = createServerCore(deps);
      const step = coat();
      return { ...core, step: (event, now) => step(core, event, now) };
    },
  };
}

export const plainAgent = (): AgentStep => (core, event, now) => core.step(event, now);

/** Changes the ops of every persist. */
export function agentOps(change: (ops: StoreOp[]) => StoreOp[]): Partial<Makers> {
  return coatAgent(() => (core, event, now) =>
    core.step(event, now).map((effect) => effect.do === "persist" ? { ...effect, ops: change(effect.ops) } : effect)
  );
}

export function serverOps(coat: () => (ops: StoreOp[]) => StoreOp[]): Partial<Makers> {
  return coatServer(() => {
    const change = coat();
    return (core, event, now) =>
      core.step(event, now).map((effect) => effect.do === "persist" ? { ...effect, ops: change(effect.ops) } : effect);
  });
}

/** The streams of a frame of records, with the end of each. */
export function endsOf(text: string): { stream: string; next: number }[] {
  const ends = new Map<string, number>();
  for (const line of text.split("\n")) {
    const at = placeOf(line);
    if (at !== undefined) ends.set(at.stream, at.offset + 1);
  }
  return Array.from(ends, ([stream, next]) => ({ stream, next }));
}

export function ackOf(text: string): string {
  return JSON.stringify({
    v: 1,
    id: "01KDVDN7G0000000000000000A",
    kind: "ack",
    from: "node",
    time: "2026-01-01T00:00:00.000Z",
    body: { streams: endsOf(text) },
  });
}

export const withoutLast = (op: StoreOp): StoreOp => op.op === "append" ? { ...op, lines: op.lines.slice(0, -1) } : op;

/** One life of an agent, and what dies with the process. */
import type { AgentEffect, AgentEvent, AgentState } from "../../../agent/core/contract.ts";
import { type AgentBounds, createAgentBounds } from "../checks/bounds.ts";
import { createExecutor, type Executor } from "./executor.ts";
import type { Socket } from "../world/network.ts";
import { createTimers, type Timers, type World } from "../world/world.ts";
import type { Home, Life } from "./life.ts";

export class AgentProcess {
  state: AgentState = "INITIALIZED";
  readonly timers: Timers;
  readonly executor: Executor;
  readonly bounds: AgentBounds;
  readonly dials = new Map<number, { abort(): void }>();
  readonly sockets = new Map<number, Socket>();

  constructor(
    { timeline, dice }: World,
    { name, clock }: Home,
    readonly life: Life<AgentEvent, AgentEffect>,
    readonly boot: string,
  ) {
    this.bounds = createAgentBounds(name);
    this.timers = createTimers(timeline, clock, () => clock.now(), (name) => life.feed({ type: "timer", name }));
    this.executor = createExecutor(timeline, dice, {
      emission: (run, emission, bytes) => {
        this.bounds.emits(run, bytes);
        life.feed({ type: "emission", run, emission, bytes });
      },
      ended: (run, outcome, error) => life.feed({ type: "ended", run, outcome, ...(error !== undefined && { error }) }),
      audit: (run, action) => life.feed({ type: "audit", run, action, detail: {} }),
    });
  }

  opened(attempt: number, socket: Socket): void {
    this.dials.delete(attempt);
    this.sockets.set(attempt, socket);
    this.bounds.connected();
  }

  send(attempt: number, text: string): void {
    this.bounds.sends(text);
    this.sockets.get(attempt)?.send(text);
  }

  hangUp(attempt: number, reason: string): void {
    this.dials.get(attempt)?.abort();
    this.sockets.get(attempt)?.close(reason);
  }

  credit(run: string, bytes: number): void {
    this.bounds.credits(run, bytes);
    this.executor.credit(run, bytes);
  }

  checkBounds(): void {
    this.bounds.timers(this.timers.count());
    this.bounds.pending(this.life.waiting);
  }

  die(): void {
    this.executor.die();
    this.timers.clear();
    for (const dialling of this.dials.values()) dialling.abort();
    for (const socket of this.sockets.values()) socket.vanish();
    this.life.end();
  }
}

/**
 * Where events of the outside wait. Nothing of a server passes before the walls are up. What judges orders is loaded
 * with the first frame that may hold one: it takes longer to load than the way to READY, and many agents idle for days.
 */
import type { AgentEvent } from "../core/contract.ts";

export interface Door {
  /** Lets the event pass, or keeps it until it may; events keep their order. */
  feed(event: AgentEvent): void;
  /** Fulfilled when the walls are up. */
  readonly walls: Promise<void>;
  /** The walls are up. */
  open(): void;
}

/** A frame of these kinds, or one that spells its kind with escapes. */
const MAY_HOLD_ORDER = /command|cancel|\\u/;

/** @param load loads what judges orders; called once, must not reject */
export function createDoor(pass: (event: AgentEvent) => void, load: () => Promise<void>): Door {
  const { promise: walls, resolve } = Promise.withResolvers<void>();
  let held: AgentEvent[] | undefined = [];
  let open = false;
  let loading = false;
  const passHeld = (): void => {
    const events = held ?? [];
    held = undefined;
    for (const event of events) pass(event);
  };
  const feed = (event: AgentEvent): void => {
    if (held === undefined) return pass(event);
    const mayPass = event.type !== "frame" || (open && !MAY_HOLD_ORDER.test(event.text));
    if (held.length === 0 && mayPass) return pass(event);
    held.push(event);
    if (!open || loading) return;
    loading = true;
    load().then(passHeld);
  };
  return {
    walls,
    feed,
    open() {
      open = true;
      resolve();
      for (const event of held?.splice(0) ?? []) feed(event);
    },
  };
}

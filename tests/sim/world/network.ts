/**
 * A simulated network between agents and servers: websocket connections that carry text frames.
 *
 * Within a connection frames arrive in order and none is missing, as TCP promises; but it may break at any moment and
 * lose the rest of what was on its way, in either direction. Each end hears of that soon, late or never, so that a new
 * connection can overtake the end of the old one, whose last frames may still come meanwhile. One direction may stall.
 * Attempts to connect fail, or succeed on one side only. In a hostile network frames really vanish, double and swap.
 */
import type { Dice, Timeline } from "./clock.ts";
import { createTopology, type Topology } from "./topology.ts";

/** How the network behaves now; changed by the faults. */
export interface NetworkMood {
  /** The longest way of a frame, milliseconds. */
  slowestMs: number;
  /** Probability that an attempt to connect fails. */
  refusing: number;
  /** Probability that a frame is lost, doubled or overtaken, each: what no TCP connection does. */
  hostile: number;
  /** Probability that an end never hears that its connection is gone. */
  silent: number;
}

/** One end of a connection, as its node sees it. */
export interface End {
  frame(text: string): void;
  closed(reason: string): void;
  /** What was sent has left. */
  writable?(): void;
}

/** A node that takes connections. */
export interface Listener<Claim> {
  /** `undefined`: nobody is there. */
  accept(claim: Claim, socket: Socket): End | undefined;
  /** Calls `work` when the process runs: at once, or when it goes on; `gone` if it dies before. */
  ready(work: () => void, gone: () => void): void;
}

/** The two ends of a way, by their nodes' names. */
export interface Way {
  readonly from: string;
  readonly to: string;
}

/** What an end can do. */
export interface Socket {
  send(text: string): void;
  /** Ends the connection from this side: what was sent before still arrives. */
  close(reason: string): void;
  /** The process of this end died: what it sent last may be lost, and the other end may never hear. */
  vanish(): void;
}

export interface Connection {
  readonly way: Way;
  /** Loses a part of what is on its way, both ways. */
  break(): void;
  /** Holds up one direction for a while. */
  stall(direction: "up" | "down", ms: number): void;
  /** Loses what is on its way, and neither end hears of it. */
  sever(): void;
}

export interface Network<Claim> {
  readonly mood: NetworkMood;
  /** The connections that are open, oldest first. */
  open(): Connection[];
  /**
   * Dials; exactly one of `opened` and `failed` is called, unless `abort` is called first.
   * @param end the dialling side's end
   */
  dial(way: Way, claim: Claim, end: End, answer: { opened(socket: Socket): void; failed(): void }): { abort(): void };
}

export function calmNetwork(): NetworkMood {
  return { slowestMs: 10, refusing: 0, hostile: 0, silent: 0 };
}

/** A dial into a cut way is given up after this. */
const UNREACHABLE_MS = 10_000;

/** @param listenerAt the server of a name */
export function createNetwork<Claim>(
  timeline: Timeline,
  dice: Dice,
  listenerAt: (name: string) => Listener<Claim>,
  topology: Topology = createTopology(),
): Network<Claim> {
  const mood = calmNetwork();
  const lines = new Set<Line>();

  const dial: Network<Claim>["dial"] = (way, claim, end, answer) => {
    let over = false;
    const finish = (work: () => void): void => {
      if (over) return;
      over = true;
      work();
    };
    const listener = listenerAt(way.to);
    const knock = (): void => {
      const refused = dice.chance(mood.refusing);
      if (refused && dice.chance(0.5)) return finish(answer.failed);
      const line = new Line(timeline, dice, mood, way, () => void lines.delete(line));
      const opensIn = dice.between(1, mood.slowestMs);
      line.down.to = end;
      line.down.hold(timeline.now() + opensIn + 1);
      const far = listener.accept(claim, line.socket(line.down, line.up));
      if (far === undefined) return finish(answer.failed);
      line.up.to = far;
      if (!line.down.shut) lines.add(line);
      timeline.after(opensIn, () => {
        if (over) return line.socket(line.up, line.down).close("nobody is there any more");
        if (!refused) return finish(() => answer.opened(line.socket(line.up, line.down)));
        // The other side believes that it is connected.
        line.break();
        line.down.to = undefined;
        finish(answer.failed);
      });
    };
    timeline.after(dice.between(1, 2 * mood.slowestMs), () => {
      if (topology.joins(way.from, way.to)) return listener.ready(knock, () => finish(answer.failed));
      timeline.after(UNREACHABLE_MS, () => finish(answer.failed));
    });
    return { abort: () => void (over = true) };
  };

  return { mood, open: () => [...lines], dial };
}

class Line implements Connection {
  readonly up: Pipe;
  readonly down: Pipe;
  readonly #timeline: Timeline;
  readonly #dice: Dice;
  readonly #mood: NetworkMood;
  readonly #gone: () => void;

  constructor(timeline: Timeline, dice: Dice, mood: NetworkMood, readonly way: Way, gone: () => void) {
    this.#timeline = timeline;
    this.#dice = dice;
    this.#mood = mood;
    this.#gone = gone;
    this.up = new Pipe(timeline, dice, mood);
    this.down = new Pipe(timeline, dice, mood);
  }

  socket(out: Pipe, back: Pipe): Socket {
    const dice = this.#dice;
    const mood = this.#mood;
    return {
      send: (text) => {
        if (out.shut || dice.chance(mood.hostile)) return;
        out.put(text);
        if (dice.chance(mood.hostile)) out.put(text);
        this.#timeline.after(dice.between(1, mood.slowestMs), () => back.to?.writable?.());
      },
      close: (reason) => {
        this.#gone();
        out.end(reason, 1);
        // The answer of the other side's end comes back behind what it still had to say.
        back.end(reason, 2 * mood.slowestMs);
      },
      vanish: () => {
        this.#gone();
        back.to = undefined;
        back.shut = true;
        out.lose("connection reset");
      },
    };
  }

  break(): void {
    this.#gone();
    this.up.lose("connection lost");
    this.down.lose("connection lost");
  }

  sever(): void {
    this.#gone();
    this.up.shut = this.down.shut = true;
    this.up.clear();
    this.down.clear();
  }

  stall(direction: "up" | "down", ms: number): void {
    const pipe = direction === "up" ? this.up : this.down;
    pipe.hold(this.#timeline.now() + ms);
  }
}

/** One direction of a connection. */
class Pipe {
  to: End | undefined;
  /** Takes nothing more. */
  shut = false;
  readonly #timeline: Timeline;
  readonly #dice: Dice;
  readonly #mood: NetworkMood;
  readonly #frames: { text: string; at: number }[] = [];
  #heldUntil = 0;
  #pumping = false;
  #lastAt = 0;
  /** What is said when everything has arrived. */
  #farewell: { reason: string; afterMs: number } | undefined;

  constructor(timeline: Timeline, dice: Dice, mood: NetworkMood) {
    this.#timeline = timeline;
    this.#dice = dice;
    this.#mood = mood;
  }

  put(text: string): void {
    const at = this.#timeline.now() + this.#dice.between(1, this.#mood.slowestMs);
    const swaps = this.#dice.chance(this.#mood.hostile);
    if (!swaps) this.#lastAt = Math.max(at, this.#lastAt);
    this.#frames.push({ text, at: swaps ? at : this.#lastAt });
    if (swaps) this.#frames.push(...this.#frames.splice(-2).reverse());
    this.#pump();
  }

  /** What is on its way never arrives. */
  clear(): void {
    this.#frames.length = 0;
    this.#farewell = undefined;
  }

  /** Nothing arrives before then. */
  hold(until: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, until);
  }

  /** Ends in good order. */
  end(reason: string, afterMs: number): void {
    if (this.shut) return;
    this.shut = true;
    this.#farewell = { reason, afterMs };
    this.#pump();
  }

  /** Ends without the last of what is on its way; the other side hears of it soon, late or never. */
  lose(reason: string): void {
    if (this.shut) return;
    const dice = this.#dice;
    this.#frames.length = dice.between(0, this.#frames.length);
    if (dice.chance(0.3)) this.hold(this.#timeline.now() + dice.between(100, 20_000));
    if (dice.chance(this.#mood.silent)) this.shut = true;
    else this.end(reason, dice.between(1, dice.chance(0.3) ? 60_000 : 500));
  }

  #pump(): void {
    if (this.#pumping) return;
    const head = this.#frames[0];
    if (head === undefined && this.#farewell === undefined) return;
    this.#pumping = true;
    const now = this.#timeline.now();
    const at = Math.max(head?.at ?? now + (this.#farewell?.afterMs ?? 0), this.#heldUntil);
    this.#timeline.after(at - now, () => {
      this.#pumping = false;
      if (this.#heldUntil <= this.#timeline.now()) this.#deliver();
      this.#pump();
    });
  }

  #deliver(): void {
    const frame = this.#frames.shift();
    if (frame !== undefined) return this.to?.frame(frame.text);
    const farewell = this.#farewell;
    this.#farewell = undefined;
    if (farewell !== undefined) this.to?.closed(farewell.reason);
  }
}

/**
 * A simulated network between servers: datagrams, and streams that carry one question and its answer.
 *
 * A datagram arrives once, more than once or never, soon or late, so that a later one may overtake it; nobody is told. A
 * stream is dialled, asked and answered in order, and every question is answered exactly once: with what the other side
 * said, or with why there is nothing: nobody hears there (at once), the way is cut (after the asker's patience), the
 * connection broke (before the question arrived, or only the answer was lost). Who reaches whom says the topology.
 * A socket that is closed hears nothing any more, not even answers.
 */
import type { Dice, Timeline } from "./clock.ts";
import type { Topology } from "./topology.ts";

/** How the network behaves now; changed by the faults. */
export interface GossipMood {
  /** Probability that a datagram is lost, that it comes twice, that it comes seconds late. */
  loss: number;
  duplicate: number;
  late: number;
  /** Of a datagram, and of each way of a stream, milliseconds. */
  fastestMs: number;
  slowestMs: number;
  /** Probability that a stream breaks, and where is a matter of chance. */
  breaking: number;
}

/** What a server does with what reaches it. */
export interface GossipHandler<Question, Answer> {
  /** @param from the sender's address */
  datagram(from: string, bytes: Uint8Array): void;
  /** `answer` is called once at the most; what is answered after the asker's patience is lost. */
  asked(from: string, question: Question, answer: (answer: Answer) => void): void;
}

export interface GossipSocket<Question, Answer> {
  send(to: string, bytes: Uint8Array): void;
  /** @param answered hears the answer, or why there is none */
  ask(to: string, question: Question, patienceMs: number, answered: (found: Answer | StreamFault) => void): void;
  close(): void;
}

/** Why a stream had no answer. */
export class StreamFault extends Error {
  override readonly name = "StreamFault";
}

/** What went over the network so far. */
export interface GossipTraffic {
  packets: number;
  bytes: number;
  lost: number;
  streams: number;
}

export interface GossipNetwork<Question, Answer> {
  readonly mood: GossipMood;
  readonly traffic: GossipTraffic;
  /** One socket for each address at a time. @param name the node, as the topology knows it @param address such as "10.0.0.1:7471" */
  open(
    name: string,
    address: string,
    handler: GossipHandler<Question, Answer>,
  ): GossipSocket<Question, Answer>;
}

/** A late datagram comes up to so much later. */
const LATE_MS = 10_000;

export function calmGossip(): GossipMood {
  return { loss: 0, duplicate: 0, late: 0, fastestMs: 1, slowestMs: 10, breaking: 0 };
}

interface Place<Question, Answer> {
  readonly name: string;
  readonly address: string;
  readonly handler: GossipHandler<Question, Answer>;
}

export function createGossipNetwork<Question, Answer>(
  timeline: Timeline,
  dice: Dice,
  topology: Topology,
): GossipNetwork<Question, Answer> {
  return new Net<Question, Answer>(timeline, dice, topology);
}

class Net<Question, Answer> implements GossipNetwork<Question, Answer> {
  readonly mood = calmGossip();
  readonly traffic: GossipTraffic = { packets: 0, bytes: 0, lost: 0, streams: 0 };
  readonly #places = new Map<string, Place<Question, Answer>>();
  readonly #timeline: Timeline;
  readonly #dice: Dice;
  readonly #topology: Topology;

  constructor(timeline: Timeline, dice: Dice, topology: Topology) {
    this.#timeline = timeline;
    this.#dice = dice;
    this.#topology = topology;
  }

  open(name: string, address: string, handler: GossipHandler<Question, Answer>): GossipSocket<Question, Answer> {
    if (this.#places.has(address)) throw new Error(`${address} is taken`);
    const mine = { name, address, handler };
    this.#places.set(address, mine);
    return {
      send: (to, bytes) => {
        if (this.#isOpen(mine)) this.#send(mine, to, bytes);
      },
      ask: (to, question, patienceMs, answered) => {
        if (!this.#isOpen(mine)) return;
        new Stream(this.#timeline, mine, patienceMs, (found) => {
          if (this.#isOpen(mine)) answered(found);
        }).run((stream) => this.#dial(stream, to, question));
      },
      close: () => {
        if (this.#isOpen(mine)) this.#places.delete(address);
      },
    };
  }

  #isOpen(place: Place<Question, Answer>): boolean {
    return this.#places.get(place.address) === place;
  }

  #send(from: Place<Question, Answer>, to: string, bytes: Uint8Array): void {
    const { mood, traffic } = this;
    traffic.packets++;
    traffic.bytes += bytes.length;
    const far = this.#places.get(to);
    if (far === undefined || !this.#topology.reaches(from.name, far.name) || this.#dice.chance(mood.loss)) {
      traffic.lost++;
      return;
    }
    const copies = this.#dice.chance(mood.duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const late = this.#dice.chance(mood.late) ? this.#dice.between(0, LATE_MS) : 0;
      this.#timeline.after(this.#way() + late, () => {
        // Whoever hears at that address by then.
        this.#places.get(to)?.handler.datagram(from.address, bytes);
      });
    }
  }

  #dial(stream: Stream<Question, Answer>, to: string, question: Question): void {
    const { from } = stream;
    this.traffic.streams++;
    const breaks = this.#dice.chance(this.mood.breaking) ? this.#dice.pick(["ask", "answer"] as const) : undefined;
    this.#timeline.after(this.#way(), () => {
      const far = this.#places.get(to);
      // Cut ways are silent: the asker's patience ends it.
      if (far !== undefined && !this.#topology.joins(from.name, far.name)) return;
      if (far === undefined) return this.#later(() => stream.end(new StreamFault("connection refused")));
      if (breaks === "ask") return this.#later(() => stream.end(new StreamFault("connection reset")));
      far.handler.asked(from.address, question, (answer) => {
        if (!this.#isOpen(far) || !this.#topology.joins(from.name, far.name)) return;
        this.#later(() => stream.end(breaks === "answer" ? new StreamFault("connection reset") : answer));
      });
    });
  }

  #later(work: () => void): void {
    this.#timeline.after(this.#way(), work);
  }

  #way(): number {
    return this.#dice.between(this.mood.fastestMs, this.mood.slowestMs);
  }
}

/** One question on its way: it ends once. */
class Stream<Question, Answer> {
  #over = false;
  #giveUp: (() => void) | undefined;

  constructor(
    private readonly timeline: Timeline,
    readonly from: Place<Question, Answer>,
    private readonly patienceMs: number,
    private readonly answered: (found: Answer | StreamFault) => void,
  ) {}

  run(dial: (stream: this) => void): void {
    this.#giveUp = this.timeline.after(this.patienceMs, () => this.end(new StreamFault("no answer in time")));
    dial(this);
  }

  end(found: Answer | StreamFault): void {
    if (this.#over) return;
    this.#over = true;
    this.#giveUp?.();
    this.answered(found);
  }
}

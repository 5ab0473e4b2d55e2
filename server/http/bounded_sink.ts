/** A reader that may be slow: what it has no room for is dropped and counted, and it is told so as soon as it has caught up. */
import { LIMITS } from "../../base/limits.ts";

/** The sending side of a reader; a websocket in the driver. */
export interface Sink {
  /** Bytes handed over but not yet taken by the network. */
  buffered(): number;
  send(text: string): void;
}

export class BoundedSink {
  readonly #sink: Sink;
  readonly #time: () => string;
  #dropped = 0;
  /** When the first one of `#dropped` was dropped: RFC 3339. */
  #from = "";

  /** @param time RFC 3339 now */
  constructor(sink: Sink, time: () => string) {
    this.#sink = sink;
    this.#time = time;
  }

  offer(line: string): void {
    if (this.#sink.buffered() + line.length > LIMITS.firehoseQueueBytesMax) {
      if (this.#dropped++ === 0) this.#from = this.#time();
      return;
    }
    this.settle();
    this.#sink.send(line);
  }

  /** Says what was missed, also when nothing new comes. */
  settle(): void {
    // Half empty first, so that a reader at its limit is not told after each single line.
    if (this.#dropped === 0 || this.#sink.buffered() > LIMITS.firehoseQueueBytesMax / 2) return;
    this.#sink.send(JSON.stringify({ event: "lagged", dropped: this.#dropped, from: this.#from }));
    this.#dropped = 0;
  }
}

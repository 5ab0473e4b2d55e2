/**
 * What members say to each other over streams, between the core's effects and events on one side and the streams on the
 * other. Each `exchange` and `streamPing` leads to its answering event, whatever happens; who asks here is answered by
 * the core (`answerExchange`), and pings are answered at once.
 */
import type { Clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import type { SwimEffect, SwimEvent } from "./contract.ts";
import type { Endpoint, PushPull, StreamMessage } from "./messages.ts";
import type { Seal } from "./seal/contract.ts";
import { faultOf, Streams } from "./streams_system.ts";
import { at, type Direction } from "./tap.ts";

export interface ConversationsOptions {
  readonly name: string;
  /** What others dial. */
  readonly endpoint: Endpoint;
  readonly listener: Deno.TcpListener;
  readonly clock: Clock;
  readonly seal: Seal;
  readonly compress: boolean;
  readonly timeoutMs: number;
  step(event: SwimEvent): void;
  /** Each message as it is sent or received. */
  show(direction: Direction, peer: Endpoint, message: StreamMessage): void;
  count(code: string): void;
}

type Effect<Do extends SwimEffect["do"]> = Extract<SwimEffect, { do: Do }>;
type Answer = PushPull | { error: string };

export class Conversations {
  readonly #options: ConversationsOptions;
  readonly #streams: Streams;
  /** Those who asked for an exchange and wait for the core. */
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #token = 0;
  #isClosed = false;

  constructor(options: ConversationsOptions) {
    this.#options = options;
    this.#streams = new Streams({
      listener: options.listener,
      clock: options.clock,
      seal: options.seal,
      bounds: {
        streams: LIMITS.gossipStreamsMax,
        perAddress: LIMITS.gossipStreamsPerAddressMax,
        bytes: LIMITS.gossipStreamsBytesMax,
        dials: LIMITS.gossipDialsMax,
        timeoutMs: options.timeoutMs,
        timeouts: LIMITS.gossipStreamTimeoutsMax,
      },
      compress: options.compress,
      serve: (message, from) => this.#serve(message, from),
      count: (code) => options.count(code),
    });
  }

  exchange({ token, to, ours }: Effect<"exchange">): void {
    this.#ask(to, { type: "pushPull", state: ours }).then(
      (answer): Answer => {
        if (answer.type === "pushPull") return answer.state;
        return { error: answer.type === "error" ? `${at(to)} says: ${answer.text}` : `${at(to)} answered out of turn` };
      },
      (cause) => this.#failed(to, cause),
    ).then((theirs) => this.#options.step({ type: "exchanged", token, theirs }));
  }

  ping({ token, to, seq, node, timeoutMs }: Effect<"streamPing">): void {
    const { endpoint, name, step } = this.#options;
    this.#ask(to, { type: "ping", seq, node, source: endpoint, sourceNode: name }, timeoutMs).then(
      (answer) => answer.type === "ack" && answer.seq === seq,
      (cause) => (this.#failed(to, cause), false),
    ).then((acked) => step({ type: "streamPinged", token, acked }));
  }

  tell({ to, bytes }: Effect<"streamUser">): void {
    const message: StreamMessage = { type: "user", bytes };
    this.#options.show("sent", to, message);
    this.#streams.tell(to, message).catch((cause) => this.#failed(to, cause));
  }

  answer({ token, ours }: Effect<"answerExchange">): void {
    this.#asked.get(token)?.(ours);
    this.#asked.delete(token);
  }

  /** Ends everything; resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const answer of this.#asked.values()) answer({ error: "this member is shutting down" });
    this.#asked.clear();
    await this.#streams.close();
  }

  async #ask(to: Endpoint, message: StreamMessage, timeoutMs?: number): Promise<StreamMessage> {
    this.#options.show("sent", to, message);
    const answer = await this.#streams.ask(to, message, timeoutMs);
    this.#options.show("received", to, answer);
    return answer;
  }

  #failed(to: Endpoint, cause: unknown): { error: string } {
    const fault = faultOf(cause);
    if (!this.#isClosed) this.#options.count(fault.code);
    return { error: `${at(to)}: ${fault.message}` };
  }

  async #serve(message: StreamMessage, from: Endpoint): Promise<StreamMessage | undefined> {
    if (this.#isClosed) return undefined;
    this.#options.show("received", from, message);
    const answer = await this.#answerTo(message, from);
    if (answer !== undefined) this.#options.show("sent", from, answer);
    return answer;
  }

  async #answerTo(message: StreamMessage, from: Endpoint): Promise<StreamMessage | undefined> {
    const { name, step, count } = this.#options;
    switch (message.type) {
      case "pushPull": {
        const ours = await this.#askCore(message.state, from);
        return "error" in ours ? { type: "error", text: ours.error } : { type: "pushPull", state: ours };
      }
      case "ping":
        // An empty name is from who does not know it.
        if (message.node === "" || message.node === name) {
          return { type: "ack", seq: message.seq, payload: new Uint8Array(0) };
        }
        count("stream.other_node");
        return undefined;
      case "user":
        step({ type: "streamUser", from, bytes: message.bytes });
        return undefined;
      default:
        count("stream.unasked");
        return undefined;
    }
  }

  #askCore(theirs: PushPull, from: Endpoint): Promise<Answer> {
    const token = ++this.#token;
    return new Promise((resolve) => {
      this.#asked.set(token, resolve);
      this.#options.step({ type: "exchangeAsked", token, from, theirs });
    });
  }
}

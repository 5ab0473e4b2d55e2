/** What Ink believes to be its terminal: it hands over whole frames, and reads nothing. */
import { EventEmitter } from "node:events";
import type { Area } from "../view.ts";

class InkOutput extends EventEmitter {
  readonly isTTY = true;
  readonly #size: () => Area;
  readonly #frame: (text: string) => void;

  constructor(size: () => Area, frame: (text: string) => void) {
    super();
    this.#size = size;
    this.#frame = frame;
  }

  get columns(): number {
    return this.#size().columns;
  }

  get rows(): number {
    return this.#size().rows;
  }

  write(text: string, ...rest: readonly unknown[]): boolean {
    if (text !== "") this.#frame(text);
    const done = rest.at(-1);
    if (typeof done === "function") done();
    return true;
  }
}

/** @param frame called with every frame of Ink's debug mode: the whole screen, its lines joined by newlines */
export function inkOutput(size: () => Area, frame: (text: string) => void): NodeJS.WriteStream {
  // Node's stream types have a hundred members; Ink uses those above.
  return new InkOutput(size, frame) as unknown as NodeJS.WriteStream;
}

/** Ink looks at its input only when a component asks for keys, and none does: the console reads them itself. */
export function noInput(): NodeJS.ReadStream {
  return new EventEmitter() as unknown as NodeJS.ReadStream;
}

const SPACE_BYTES = 4096;

/** Bytes of a stream that come in pieces and are taken in others. Copies them, so that tiny pieces cost no more. */
export class Chunks {
  #space = new Uint8Array(0);
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  push(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#space.length) this.#makeRoom(chunk.length);
    this.#space.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The first `count` bytes, or nothing when so many have not come. */
  take(count: number): Uint8Array | undefined {
    if (count > this.length) return undefined;
    const taken = this.#space.slice(this.#start, this.#start + count);
    this.#start += count;
    return taken;
  }

  #makeRoom(more: number): void {
    const rest = this.#space.subarray(this.#start, this.#end);
    // Twice of what is held, so that each byte is moved a few times at most.
    this.#space = new Uint8Array(Math.max(SPACE_BYTES, 2 * (rest.length + more)));
    this.#space.set(rest);
    this.#start = 0;
    this.#end = rest.length;
  }
}

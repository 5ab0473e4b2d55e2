/** A map whose keys belong to whoever stands before their first slash, and which knows how many each owner has. */
export class OwnedMap<T> {
  readonly #items = new Map<string, T>();
  readonly #counts = new Map<string, number>();

  get(key: string): T | undefined {
    return this.#items.get(key);
  }

  set(key: string, item: T): void {
    if (!this.#items.has(key)) this.#count(key, 1);
    this.#items.set(key, item);
  }

  delete(key: string): void {
    if (this.#items.delete(key)) this.#count(key, -1);
  }

  keys(): IterableIterator<string> {
    return this.#items.keys();
  }

  /** How many keys the owner of this one has. */
  owned(key: string): number {
    return this.#counts.get(ownerOf(key)) ?? 0;
  }

  #count(key: string, by: number): void {
    const owner = ownerOf(key);
    const count = (this.#counts.get(owner) ?? 0) + by;
    if (count === 0) this.#counts.delete(owner);
    else this.#counts.set(owner, count);
  }
}

function ownerOf(key: string): string {
  const slash = key.indexOf("/");
  return slash < 0 ? key : key.slice(0, slash);
}

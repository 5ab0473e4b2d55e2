/**
 * A map whose keys belong to whoever stands before their first slash. It knows how many each owner has, and finds keys
 * by prefix: each owner's are kept in order, since what is asked for is nearly always one owner's.
 */
export class OwnedMap<T> {
  readonly #items = new Map<string, T>();
  readonly #owners = new Map<string, string[]>();

  get(key: string): T | undefined {
    return this.#items.get(key);
  }

  set(key: string, item: T): void {
    if (!this.#items.has(key)) this.#own(key);
    this.#items.set(key, item);
  }

  delete(key: string): void {
    if (this.#items.delete(key)) this.#disown(key);
  }

  /** How many keys the owner of this one has. */
  owned(key: string): number {
    return this.#owners.get(ownerOf(key))?.length ?? 0;
  }

  /** The keys that begin so, in order of their code units; the first `limit` of them when it is given. */
  withPrefix(prefix: string, limit = Infinity): string[] {
    const found: string[] = [];
    if (prefix.includes("/")) {
      const keys = this.#owners.get(ownerOf(prefix)) ?? [];
      for (let i = placeOf(keys, prefix); i < keys.length && found.length < limit; i++) {
        if (!keys[i]!.startsWith(prefix)) break;
        found.push(keys[i]!);
      }
      return found;
    }
    for (const key of this.#items.keys()) if (key.startsWith(prefix)) found.push(key);
    return found.sort().slice(0, limit);
  }

  #own(key: string): void {
    const owner = ownerOf(key);
    const keys = this.#owners.get(owner);
    if (keys === undefined) this.#owners.set(owner, [key]);
    else keys.splice(placeOf(keys, key), 0, key);
  }

  #disown(key: string): void {
    const owner = ownerOf(key);
    const keys = this.#owners.get(owner) ?? [];
    if (keys.length <= 1) this.#owners.delete(owner);
    else keys.splice(placeOf(keys, key), 1);
  }
}

function ownerOf(key: string): string {
  const slash = key.indexOf("/");
  return slash < 0 ? key : key.slice(0, slash);
}

/** Where the key stands among those in order, or would. */
function placeOf(keys: readonly string[], key: string): number {
  let high = keys.length;
  // A new run's stream comes last but for its agent's own, which sorts after all runs.
  let low = Math.max(0, high - 2);
  if (low > 0 && keys[low]! >= key) [low, high] = [0, low];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What is kept of many, by who made it: `''` is the host's root, who loses nothing as long as others have something. */
export class Makers<Key> {
  readonly #makers = new Map<Key, string>();
  /** The keys of each maker, the earliest first. */
  readonly #keys = new Map<string, Set<Key>>();

  get size(): number {
    return this.#makers.size;
  }

  /** Adds a key as the latest. */
  add(key: Key, maker: string): void {
    this.delete(key);
    this.#makers.set(key, maker);
    this.#keys.set(maker, (this.#keys.get(maker) ?? new Set()).add(key));
  }

  delete(key: Key): void {
    const maker = this.#makers.get(key);
    if (maker === undefined) return;
    this.#makers.delete(key);
    const keys = this.#keys.get(maker);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(maker);
  }

  /** The earliest of whoever has most. So nobody who makes very many takes the place of others. */
  first(): Key | undefined {
    let most: ReadonlySet<Key> = new Set();
    for (const [maker, keys] of this.#keys) if (maker !== '' && keys.size > most.size) most = keys;
    const [first] = most.size > 0 ? most : (this.#keys.get('') ?? []);
    return first;
  }
}

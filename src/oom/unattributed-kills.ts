/** How long to wait until the container of a kill, or its name, becomes known. In ms. */
const PATIENCE_MS = 2_000;

/**
 * The kills on the host that belong to no container. Such a kill can still be attributed a moment later, but a counter
 * must never fall. So only kills that stay unattributed for two seconds count.
 */
export class UnattributedKills {
  readonly #seen: { readonly at: number; readonly kills: number }[] = [];

  /** Updates the number of unattributed kills, at a time in ms of `performance.now()`. */
  note(kills: number, now: number): void {
    this.#seen.push({ at: now, kills });
    while ((this.#seen[1]?.at ?? Infinity) <= now - PATIENCE_MS) this.#seen.shift();
  }

  /** How many kills were unattributed for the whole waiting time. */
  get lasting(): number {
    return Math.min(...this.#seen.map(({ kills }) => kills));
  }
}

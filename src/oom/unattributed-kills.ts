/** How long to wait for the container of a kill to become known, or its name, in ms. */
const PATIENCE_MS = 2_000;

/**
 * The kills on the host beyond those of containers. A moment later such a kill can turn out to be a container's, but a counter
 * must never fall. So only kills that stay unattributed for two seconds are counted.
 */
export class UnattributedKills {
  readonly #seen: { readonly at: number; readonly kills: number }[] = [];

  /** Takes in how many there are now, in ms of `performance.now()`. */
  note(kills: number, now: number): void {
    this.#seen.push({ at: now, kills });
    while ((this.#seen[1]?.at ?? Infinity) <= now - PATIENCE_MS) this.#seen.shift();
  }

  /** How many were unattributed for all of that time. */
  get lasting(): number {
    return Math.min(...this.#seen.map(({ kills }) => kills));
  }
}

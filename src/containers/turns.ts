/**
 * How many containers have their mount table compared in each scrape. The kernel takes 25 to 60 µs to write one, more than half of what all
 * the other files of a container take. The rest is compared when all facts are read again.
 */
export const TABLES_PER_SCRAPE = 16;

/** Chooses whose turn it is where only some of many can be looked at in each round. Within a few rounds it is everybody's turn. */
export class Turns {
  readonly #most: number;
  /** After whom the next round begins. */
  #from = 0;

  /** @param most how many have a turn in each round. */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Begins a round.
   *
   * @param count of how many, who are asked about in the same order in each round.
   * @returns a function that says of the first, the second and so on whether it is its turn.
   */
  round(count: number): () => boolean {
    const from = count === 0 ? 0 : this.#from % count;
    const until = from + Math.min(this.#most, count);
    this.#from = until;
    let index = -1;
    return () => {
      index += 1;
      // Beyond the last one it goes on with the first.
      return (index >= from && index < until) || index + count < until;
    };
  }
}

/** This many kills within this many ms are a burst: the kernel reports only ten in five seconds in full. */
const KILLS = 3;
const WITHIN_MS = 5_000;

/** A burst is over after this time without kills, in ms. */
const CALM_MS = 10_000;

/** Whether kills come so fast that the kernel's log omits their cgroups. */
export class OomBurst {
  readonly #kills: number[] = [];
  #until = 0;

  /**
   * Adds kills.
   *
   * @param now in ms of `performance.now()`.
   * @returns whether a burst began or continues.
   */
  note(kills: number, now: number): 'began' | 'goes on' | 'calm' {
    for (let kill = 0; kill < Math.min(kills, KILLS); kill += 1) this.#kills.push(now);
    this.#kills.splice(0, this.#kills.length - KILLS);
    const [oldest = 0] = this.#kills;
    const wasActive = this.isActive(now);
    const isFast = this.#kills.length === KILLS && now - oldest <= WITHIN_MS;
    if (kills > 0 && (isFast || wasActive)) this.#until = now + CALM_MS;
    if (!this.isActive(now)) return 'calm';
    return wasActive ? 'goes on' : 'began';
  }

  isActive(now: number): boolean {
    return now < this.#until;
  }
}

/** How long to pause after an update, as a multiple of the time that it took. A container can cause any number of kills. */
const REST_FACTOR = 9;

/** The longest pause, in ms. */
const MAX_REST_MS = 1_000;

/** The longest pause after an update that was in vain, in ms. */
const MAX_REST_IN_VAIN_MS = 4_000;

/**
 * How long to pause after an update, in ms. On a slow machine there is a kill during each update in a storm, so that the counters
 * never are of one moment. Then updates only take time from what finds the containers.
 *
 * @param tookMs how long the update took.
 * @param isTaken whether it could use the counters.
 */
export function restMs(tookMs: number, isTaken: boolean): number {
  return Math.min(isTaken ? MAX_REST_MS : MAX_REST_IN_VAIN_MS, tookMs * REST_FACTOR);
}

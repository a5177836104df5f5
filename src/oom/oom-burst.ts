/** So many kills, or more, within so many ms are a storm: of more than ten in five seconds the kernel tells in brief. */
const KILLS = 3;
const WITHIN_MS = 5_000;

/** A storm is over when nobody was killed for so long, in ms. */
const CALM_MS = 10_000;

/** Whether kills come so fast that the kernel's log does not say whose they are. */
export class OomBurst {
  readonly #kills: number[] = [];
  #until = 0;

  /** Takes in kills that were noticed, in ms of `performance.now()`. */
  note(kills: number, now: number): void {
    for (let kill = 0; kill < Math.min(kills, KILLS); kill += 1) this.#kills.push(now);
    this.#kills.splice(0, this.#kills.length - KILLS);
    const [oldest = 0] = this.#kills;
    const fast = this.#kills.length === KILLS && now - oldest <= WITHIN_MS;
    if (kills > 0 && (fast || this.isActive(now))) this.#until = now + CALM_MS;
  }

  isActive(now: number): boolean {
    return now < this.#until;
  }
}

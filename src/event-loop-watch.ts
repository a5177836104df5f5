/** How often the event loop shows that it runs, in ms. */
const BEAT_MS = 1_000;

/** A stall this long makes the daemon unhealthy, in ms. */
const UNHEALTHY_MS = 30_000;

/**
 * How long after a long stall the daemon stays unhealthy, in ms. While the loop stands still nothing can be answered, so a
 * probe would otherwise only ever see a healthy daemon or a time-out.
 */
const REMEMBERED_MS = 30_000;

/** Shorter delays of a beat are a busy loop and no stall, in ms. */
const SHORTEST_MS = 1_000;

/** Measures, to a second, how long the event loop has stood still: while it does, the daemon serves and sees nothing. */
export class EventLoopWatch implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #lastBeat = performance.now();
  #longest = 0;
  #total = 0;
  #unhealthyUntil = -Infinity;

  constructor() {
    this.#timer = setInterval(() => this.#beat(), BEAT_MS).unref();
  }

  /** The longest stall since the start, in seconds. */
  get longestSeconds(): number {
    return this.#longest / 1000;
  }

  /** The time in all stalls since the start, in seconds. */
  get totalSeconds(): number {
    return this.#total / 1000;
  }

  /** Whether the event loop has not stood still for 30 s within the last 30 s. */
  isHealthy(): boolean {
    // What waited for the stall to end may be served before the next beat.
    this.#beat();
    return performance.now() >= this.#unhealthyUntil;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const now = performance.now();
    const stall = now - this.#lastBeat - BEAT_MS;
    this.#lastBeat = now;
    if (stall < SHORTEST_MS) return;
    this.#longest = Math.max(this.#longest, stall);
    this.#total += stall;
    if (stall >= UNHEALTHY_MS - BEAT_MS) this.#unhealthyUntil = now + REMEMBERED_MS;
  }
}

/** How often the event loop shows that it runs, in ms. */
const BEAT_MS = 1_000;

/** A stall this long makes the daemon unhealthy, in ms. */
const UNHEALTHY_MS = 30_000;

/**
 * How long the daemon stays unhealthy after a long stall, in ms. During the stall it cannot answer, so a probe would
 * otherwise only ever see a healthy daemon or a time-out.
 */
const REMEMBERED_MS = 30_000;

/** A beat that is late by less than this, in ms, shows a busy loop and not a stall. */
const SHORTEST_MS = 1_000;

/**
 * Measures, to a second, how long the event loop has been blocked. During that time the daemon neither serves nor sees
 * anything.
 */
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

  /** Whether the event loop had no stall of 30 s or more within the last 30 s. */
  isHealthy(): boolean {
    // Requests that waited for the end of the stall may be served before the next beat.
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

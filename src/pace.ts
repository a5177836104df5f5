import { setImmediate } from 'node:timers/promises';

/** How long the event loop may be blocked, in ms: a health check is answered within that time. */
const SLICE_MS = 10;

/** Keeps long work from blocking the event loop: between two pieces, `if (pace.isDue()) await pace.rest()`. */
export class Pace {
  /** As long as there is one, V8 keeps the machine code that it made for them: else it throws that away between two scrapes. */
  static readonly kept = new Pace();
  #sliceEnd = performance.now() + SLICE_MS;

  /** Whether the work should yield. */
  isDue(now = performance.now()): boolean {
    return now > this.#sliceEnd;
  }

  /** Yields to the event loop once. */
  async rest(): Promise<void> {
    await setImmediate();
    this.#sliceEnd = performance.now() + SLICE_MS;
  }
}

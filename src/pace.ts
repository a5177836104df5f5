import { setImmediate } from 'node:timers/promises';

/** How long the event loop may be blocked, in ms: a health check is answered within that time. */
const SLICE_MS = 10;

/** Keeps long work from blocking the event loop: between two pieces, `if (pace.isDue()) await pace.rest()`. */
export class Pace {
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

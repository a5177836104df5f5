import { setImmediate } from 'node:timers/promises';

/** How long the event loop may be held up, in ms: a health check is answered within that time. */
const SLICE_MS = 10;

/** Keeps long work from holding up all else: between two pieces of it, `if (pace.isDue()) await pace.rest()`. */
export class Pace {
  #sliceEnd = performance.now() + SLICE_MS;

  /** Whether others are to have a turn. */
  isDue(): boolean {
    return performance.now() > this.#sliceEnd;
  }

  /** Gives them one. */
  async rest(): Promise<void> {
    await setImmediate();
    this.#sliceEnd = performance.now() + SLICE_MS;
  }
}

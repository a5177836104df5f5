import { setImmediate } from 'node:timers/promises';

/** How long work goes on before the event loop runs, in ms: with the piece of work at the end of it, a health check waits for less than 10. */
const SLICE_MS = 6;

let sliceEnd = 0;
/** The next turn of the event loop, if work waits for it. */
let turn: Promise<void> | undefined;

/**
 * Keeps long work from blocking the event loop: between two pieces, `if (pace.isDue()) await pace.rest()`. There is one pace for all, as
 * there is one event loop: a scrape has several steps, and several scrapes may run at a time.
 */
export const pace = {
  /** Whether the work should yield. */
  isDue(now = performance.now()): boolean {
    return now > sliceEnd;
  },

  /** Yields to the event loop once. */
  rest(): Promise<void> {
    return (turn ??= nextTurn());
  },
};

async function nextTurn(): Promise<void> {
  await setImmediate();
  turn = undefined;
  sliceEnd = performance.now() + SLICE_MS;
}

import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { pace } from './pace.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

/** Pieces of 4 ms each. */
async function work(pieces: number): Promise<void> {
  for (let piece = 0; piece < pieces; piece += 1) {
    vi.advanceTimersByTime(4);
    if (pace.isDue()) await pace.rest();
  }
}

/** The longest time between two turns of the event loop while work is done, in ms. */
async function longestBlock(done: Promise<unknown>): Promise<number> {
  const ended = new AbortController();
  void done.finally(() => ended.abort());
  let longest = 0;
  for (let before = performance.now(); !ended.signal.aborted; before = performance.now()) {
    await setImmediate();
    longest = Math.max(longest, performance.now() - before);
  }
  return longest;
}

it('lets the event loop run each 6 ms, also between two steps and beside other work', async () => {
  const steps = async (): Promise<void> => {
    for (let step = 0; step < 20; step += 1) await work(step % 4);
  };
  expect(await longestBlock(Promise.all([steps(), steps(), steps()]))).toBeLessThanOrEqual(6 + 3 * 4);
});

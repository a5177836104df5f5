import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { PendingLookUps } from './pending-look-ups.ts';

/** A maker that has answered everything it was asked, and waits for more. */
const idle = { started: () => Promise.resolve(), isBusy: false, replies: 0 };

/** Keeps this process from doing anything else, like a machine without a free CPU. */
function stallFor(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('PendingLookUps', () => {
  it('reads replies that came while this process had no CPU', async () => {
    const lookUps = new PendingLookUps();
    const maker = { ...idle };
    // The reply is in the channel long before the limit, but nobody reads it until after.
    lookUps.add(
      new Promise<void>((resolve) => {
        const answer = (): void => {
          maker.replies += 1;
          setImmediate(resolve);
        };
        setTimeout(() => {
          stallFor(700);
          setImmediate(answer);
        }, 10);
      }),
    );
    await lookUps.settled(maker, Infinity);
    expect(lookUps.isEmpty).toBe(true);
  });

  it('goes on as long as replies come', async () => {
    const lookUps = new PendingLookUps();
    const maker = { ...idle };
    const replies = setInterval(() => (maker.replies += 1), 20);
    lookUps.add(sleep(1200));
    await lookUps.settled(maker, Infinity);
    clearInterval(replies);
    expect(lookUps.isEmpty).toBe(true);
  });

  it('gives up on a look-up that does not return, and on a deadline', async () => {
    const lookUps = new PendingLookUps();
    lookUps.add(new Promise(() => {}));
    const start = performance.now();
    await lookUps.settled(idle, start + 100);
    expect(performance.now() - start).toBeLessThan(450);
    await lookUps.settled(idle, Infinity);
    expect(performance.now() - start).toBeLessThan(3_000);
    expect(lookUps.isEmpty).toBe(false);
  });
});

import { expect, test } from 'vitest';
import { raisedLimits } from './raised-limits.ts';

/** Lines of /proc/<pid>/limits. */
const limits = (processes: number, files: number) => ({
  text: () =>
    `Limit                     Soft Limit           Hard Limit           Units     \n` +
    `Max processes             ${processes}              ${processes}              processes \n` +
    `Max open files            1024               ${files}               files     \n`,
});

// A default container of Podman 5.8 and conmon, its parent.
const [PODMANS, CONMONS] = [limits(1_048_576, 1_048_576), limits(15_622, 524_288)];

test("what Podman sets by itself is not the user's choice", () => {
  expect(raisedLimits(PODMANS, CONMONS, 'podman')).toEqual([]);
  expect(raisedLimits(limits(1_048_576, 1_048_577), CONMONS, 'podman')).toEqual(['Max open files']);
});

test('under other engines it is', () => {
  expect(raisedLimits(PODMANS, CONMONS, 'docker')).toEqual(['Max processes', 'Max open files']);
  expect(raisedLimits(CONMONS, PODMANS, 'docker')).toEqual([]);
});

test('is unknown without one of the two', () => {
  expect(raisedLimits(PODMANS, undefined, 'docker')).toBeUndefined();
  expect(raisedLimits({ text: () => undefined }, CONMONS, 'docker')).toBeUndefined();
});

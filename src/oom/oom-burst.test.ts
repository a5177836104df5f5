import { expect, it } from 'vitest';
import { OomBurst, restMs } from './oom-burst.ts';

it('begins with three kills in five seconds', () => {
  const burst = new OomBurst();
  expect([burst.note(1, 0), burst.note(1, 2_000), burst.isActive(2_000)]).toEqual(['calm', 'calm', false]);
  expect([burst.note(1, 5_001), burst.isActive(5_001)]).toEqual(['calm', false]);
  expect([burst.note(1, 6_000), burst.isActive(6_000)]).toEqual(['began', true]);
  const other = new OomBurst();
  expect(other.note(26, 0)).toBe('began');
});

it('goes on as long as there is a kill in ten seconds', () => {
  const burst = new OomBurst();
  burst.note(3, 0);
  expect([burst.isActive(9_999), burst.note(1, 9_999)]).toEqual([true, 'goes on']);
  expect([burst.isActive(19_998), burst.isActive(19_999)]).toEqual([true, false]);
  expect(burst.note(0, 15_000)).toBe('goes on');
  expect([burst.isActive(19_999), burst.note(0, 20_000)]).toEqual([false, 'calm']);
});

it('pauses after updates, and longer after those in vain', () => {
  expect([restMs(2, true), restMs(2, false)]).toEqual([18, 18]);
  expect([restMs(400, true), restMs(400, false), restMs(2_000, false)]).toEqual([1_000, 3_600, 4_000]);
});

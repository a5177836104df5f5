import { expect, it } from 'vitest';
import { UnattributedKills } from './unattributed-kills.ts';

it('counts what is there for two seconds, and takes nothing back', () => {
  const unattributed = new UnattributedKills();
  const after = (kills: number, ms: number): number => {
    unattributed.note(kills, ms);
    return unattributed.lasting;
  };
  // What was before the daemon is for good.
  expect(after(7, 0)).toBe(7);
  expect(after(8, 1_000)).toBe(7);
  expect(after(8, 2_999)).toBe(7);
  expect(after(8, 3_000)).toBe(8);
  // One turns out to be a container's.
  expect(after(9, 10_000)).toBe(8);
  expect(after(8, 11_000)).toBe(8);
  expect(after(8, 20_000)).toBe(8);
  // With one kill per second, each is reported two seconds late.
  expect([after(9, 21_000), after(10, 22_000), after(11, 23_000), after(12, 24_000)]).toEqual([8, 8, 9, 10]);
});

import { expect, it } from 'vitest';
import { UnattributedKills } from './unattributed-kills.ts';

it('counts what is there for two seconds, and takes nothing back', () => {
  const unattributed = new UnattributedKills();
  const after = (kills: number, ms: number): number => {
    unattributed.note(kills, ms);
    return unattributed.lasting;
  };
  // Kills from before the daemon stay unattributed.
  expect(after(7, 0)).toBe(7);
  expect(after(8, 1_000)).toBe(7);
  expect(after(8, 2_999)).toBe(7);
  expect(after(8, 3_000)).toBe(8);
  // One of the kills is attributed to a container after all.
  expect(after(9, 10_000)).toBe(8);
  expect(after(8, 11_000)).toBe(8);
  expect(after(8, 20_000)).toBe(8);
  // There is one kill per second, and each report comes two seconds late.
  expect([after(9, 21_000), after(10, 22_000), after(11, 23_000), after(12, 24_000)]).toEqual([8, 8, 9, 10]);
});

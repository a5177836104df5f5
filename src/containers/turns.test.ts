import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Turns } from './turns.ts';

function chosen(turns: Turns, count: number): number[] {
  const isTurn = turns.round(count);
  return Array.from({ length: count }, (_, index) => index).filter(() => isTurn());
}

describe('whose turn it is', () => {
  it('is that of all if they are few', () => {
    const turns = new Turns(3);
    for (const count of [3, 1, 2, 3]) expect(chosen(turns, count)).toHaveLength(count);
  });

  it('goes round', () => {
    const turns = new Turns(2);
    expect([1, 2, 3, 4].map(() => chosen(turns, 5))).toEqual([
      [0, 1],
      [2, 3],
      [0, 4],
      [1, 2],
    ]);
  });

  it('is that of each within as few rounds as possible', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(10),
        (count, most, before) => {
          const turns = new Turns(most);
          for (let round = 0; round < before; round += 1) chosen(turns, count);
          const rounds = Array.from({ length: Math.ceil(count / most) }, () => chosen(turns, count));
          expect(new Set(rounds.flat()).size).toBe(count);
          for (const round of rounds) expect(round.length).toBeLessThanOrEqual(most);
        },
      ),
    );
  });
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { ATTACKS } from '../hostile/attacks.ts';
import { Neighbours, runAttack } from '../hostile/run-attack.ts';
import { describeLive } from '../lab/live.ts';

const isFull = process.env['LAB'] === 'all';

/** In ms. It answers in much less; a machine that runs the tests can be slow. */
const AT_ONCE = 5_000;

describeLive('an exporter under attack', ['containers', 'fuse'], () => {
  let neighbours: Neighbours;
  beforeAll(async () => {
    neighbours = await Neighbours.start(5);
  });
  afterAll(async () => {
    await neighbours?.[Symbol.asyncDispose]();
  });

  const attacks = ATTACKS.filter(({ long }) => long !== true || isFull);
  test.each(attacks.map((attack) => [attack.name, attack] as const))(
    'answers, and loses nothing: %s',
    async (_, attack) => {
      const result = await runAttack(attack, neighbours, { beforeMs: 500, duringMs: isFull ? 5_000 : 2_500 });
      expect(result.lost).toEqual([]);
      expect(Math.max(result.slowestHealthy, result.slowestMetrics)).toBeLessThan(AT_ONCE);
    },
  );
});

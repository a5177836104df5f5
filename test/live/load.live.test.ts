import { expect, test } from 'vitest';
import { describeLive } from '../lab/live.ts';
import { VARIANTS } from '../load/churn-variants.ts';
import type { Sample } from '../load/figures.ts';
import { runChurn } from '../load/run-churn.ts';
import { runSoak } from '../load/run-soak.ts';

// `npm run churn` and `npm run soak` are the long forms.
describeLive('an exporter beside containers that come and go', ['containers'], () => {
  const quick = VARIANTS.filter(({ name }) => ['as it is', 'no inotify instance'].includes(name));

  test.each(quick)('counts each of them, and keeps nothing of them: $name', async (variant) => {
    const { before, after, ...result } = await runChurn(variant, {
      containers: 120,
      wave: 30,
      engine: 'garden',
      settleMs: 30_000,
    });
    const { started, removed, startedFound, removedFound, failed } = result;
    expect({ started, removed, startedFound, removedFound, failed }).toEqual({
      started: 120,
      removed: 120,
      startedFound: 120,
      removedFound: 120,
      failed: 0,
    });
    for (const key of ['descriptors', 'watches', 'handles', 'timers', 'processes'] as const) {
      expect(after[key], key).toBeLessThanOrEqual(before[key]);
    }
  });

  test('finds each OOM kill and takes each new configuration meanwhile', async () => {
    const samples: Sample[] = [];
    const plan = { containers: 20, seconds: 8, scrapeEverySeconds: 1, engine: false, like: 'garden' } as const;
    const paces = { churnMs: 50, execMs: 50, killMs: 1_000, reloadMs: 700 };
    const end = await runSoak({ ...plan, ...paces }, (sample) => samples.push(sample));
    const { started, removed, kills, counts } = end;
    expect(end).toMatchObject({ startedFound: started, removedFound: removed, killsLost: 0, problems: [] });
    expect(started).toBeGreaterThan(plan.containers);
    expect(kills).toBeGreaterThan(1);
    expect(counts['configuration reloads']).toBeGreaterThan(1);
    expect(samples.length).toBeGreaterThan(3);
    expect(samples.at(-1)?.watches).toBeLessThanOrEqual(samples[1]?.watches ?? NaN);
  });
});

import { expect, test } from 'vitest';
import { labelsOf, matchOf, named } from '../../test/oom-bench.ts';
import type { CgroupMatch } from '../container.ts';
import { createRecord } from './container-record.ts';
import { KillTotals } from './kill-totals.ts';

function archiveOneKill(
  totals: KillTotals,
  id: string,
  { at, match }: { at: number; match?: Partial<CgroupMatch> },
): void {
  const facts = { match: { ...matchOf(id), ...match }, path: `/docker/${id}`, inode: undefined, outer: undefined };
  const record = createRecord({ ...facts, removedAt: at });
  record.kills = 1;
  totals.add(record, named(id));
  totals.archive(record);
}

test('the kills of a container that is gone stay, however many others have those who make cgroups', () => {
  const totals = new KillTotals();
  archiveOneKill(totals, 'web', { at: 1 });
  archiveOneKill(totals, 'of-user', { at: 1, match: { ownerUid: 1000 } });
  for (let index = 0; index < 12_000; index += 1) {
    const inner = { ...matchOf(`inner-${index}`), outer: matchOf('hostile') };
    const match = index % 2 === 0 ? { territory: '/docker/hostile' } : { outer: inner };
    archiveOneKill(totals, `made-${index}`, { at: 2, match });
  }
  totals.expireBefore(0);
  expect(totals.archived).toHaveLength(10_000);
  expect(totals.expiredKills).toBe(2_002);
  const kept = totals.archived.map(({ labels }) => labels.container);
  expect(kept.slice(0, 2)).toEqual(['web', 'of-user']);
  // Also after a restart.
  const restored = new KillTotals();
  restored.restore(0, totals.archived.toReversed());
  archiveOneKill(restored, 'made-again', { at: 3, match: { territory: '/docker/hostile' } });
  restored.expireBefore(0);
  expect(restored.archived.map(({ labels }) => labels)).toContainEqual(labelsOf('web'));
});

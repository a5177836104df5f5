import { describe, expect, test } from 'vitest';
import { containerReport, unknownContainer } from '../../test/reports.ts';
import { rowsOf, shareOf, throttledShareOf } from './rows.ts';
import { DEFAULT_VIEW, parseView } from './view.ts';

const bad = containerReport(
  'bad',
  {
    isolationLevel: { level: 0, levelName: 'host_like', certain: true },
    memory: { limit: 100, used: 95 },
    cpu: { limit: 1, periods: 100, throttledPeriods: 90, throttledSeconds: 9 },
    pids: { limit: 10, used: 1 },
    oom: { kills: 7, lastKill: undefined },
    namespaces: [{ kind: 'pid', peers: 'host' }],
  },
  { privileged: 'yes' },
);
const mild = containerReport(
  'mild',
  {
    image: 'Shop/Cart:2',
    memory: { limit: Infinity, used: 5_000 },
    cpu: { limit: Infinity, periods: 0, throttledPeriods: 0, throttledSeconds: 0 },
    pids: { limit: 10, used: 9 },
    oom: { kills: 0, lastKill: undefined },
    namespaces: [],
  },
  { net_raw: 'yes', memory_unlimited: 'yes' },
);
const good = containerReport('good', {
  id: 'deadbeef'.repeat(8),
  isolationLevel: { level: 3, levelName: 'hardened', certain: true },
  memory: { limit: 100, used: 50 },
  oom: { kills: 1, lastKill: undefined },
  namespaces: [
    { kind: 'net', peers: 2 },
    { kind: 'pid', peers: 'host' },
  ],
});
const dark = unknownContainer('dark');
const all = [good, dark, mild, bad];

const namesIn = (query: string): readonly string[] =>
  rowsOf(all, parseView(query)).map(({ labels }) => labels.container);

describe('the order', () => {
  test.each([
    ['', ['bad', 'mild', 'good', 'dark']],
    ['order=descending', ['good', 'mild', 'bad', 'dark']],
    ['sort=name', ['bad', 'dark', 'good', 'mild']],
    ['sort=name&order=descending', ['mild', 'good', 'dark', 'bad']],
    ['sort=memory', ['bad', 'good', 'mild', 'dark']],
    ['sort=memory&order=ascending', ['mild', 'good', 'bad', 'dark']],
    ['sort=cpu', ['bad', 'good', 'mild', 'dark']],
    ['sort=pids', ['mild', 'bad', 'good', 'dark']],
    ['sort=oom', ['bad', 'good', 'mild', 'dark']],
    ['sort=findings', ['bad', 'mild', 'good', 'dark']],
    ['sort=findings&order=ascending', ['good', 'mild', 'bad', 'dark']],
    ['sort=namespaces&order=ascending', ['bad', 'good', 'mild', 'dark']],
  ])('by %s is %j', (query, names) => {
    expect(namesIn(query)).toEqual(names);
  });

  test('sorts containers without a limit by use', () => {
    const rows = [3, 1, 2].map((used) => containerReport(`${used}`, { memory: { limit: Infinity, used } }));
    const inOrder = rowsOf(rows, parseView('sort=memory')).map(({ labels }) => labels.container);
    expect(inOrder).toEqual(['3', '2', '1']);
  });

  test('sorts ties by severity, then keeps their order', () => {
    const same = { isolationLevel: mild.isolationLevel };
    const rows = [
      containerReport('a', same),
      containerReport('b', same, { net_raw: 'yes' }),
      containerReport('c', same),
      containerReport('d', same, { memory_unlimited: 'yes' }),
      // Many small ones are not one that is worse.
      containerReport('e', same, {
        net_raw: 'yes',
        cpu_unlimited: 'yes',
        runs_as_root: 'yes',
        capabilities_kept: 'yes',
      }),
    ];
    expect(rowsOf(rows, DEFAULT_VIEW).map(({ labels }) => labels.container)).toEqual(['d', 'e', 'b', 'a', 'c']);
  });
});

describe('the choice', () => {
  test.each([
    ['search=oo', ['good']],
    ['search=CART', ['mild']],
    ['search=docker', ['bad', 'dark', 'good', 'mild']],
    ['search=deadbeefdead', ['good']],
    ['search=nobody', []],
    ['level=host_like', ['bad']],
    ['level=unknown', ['dark']],
    ['severity=critical', ['bad']],
    ['severity=medium', ['bad', 'mild']],
    ['severity=info', ['bad', 'mild']],
    ['finding=net_raw', ['mild']],
    ['finding=net_raw&severity=high', []],
    ['search=b&level=host_like', ['bad']],
  ])('of %s is %j', (query, names) => {
    expect(namesIn(`${query}&sort=name`)).toEqual(names);
  });

  test('keeps containers without known facts if there is no filter', () => {
    expect(rowsOf([{ ...dark, findings: [] }], DEFAULT_VIEW)).toHaveLength(1);
  });
});

test('shares of limits', () => {
  expect(shareOf({ limit: 200, used: 50 })).toBe(0.25);
  expect(shareOf({ limit: Infinity, used: 50 })).toBe(0);
  expect(shareOf({ limit: 0, used: 0 })).toBe(1);
  expect(shareOf({ limit: undefined, used: 50 })).toBeUndefined();
  expect(shareOf({ limit: 200, used: undefined })).toBeUndefined();
  const cpu = { limit: 1, throttledSeconds: 0 };
  expect(throttledShareOf({ ...cpu, periods: 4, throttledPeriods: 1 })).toBe(0.25);
  expect(throttledShareOf({ ...cpu, periods: 0, throttledPeriods: 0 })).toBe(0);
  expect(throttledShareOf({ ...cpu, periods: undefined, throttledPeriods: 1 })).toBeUndefined();
});

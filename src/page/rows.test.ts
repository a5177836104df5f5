import { describe, expect, test } from 'vitest';
import { ACCEPTANCE, accepting, containerReport, unknownContainer, quota, use } from '../../test/reports.ts';
import { rowsOf, shareOf, throttledShareOf } from './rows.ts';
import { DEFAULT_VIEW, parseView } from './view.ts';

const bad = containerReport(
  'bad',
  {
    isolationLevel: { level: 0, levelName: 'host_like', certain: true },
    memory: use(100, 95),
    cpu: quota(1, 100, 90, 9),
    pids: use(10, 1),
    oom: { events: 7, kills: 7, lastKill: undefined },
    namespaces: [{ kind: 'pid', peers: 'host' }],
  },
  { privileged: 'yes' },
);
const mild = containerReport(
  'mild',
  {
    image: 'Shop/Cart:2',
    memory: use(Infinity, 5_000),
    cpu: quota(Infinity, 0, 0, 0),
    pids: use(10, 9),
    oom: { events: 0, kills: 0, lastKill: undefined },
    namespaces: [],
  },
  { net_raw: 'yes', memory_unlimited: 'yes' },
);
const good = containerReport('good', {
  id: 'deadbeef'.repeat(8),
  isolationLevel: { level: 3, levelName: 'hardened', certain: true },
  memory: use(100, 50),
  oom: { events: 1, kills: 1, lastKill: undefined },
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
    const rows = [3, 1, 2].map((used) => containerReport(`${used}`, { memory: use(Infinity, used) }));
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
      // Many less severe findings do not outweigh a more severe one.
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

  test('finds an accepted finding by its name, but by no severity', () => {
    const rows = [accepting(bad, { privileged: ACCEPTANCE }), mild];
    const shown = (query: string) => rowsOf(rows, parseView(query)).map(({ labels }) => labels.container);
    expect(shown('finding=privileged')).toEqual(['bad']);
    expect(shown('severity=critical')).toEqual([]);
    expect(shown('severity=critical&finding=privileged')).toEqual([]);
    expect(shown('sort=findings')).toEqual(['mild', 'bad']);
  });

  test('keeps containers without known facts if there is no filter', () => {
    expect(rowsOf([{ ...dark, findings: [] }], DEFAULT_VIEW)).toHaveLength(1);
  });
});

test('the share of a limit is that of the nearest limit', () => {
  const limiter = { scope: 'pod', path: '/pod', limit: 100, used: 95 } as const;
  expect(shareOf({ ...use(200, 50), limiters: [{ ...limiter, used: 10 }, limiter] })).toBe(0.95);
  expect(shareOf({ ...use(200, 50), limiters: [{ ...limiter, used: undefined }] })).toBe(0.25);
  expect(shareOf({ ...use(200, 50), limiters: [{ ...limiter, scope: 'shared', used: 80 }] })).toBe(0.25);
  expect(shareOf({ ...use(200, 50), limiters: [{ ...limiter, scope: 'shared', used: 90 }] })).toBe(0.9);
  const throttled = { ...limiter, periods: 4, throttledPeriods: 3, throttledSeconds: 1 };
  expect(throttledShareOf({ ...quota(1, 4, 1, 0), limiters: [throttled] })).toBe(0.75);
  expect(throttledShareOf({ ...quota(1, undefined, undefined, undefined), limiters: [throttled] })).toBe(0.75);
});

test('shares of limits', () => {
  expect(shareOf(use(200, 50))).toBe(0.25);
  expect(shareOf(use(Infinity, 50))).toBe(0);
  expect(shareOf(use(0, 0))).toBe(1);
  expect(shareOf(use(undefined, 50))).toBeUndefined();
  expect(shareOf(use(200, undefined))).toBeUndefined();
  expect(throttledShareOf(quota(1, 4, 1, 0))).toBe(0.25);
  expect(throttledShareOf(quota(1, 0, 0, 0))).toBe(0);
  expect(throttledShareOf(quota(1, undefined, 1, 0))).toBeUndefined();
});

import { expect, test } from 'vitest';
import { ContainersWithoutCgroup } from './without-cgroup.ts';

const docker = (...ids: readonly string[]) => ({ name: 'docker', up: true, running: new Set(ids) });
const MINUTE = 60_000;

test('a container that is listed for a minute without a cgroup counts, until it has one or ends', () => {
  const without = new ContainersWithoutCgroup();
  const count = (now: number, ids: readonly string[], found: readonly string[] = []) =>
    without.count([docker(...ids)], () => new Set(found), now).get('docker');
  expect(count(0, ['a', 'b'], ['b'])).toBe(0);
  expect(count(MINUTE - 1, ['a', 'b'], ['b'])).toBe(0);
  expect(count(MINUTE, ['a', 'b'], ['b'])).toBe(1);
  expect(count(MINUTE + 1, ['a', 'b', 'c'], ['b'])).toBe(1);
  expect(count(2 * MINUTE + 1, ['a', 'b', 'c'], ['b'])).toBe(2);
  expect(count(2 * MINUTE + 2, ['b', 'c'], ['b', 'c'])).toBe(0);
  // Its cgroup is gone, and the engine has not reported its end yet.
  expect(count(2 * MINUTE + 3, ['b', 'c'], ['c'])).toBe(0);
});

test('nothing is counted of an engine that does not answer, or that lists nothing', () => {
  const without = new ContainersWithoutCgroup();
  const sources = [
    { ...docker('a'), up: false },
    { name: 'podman', up: undefined, running: new Set(['a']) },
    { name: 'conmon', up: true },
    // Its list was cut off.
    { ...docker('a'), name: 'cri', listsAllRunning: false },
  ];
  for (const now of [0, MINUTE, 2 * MINUTE]) expect(without.count(sources, () => new Set(), now).size).toBe(0);
  // It answers again, so the time begins again.
  expect(without.count([docker('a')], () => new Set(), 3 * MINUTE).get('docker')).toBe(0);
  expect(without.count([docker('a')], () => new Set(), 4 * MINUTE).get('docker')).toBe(1);
});

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ContainerCgroup } from '../container.ts';
import { ContainerSet } from './container-set.ts';

let set: ContainerSet;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  set = new ContainerSet({ onAppeared() {}, onRemoved() {} });
});
afterEach(() => vi.useRealTimers());

function cgroup(path: string, engine: string, engineGuessed?: true): ContainerCgroup {
  const match = { engine, id: path, infra: false, ...(engineGuessed && { engineGuessed }) };
  return { path, inode: 1, seenAt: 0, match };
}
const counts = () => Object.fromEntries(set.lifecycle);

test('a container with a guessed engine counts under the true one', () => {
  set.add(cgroup('/a', 'containerd', true), 'started');
  set.add(cgroup('/b', 'containerd', true), 'found');
  expect(counts()).toEqual({});
  for (const path of ['/a', '/b']) set.correct(path);
  set.add(cgroup('/a', 'docker'), 'started');
  set.add(cgroup('/b', 'docker'), 'found');
  expect(counts()).toEqual({ docker: { started: 1, removed: 0 } });
  expect([...set.containers.values()].map(({ match }) => match.engine)).toEqual(['docker', 'docker']);
});

test.each([
  ['its end', () => set.remove('/a'), { started: 1, removed: 1 }],
  ['the guess is known to be right', () => set.settled('/a'), { started: 1, removed: 0 }],
  ['a minute', () => vi.advanceTimersByTime(60_000), { started: 1, removed: 0 }],
])('it counts under the guess after %s, once', (_, happens, expected) => {
  set.add(cgroup('/a', 'containerd', true), 'started');
  vi.advanceTimersByTime(59_999);
  expect(counts()).toEqual({});
  happens();
  expect(counts()).toEqual({ containerd: expected });
  set.settled('/a');
  expect(counts()).toEqual({ containerd: expected });
});

test('what was counted under the guess counts as removed when it is corrected', () => {
  set.add(cgroup('/a', 'containerd', true), 'started');
  vi.advanceTimersByTime(60_000);
  expect(counts()).toEqual({ containerd: { started: 1, removed: 0 } });
  set.correct('/a');
  set.add(cgroup('/a', 'docker'), 'started');
  expect(counts()).toEqual({ containerd: { started: 1, removed: 1 }, docker: { started: 1, removed: 0 } });
});

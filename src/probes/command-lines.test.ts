import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PENDING } from '../kernel/command-lines.ts';
import { ProbedCommandLines } from './command-lines.ts';
import type { PathProbes } from './path-probes.ts';

let commandLines: ProbedCommandLines;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const ask = (subject: string, { path }: { readonly path: string }) =>
    Promise.resolve(subject === '/docker/stuck' ? { kind: 'unanswered' } : { kind: 'value', value: path });
  commandLines = new ProbedCommandLines({ ask } as unknown as PathProbes, '/proc');
});
afterEach(() => vi.useRealTimers());

const of = (pid: number, start = 1) => commandLines.of({ cgroup: '/docker/a', pid, start });

test('are known once they are answered, and only of the same process', async () => {
  expect(of(7)).toBe(PENDING);
  await commandLines.settled();
  expect(of(7)).toBe('/proc/7/cmdline');
  expect(of(7, 2)).toBe(PENDING);
});

test('are forgotten if nobody has asked for ten minutes, so that processes that have ended take no memory', async () => {
  for (const pid of [7, 8]) of(pid);
  await commandLines.settled();
  for (let second = 0; second <= 630; second += 30) {
    of(7);
    await commandLines.settled();
    vi.advanceTimersByTime(30_000);
  }
  expect(of(7)).toBe('/proc/7/cmdline');
  expect(of(8)).toBe(PENDING);
});

test('of a container are kept, however many processes others have', async () => {
  for (const pid of [7, 8]) of(pid);
  await commandLines.settled();
  for (let pid = 100; pid < 10_100; pid += 1) commandLines.of({ cgroup: `/docker/b/${pid % 20}`, pid, start: 1 });
  await commandLines.settled();
  expect([7, 8].map((pid) => of(pid))).toEqual(['/proc/7/cmdline', '/proc/8/cmdline']);
  expect(commandLines.of({ cgroup: '/docker/b/19', pid: 10_099, start: 1 })).toBe('/proc/10099/cmdline');
  expect(commandLines.of({ cgroup: '/docker/b/0', pid: 100, start: 1 })).toBe(PENDING);
});

test('of a process that several containers share are not unknown because look-ups of one of these hang', async () => {
  const shared = (cgroup: string) => commandLines.of({ cgroup, pid: 7, start: 1 });
  expect(shared('/docker/stuck')).toBe(PENDING);
  await commandLines.settled();
  expect(shared('/docker/stuck')).toBeUndefined();
  expect(shared('/docker/a')).toBe(PENDING);
  await commandLines.settled();
  expect([shared('/docker/a'), shared('/docker/stuck')]).toEqual(['/proc/7/cmdline', '/proc/7/cmdline']);
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ContainerCgroup } from '../container.ts';
import { ContainerProcesses } from './container-processes.ts';

const container = (id: string): ContainerCgroup => ({
  path: `/docker/${id}`,
  inode: 1,
  match: { engine: 'docker', id, infra: false },
  seenAt: performance.now(),
});

describe('ContainerProcesses', () => {
  /** The processes of each cgroup, by path. */
  let running: Record<string, number[]>;
  let processes: ContainerProcesses;

  beforeEach(() => {
    vi.useFakeTimers();
    running = {};
    processes = new ContainerProcesses(({ path }) => {
      const inside = Object.entries(running).filter(([cgroup]) => cgroup.startsWith(path));
      if (inside.length === 0) throw new Error('There is no such cgroup');
      return new Map(inside);
    });
  });
  afterEach(() => {
    processes[Symbol.dispose]();
    vi.useRealTimers();
  });
  const cgroupOf = (pid: number): string | undefined => processes.placeOf(pid)?.cgroup;

  it('looks at once at a container that discovery has noticed late', () => {
    running['/docker/a'] = [42];
    processes.appeared(container('a'), 'started');
    expect(cgroupOf(42)).toBe('/docker/a');
  });

  it('looks at a new container several times, and at the cgroups inside it', () => {
    processes.appeared(container('a'), 'started');
    vi.advanceTimersByTime(5);
    expect(cgroupOf(42)).toBeUndefined();
    running['/docker/a'] = [42];
    vi.advanceTimersByTime(20);
    expect(cgroupOf(42)).toBe('/docker/a');
    running = { '/docker/a': [], '/docker/a/inner': [43] };
    vi.advanceTimersByTime(75);
    expect([cgroupOf(42), cgroupOf(43)]).toEqual(['/docker/a', '/docker/a/inner']);
  });

  it('remembers the processes of a removed container until the log has been read', () => {
    let isUnread = true;
    const patient = new ContainerProcesses(
      () => new Map([['/docker/a', [42]]]),
      () => isUnread,
    );
    const removed = container('a');
    patient.appeared(removed, 'started');
    vi.advanceTimersByTime(5);
    patient.removed(removed);
    vi.advanceTimersByTime(12_000);
    expect(patient.placeOf(42)?.cgroup).toBe('/docker/a');
    isUnread = false;
    vi.advanceTimersByTime(5_000);
    expect(patient.placeOf(42)).toBeUndefined();
    patient.appeared(removed, 'started');
    vi.advanceTimersByTime(5);
    isUnread = true;
    patient.removed(removed);
    vi.advanceTimersByTime(31_000);
    expect(patient.placeOf(42)).toBeUndefined();
    patient[Symbol.dispose]();
  });

  it('looks at all containers when a burst begins, and at young ones again', () => {
    const [old, young] = [container('a'), container('b')];
    processes.appeared(old, 'found');
    processes.appeared(young, 'found');
    running = { '/docker/a': [1], '/docker/b': [2] };
    vi.advanceTimersByTime(10_000);
    processes.look([]);
    expect(cgroupOf(1)).toBeUndefined();
    processes.beginBurst();
    processes.look([]);
    expect([cgroupOf(1), cgroupOf(2)]).toEqual(['/docker/a', '/docker/b']);
    running = { '/docker/a': [3], '/docker/b': [4] };
    processes.look([young]);
    expect([cgroupOf(3), cgroupOf(4)]).toEqual([undefined, '/docker/b']);
  });

  it('looks first at young containers without a known process, and at the one that has waited longest', () => {
    const looked: string[] = [];
    const slow = new ContainerProcesses(({ path }) => {
      looked.push(path);
      // Longer than a call may take.
      vi.advanceTimersByTime(2);
      return new Map([[path, running[path] ?? []]]);
    });
    const young = ['a', 'b', 'c'].map(container);
    running['/docker/a'] = [1];
    for (const each of young) slow.appeared(each, 'started');
    slow[Symbol.dispose]();
    looked.length = 0;
    for (let calls = 0; calls < 3; calls += 1) slow.look(young);
    expect(looked).toEqual(['/docker/b', '/docker/c', '/docker/b']);
    // This machine is slow: it has not called for long.
    looked.length = 0;
    vi.advanceTimersByTime(25);
    slow.look(young);
    expect(looked).toEqual(['/docker/c', '/docker/b', '/docker/a']);
  });

  it('takes over processes that the kernel lists, unless it has seen them elsewhere', () => {
    processes.appeared(container('a'), 'found');
    processes.appeared(container('b'), 'started');
    running['/docker/b'] = [1];
    vi.advanceTimersByTime(5);
    processes.learn('/docker/a', 2, [4]);
    processes.learn('/docker/a', 1, [1, 2]);
    processes.learn('/none', undefined, [3]);
    expect([1, 2, 3, 4].map(cgroupOf)).toEqual(['/docker/b', '/docker/a', undefined, undefined]);
  });

  it('remembers the processes of a removed container for a moment', () => {
    const removed = container('a');
    processes.appeared(removed, 'started');
    running['/docker/a'] = [42];
    vi.advanceTimersByTime(5);
    processes.removed(removed);
    vi.advanceTimersByTime(4_999);
    expect(cgroupOf(42)).toBe('/docker/a');
    vi.advanceTimersByTime(1);
    expect(cgroupOf(42)).toBeUndefined();
  });

  it('does not forget a pid that another container has by now', () => {
    const [first, second] = [container('a'), container('b')];
    processes.appeared(first, 'started');
    running['/docker/a'] = [500];
    vi.advanceTimersByTime(5);
    running = { '/docker/b': [500] };
    processes.appeared(second, 'started');
    vi.advanceTimersByTime(5);
    processes.removed(first);
    vi.advanceTimersByTime(10_000);
    expect(cgroupOf(500)).toBe('/docker/b');
  });

  it('forgets a process that has ended, as its pid will be another’s', () => {
    processes.appeared(container('a'), 'started');
    running['/docker/a'] = [42];
    vi.advanceTimersByTime(5);
    running['/docker/a'] = [];
    processes.beginBurst();
    vi.advanceTimersByTime(10_001);
    processes.look([]);
    expect(cgroupOf(42)).toBeUndefined();
  });

  it('does not remember the processes of a container with very many', () => {
    processes.appeared(container('a'), 'started');
    running['/docker/a'] = Array.from({ length: 513 }, (_, nth) => nth + 1);
    vi.advanceTimersByTime(100);
    expect(cgroupOf(1)).toBeUndefined();
  });
});

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CgroupMatch, ContainerCgroup, Names } from '../container.ts';
import { NO_NAMES } from '../engines/naming.ts';
import { ContainerStarts } from './starts.ts';

const ID = '0123456789abcdef'.repeat(4);

/** The names that sources know, by id. */
const names = new Map<string, Names>();
const wanted = new Set<string>();
let starts: ContainerStarts;

beforeEach(() => {
  vi.useFakeTimers();
  names.clear();
  wanted.clear();
  starts = new ContainerStarts({
    namesOf: ({ id }, waitedMs) => names.get(id) ?? (waitedMs < 2_000 ? undefined : NO_NAMES),
    want: ({ id }) => wanted.add(id),
    forget: ({ id }) => wanted.delete(id),
  });
});
afterEach(() => {
  starts[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

let inode = 0;

function appears(id: string, how: 'found' | 'started' = 'started', match: Partial<CgroupMatch> = {}): ContainerCgroup {
  inode += 1;
  const cgroup = {
    path: `/docker/${id}`,
    inode,
    seenAt: performance.now(),
    match: { engine: 'docker', id, infra: false, ...match },
  };
  starts.appeared(cgroup, how);
  return cgroup;
}

/** A container with a new id that ends before a scrape. */
function livesBriefly(id: string, name: string): void {
  names.set(id, { name });
  const cgroup = appears(id);
  vi.advanceTimersByTime(3_000);
  starts.removed(cgroup);
}

const counts = () => Object.fromEntries(starts.entries().map(({ labels, starts: count }) => [labels.container, count]));

test('a container that existed before has none, and one that is started again counts', () => {
  names.set('a', { name: 'old' }).set('b', { name: 'new' });
  const old = appears('a', 'found');
  appears('b');
  expect(counts()).toEqual({ old: 0, new: 1 });
  starts.removed(old);
  names.set('c', { name: 'old' });
  appears('c');
  expect(counts()).toEqual({ old: 1, new: 1 });
});

test('lives that no scrape sees are one growing number', () => {
  for (const id of ['a', 'b', 'c']) livesBriefly(id, 'web');
  expect(counts()).toEqual({ web: 3 });
  vi.advanceTimersByTime(300_000);
  livesBriefly('d', 'web');
  expect(counts()).toEqual({ web: 4 });
});

test('a container that was started once is not exported after its end, and is still known if it returns', () => {
  livesBriefly('a', 'job');
  expect(counts()).toEqual({});
  livesBriefly('b', 'job');
  expect(counts()).toEqual({ job: 2 });
});

test('what is gone for an hour is forgotten', () => {
  for (const id of ['a', 'b']) livesBriefly(id, 'web');
  vi.advanceTimersByTime(3_599_000);
  expect(counts()).toEqual({ web: 2 });
  vi.advanceTimersByTime(2_000);
  expect(counts()).toEqual({});
  livesBriefly('c', 'web');
  appears('c');
  expect(counts()).toEqual({ web: 2 });
});

test('a new init in the same cgroup is a start', () => {
  names.set('a', { name: 'web' });
  const cgroup = appears('a', 'found');
  starts.restarted(cgroup);
  expect(counts()).toEqual({ web: 1 });
  starts.restarted(cgroup);
  starts.removed(cgroup);
  expect(counts()).toEqual({ web: 2 });
});

test('the name of a container that is gone may come later', () => {
  for (const id of ['a', 'b']) {
    const cgroup = appears(id);
    starts.removed(cgroup);
  }
  expect([...wanted]).toEqual(['a', 'b']);
  vi.advanceTimersByTime(60_000);
  expect(counts()).toEqual({});
  names.set('a', { name: 'web' }).set('b', { name: 'web' });
  vi.advanceTimersByTime(1_000);
  expect(counts()).toEqual({ web: 2 });
  expect([...wanted]).toEqual([]);
});

test('a container that never gets a name leaves nothing, and the same one that runs again keeps its request', () => {
  starts.removed(appears(ID));
  const again = appears(ID);
  vi.advanceTimersByTime(130_000);
  expect([...wanted]).toEqual([ID]);
  expect(counts()).toEqual({ '0123456789ab': 1 });
  starts.removed(again);
  vi.advanceTimersByTime(130_000);
  expect([...wanted]).toEqual([]);
  expect(counts()).toEqual({});
});

test('a container that is shown by id until its name comes is counted once', () => {
  appears(ID);
  vi.advanceTimersByTime(2_000);
  expect(counts()).toEqual({ '0123456789ab': 1 });
  names.set(ID, { name: 'web' });
  expect(counts()).toEqual({ web: 1 });
});

test('a name that is the id lasts: LXC', () => {
  for (let life = 0; life < 2; life += 1) {
    const cgroup = appears('c1', 'started', { engine: 'lxc' });
    names.set('c1', NO_NAMES);
    starts.removed(cgroup);
  }
  expect(counts()).toEqual({ c1: 2 });
});

test.each<[string, Partial<CgroupMatch>, Names]>([
  ['an engine’s own cgroup', { infra: true }, { name: 'x' }],
  ['a pause container', { podUid: 'p' }, { containerInPod: 'POD', infra: true }],
  ['an infra container of Podman', { engine: 'podman' }, { name: 'x-infra', infra: true, runtime: 'crun' }],
])('%s does not count', (_, match, known) => {
  names.set('a', known);
  for (let life = 0; life < 2; life += 1) {
    const cgroup = appears('a', 'started', match);
    expect(counts()).toEqual({});
    starts.removed(cgroup);
  }
  expect(counts()).toEqual({});
});

test('a sandbox whose runtime may be a machine counts, and a label outside of pods says nothing', () => {
  names.set('a', { containerInPod: 'POD', infra: true, runtime: 'kata' }).set('b', { name: 'web', infra: true });
  appears('a', 'started', { podUid: 'p' });
  appears('b');
  expect(counts()).toEqual({ POD: 1, web: 1 });
});

test('a container of another engine than was guessed leaves nothing under the guess', () => {
  for (const engine of ['docker', 'docker', 'podman']) {
    names.set('a', { name: 'web' });
    const guess = appears('a', 'started', { engine: 'containerd', engineGuessed: true });
    expect(counts()).toMatchObject({ web: 1 });
    starts.corrected(guess);
    appears('b', 'started', { engine });
    expect(starts.entries().map(({ labels }) => labels.engine)).not.toContain('containerd');
  }
});

test('two containers with the same labels are one number', () => {
  names.set('a', { name: 'web' }).set('b', { name: 'web' });
  const first = appears('a');
  appears('b');
  expect(counts()).toEqual({ web: 2 });
  starts.removed(first);
  expect(counts()).toEqual({ web: 2 });
});

const made = (index: number): Partial<CgroupMatch> => ({ territory: `/docker/hostile-${index % 3}` });

test('the name of a container that is gone may come late, however many others make cgroups without names', () => {
  for (const id of ['a', 'b']) starts.removed(appears(id));
  for (let index = 0; index < 1_200; index += 1) starts.removed(appears(`made-${index}`, 'started', made(index)));
  starts.removed(appears('c'));
  expect(wanted.size).toBe(1_000);
  for (const id of ['a', 'b', 'c']) names.set(id, { name: 'web' });
  vi.advanceTimersByTime(1_000);
  expect(counts()).toEqual({ web: 3 });
});

test('what is gone stays for an hour, however many others make containers with names', () => {
  for (const id of ['a', 'b']) livesBriefly(id, 'web');
  for (let index = 0; index < 10_100; index += 1) {
    names.set(`made-${index}`, { name: `made-${index}` });
    for (let life = 0; life < 2; life += 1) starts.removed(appears(`made-${index}`, 'started', made(index)));
  }
  expect(counts()).toMatchObject({ web: 2 });
  expect(starts.entries()).toHaveLength(10_000);
});

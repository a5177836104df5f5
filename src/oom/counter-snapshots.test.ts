import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ContainerCgroup } from '../container.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { ContainerRecords } from './container-records.ts';
import { CounterSnapshots, type CounterSnapshot } from './counter-snapshots.ts';
import { findCounters, type Counters, type Reading } from './counters.ts';

describe('CounterSnapshots', () => {
  let root: string;
  let records: ContainerRecords;
  let warnings: string[];
  /** Is called before each read of a counter. */
  let onRead: () => void;
  let readPaths: string[];
  let snapshots: CounterSnapshots;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'isolation-exporter-snapshots-'));
    mkdirSync(join(root, 'proc'));
    records = new ContainerRecords();
    warnings = [];
    readPaths = [];
    onRead = () => {};
    hostKills(0);
    const hierarchy = { root: join(root, 'cgroup'), mountRoot: '/', version: 2 as const, controllers: ['memory'] };
    const layout = {
      version: 'v2' as const,
      hierarchies: [hierarchy],
      discovery: hierarchy,
      unified: hierarchy,
      hierarchyOf: () => hierarchy,
    };
    const kernel = new KernelFiles({ procRoot: join(root, 'proc'), layout, descriptorBudget: 0 });
    const counters = findCounters(kernel, { memoryPathOf: (path) => path });
    if (counters === undefined) throw new Error('There are none');
    const observed: Counters = {
      ...counters,
      read: (path, isOther): Reading => {
        onRead();
        readPaths.push(path);
        return counters.read(path, isOther);
      },
    };
    const log = { warn: (_: object, message: string) => void warnings.push(message) };
    snapshots = new CounterSnapshots({ kernel, counters: observed, records, isContainer: () => false, log });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const hostKills = (kills: number): void => writeFileSync(join(root, 'proc/vmstat'), `oom_kill ${kills}\n`);
  function count(path: string, events: string): void {
    mkdirSync(join(root, 'cgroup', path), { recursive: true });
    writeFileSync(join(root, 'cgroup', path, 'memory.events'), events);
  }
  function appear(path: string): ContainerCgroup {
    const { ino: inode } = statSync(join(root, 'cgroup', path));
    const cgroup = { path, inode, match: { engine: 'docker', id: path, infra: false }, seenAt: 0 };
    records.add(cgroup);
    snapshots.appeared(cgroup);
    return cgroup;
  }
  const take = (...parents: string[]) => snapshots.take((isNews) => new Set(isNews ? parents : []));
  function taken(...parents: string[]): CounterSnapshot {
    const snapshot = take(...parents);
    if (typeof snapshot === 'string') throw new Error(snapshot);
    return snapshot;
  }
  const killsIn = ({ readings }: CounterSnapshot): unknown[] =>
    readings.map(({ reading }) =>
      typeof reading === 'object' && 'kills' in reading ? [...reading.kills.values()] : reading,
    );

  it('reads all containers when the total of the host has changed, and otherwise only new ones', () => {
    count('/docker/a', 'oom_kill 0\n');
    appear('/docker/a');
    expect(taken()).toMatchObject({ isFirst: true });
    expect([killsIn(taken()), snapshots.readNewKills()]).toEqual([[], 0]);
    count('/docker/b', 'oom_kill 0\n');
    appear('/docker/b');
    expect(killsIn(taken())).toEqual([[0]]);
    hostKills(2);
    count('/docker/a', 'oom_kill 2\n');
    expect(snapshots.readNewKills()).toBe(2);
    const snapshot = taken();
    expect([snapshot.isFirst, killsIn(snapshot), snapshots.hostKills]).toEqual([false, [[2], [0]], 2]);
    expect(snapshots.readNewKills()).toBe(0);
  });

  it('reads a counter again that could not be read, or was empty, although no kill followed', () => {
    count('/docker/a', '');
    mkdirSync(join(root, 'cgroup/docker/b/memory.events'), { recursive: true });
    for (const path of ['/docker/a', '/docker/b']) appear(path);
    expect(killsIn(taken())).toEqual([undefined, expect.any(Error)]);
    rmSync(join(root, 'cgroup/docker/b/memory.events'), { recursive: true });
    for (const path of ['/docker/a', '/docker/b']) count(path, 'oom_kill 1\n');
    expect(killsIn(taken())).toEqual([[1], [1]]);
    expect(killsIn(taken())).toEqual([]);
  });

  it('is of one moment: a kill while it reads makes it void', () => {
    count('/docker/a', 'oom_kill 0\n');
    appear('/docker/a');
    taken();
    hostKills(1);
    onRead = () => hostKills(2);
    expect([take(), snapshots.hostKills]).toEqual(['changed', 0]);
    onRead = () => {};
    expect([killsIn(taken()), snapshots.hostKills]).toEqual([[[0]], 2]);
  });

  it('reads the counters of parents only when the total has changed', () => {
    count('/docker', 'oom_kill 0\n');
    count('/docker/a', 'oom_kill 0\n');
    appear('/docker/a');
    expect(taken('/docker').parents).toEqual(new Map([['/docker', { kills: 0, groups: undefined }]]));
    expect(taken('/docker').parents).toBeUndefined();
    hostKills(1);
    count('/docker', 'oom_kill 1\n');
    expect(taken('/docker', '/none').parents).toEqual(new Map([['/docker', { kills: 1, groups: undefined }]]));
    expect(snapshots.take(() => new Set(['/docker']))).toMatchObject({
      parents: new Map([['/docker', { kills: 1, groups: undefined }]]),
    });
  });

  it('reads groups and who asked for them, if there is a new kill', () => {
    count('/docker/a', 'oom 1\noom_kill 0\noom_group_kill 0\n');
    appear('/docker/a');
    expect(taken().readings).toMatchObject([{ reading: { groups: 0 }, groupSetting: undefined }]);
    hostKills(6);
    count('/docker/a', 'oom 1\noom_kill 6\noom_group_kill 1\n');
    expect(taken().readings).toMatchObject([{ reading: { groups: 1 }, groupSetting: 'no' }]);
    writeFileSync(join(root, 'cgroup/docker/memory.oom.group'), '1\n');
    hostKills(7);
    expect(taken().readings).toMatchObject([{ groupSetting: 'above' }]);
    writeFileSync(join(root, 'cgroup/docker/a/memory.oom.group'), '1\n');
    hostKills(8);
    expect(taken().readings).toMatchObject([{ groupSetting: 'itself' }]);
  });

  it('does not take the counter of a container for that of the one before it at its path', () => {
    count('/docker/a', 'oom_kill 0\n');
    appear('/docker/a');
    taken();
    // Moved away instead of deleted, so that the file system does not reuse its inode.
    renameSync(join(root, 'cgroup/docker/a'), join(root, 'before'));
    count('/docker/a', 'oom_kill 1\n');
    hostKills(1);
    expect(killsIn(taken())).toEqual([undefined]);
  });

  it('goes on without the total of the host, and says so once', () => {
    count('/docker/a', 'oom_kill 1\n');
    appear('/docker/a');
    rmSync(join(root, 'proc/vmstat'));
    mkdirSync(join(root, 'proc/vmstat'));
    expect([killsIn(taken()), snapshots.up, snapshots.hostKills]).toEqual([[[1]], false, undefined]);
    taken();
    expect(warnings).toEqual(['cannot read the number of OOM kills on the host']);
    rmSync(join(root, 'proc/vmstat'), { recursive: true });
    hostKills(1);
    expect([killsIn(taken()), snapshots.up]).toEqual([[[1]], true]);
    rmSync(join(root, 'proc/vmstat'));
    mkdirSync(join(root, 'proc/vmstat'));
    expect([take(), snapshots.up, snapshots.hostKills]).toEqual(['unreadable', false, 1]);
  });

  it('reads outer containers before inner ones if only some are read', () => {
    count('/docker/a', 'oom_kill 1\n');
    count('/docker/a/docker/b', 'oom_kill 1\n');
    const cgroups = [appear('/docker/a'), appear('/docker/a/docker/b')];
    snapshots.read(cgroups.flatMap((cgroup) => records.of(cgroup) ?? []));
    expect(readPaths).toEqual(['/docker/a', '/docker/a/docker/b']);
  });
});

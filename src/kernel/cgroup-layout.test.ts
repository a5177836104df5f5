import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCgroupLayout } from './cgroup-layout.ts';

const V1 =
  '31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n' +
  '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n' +
  '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n' +
  '39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n' +
  '40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,release_agent=/x,name=systemd\n';
const UNIFIED_BESIDE = '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n';
const V2 = '41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n';

describe('findCgroupLayout()', () => {
  let host: string;
  beforeEach(() => {
    host = mkdtempSync(join(tmpdir(), 'isolation-layout-'));
    mkdirSync(join(host, 'proc/1'), { recursive: true });
    for (const name of ['cpu,cpuacct', 'memory', 'pids', 'systemd', 'unified']) {
      mkdirSync(join(host, 'cgroup', name), { recursive: true });
    }
  });
  afterEach(() => rmSync(host, { recursive: true }));

  function layout(mountinfo: string): ReturnType<typeof findCgroupLayout> {
    writeFileSync(join(host, 'proc/1/mountinfo'), mountinfo);
    return findCgroupLayout(join(host, 'proc'), join(host, 'cgroup'));
  }

  it('finds each controller of v1 in its own hierarchy', () => {
    const found = layout(V1);
    expect(found.version).toBe('v1');
    expect(found.hierarchyOf('memory')).toMatchObject({ root: join(host, 'cgroup/memory'), version: 1 });
    expect(found.hierarchyOf('cpuacct')?.root).toBe(join(host, 'cgroup/cpu,cpuacct'));
    expect(found.hierarchyOf('io')).toBeUndefined();
    expect(found.discovery.root).toBe(join(host, 'cgroup/pids'));
    expect(found.unified).toBeUndefined();
  });

  it('does not take the cgroup2 mount of a hybrid host for v2', () => {
    writeFileSync(join(host, 'cgroup/unified/cgroup.controllers'), 'hugetlb\n');
    const found = layout(V1 + UNIFIED_BESIDE);
    expect(found.version).toBe('hybrid');
    expect(found.hierarchyOf('memory')?.version).toBe(1);
    expect(found.hierarchyOf('hugetlb')).toMatchObject({ root: join(host, 'cgroup/unified'), version: 2 });
    expect(found.discovery.root).toBe(join(host, 'cgroup/pids'));
    expect(found.unified?.root).toBe(join(host, 'cgroup/unified'));
  });

  it('finds all controllers of v2 in one place', () => {
    writeFileSync(join(host, 'cgroup/cgroup.controllers'), 'cpuset cpu io memory hugetlb pids\n');
    const found = layout(V2);
    expect(found.version).toBe('v2');
    expect(found.hierarchyOf('memory')).toMatchObject({ root: join(host, 'cgroup'), version: 2 });
    expect(found.hierarchyOf('cpuacct')).toBeUndefined();
    expect(found.discovery).toBe(found.unified);
  });

  it('takes a host for v2 whose cgroup2 has a v1 hierarchy without controllers mounted below it', () => {
    writeFileSync(join(host, 'cgroup/cgroup.controllers'), 'cpuset cpu io memory hugetlb pids\n');
    const found = layout(V2 + V1.split('\n').at(-2));
    expect(found.discovery).toBe(found.unified);
    expect(found.hierarchyOf('memory')).toMatchObject({ root: join(host, 'cgroup'), version: 2 });
  });

  it.each([
    [
      'the whole hierarchy before a part of it',
      ['/docker/node', '/sys/fs/cgroup/pids'],
      ['/', '/sys/fs/cgroup/a/pids'],
    ],
    ['the higher one of two parts', ['/docker/node', '/sys/fs/cgroup/pids'], ['/docker', '/sys/fs/cgroup/docker/pids']],
    ['what is above the cgroup namespace', ['/', '/sys/fs/cgroup/pids'], ['/../..', '/sys/fs/cgroup/host/pids']],
    ['the nearest one of two alike', ['/', '/sys/fs/cgroup/pids/docker/node'], ['/', '/sys/fs/cgroup/pids']],
    [
      'the nearest one in a node of kind',
      ['/docker/n', '/sys/fs/cgroup/pids/docker/n'],
      ['/docker/n', '/sys/fs/cgroup/pids'],
    ],
  ])('takes of one hierarchy %s, in whichever order they are', (_, other, best) => {
    const line = ([mountRoot, mountPoint]: string[]): string =>
      `39 31 0:36 ${mountRoot} ${mountPoint} rw,relatime - cgroup cgroup rw,pids\n`;
    const visible = best[1]?.replace('/sys/fs/cgroup', join(host, 'cgroup')) ?? '';
    mkdirSync(visible, { recursive: true });
    for (const lines of [line(other) + line(best), line(best) + line(other)]) {
      const found = layout(lines);
      expect(found.hierarchies).toEqual([{ root: visible, mountRoot: best[0], version: 1, controllers: ['pids'] }]);
      expect(found.discovery).toBe(found.hierarchies[0]);
    }
  });

  it('knows what is mounted below a hierarchy, and notices what is mounted later', () => {
    const again = '45 39 0:36 / /sys/fs/cgroup/pids/docker/a\\040b rw - cgroup cgroup rw,pids\n';
    const found = layout(V1 + again);
    const pids = join(host, 'cgroup/pids');
    const has = (path: string): boolean | undefined => found.mountPoints?.has(pids, path);
    expect([has('/docker/a b'), has('/docker'), found.mountPoints?.has(join(host, 'cgroup'), '/pids')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(found.mountPoints?.refresh()).toBe(false);
    writeFileSync(join(host, 'proc/1/mountinfo'), `${V1}46 39 0:50 / /sys/fs/cgroup/pids/x rw - tmpfs tmpfs rw\n`);
    expect(found.mountPoints?.refresh()).toBe(true);
    expect([has('/docker/a b'), has('/x')]).toEqual([false, true]);
  });

  it('does not enter a v1 hierarchy that is mounted below cgroup2', () => {
    writeFileSync(join(host, 'cgroup/cgroup.controllers'), 'pids\n');
    const found = layout(V2 + V1.split('\n').at(-2));
    expect(found.mountPoints?.has(join(host, 'cgroup'), '/systemd')).toBe(true);
  });

  it('prefers the mounts that this process sees below the given root', () => {
    mkdirSync(join(host, 'proc/self'));
    writeFileSync(join(host, 'proc/self/mountinfo'), V2.replace('/sys/fs/cgroup', join(host, 'cgroup')));
    expect(layout(V1).version).toBe('v2');
  });

  it('names the path without procfs', () => {
    writeFileSync(join(host, 'file'), '');
    for (const wrong of ['missing', 'file']) {
      expect(() => findCgroupLayout(join(host, wrong), join(host, 'cgroup'))).toThrow(
        new RegExp(`No process file system is mounted at ".*${wrong}"`),
      );
    }
  });

  it('names the path without cgroups', () =>
    expect(() => layout('')).toThrow(/No cgroup file system is mounted at ".*cgroup"/));

  it.each([
    ['v1', V1],
    ['v2', V2],
  ])('ignores mounts of PID 1 that do not exist here (%s)', (_, mountinfo) => {
    writeFileSync(join(host, 'proc/1/mountinfo'), mountinfo);
    mkdirSync(join(host, 'empty'));
    writeFileSync(join(host, 'file'), '');
    for (const wrong of ['missing', 'empty', 'file']) {
      expect(() => findCgroupLayout(join(host, 'proc'), join(host, wrong))).toThrow(/No cgroup file system is mounted/);
    }
  });
});

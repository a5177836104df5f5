import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CgroupFiles } from './cgroup-files.ts';
import { type CgroupLayout, findCgroupLayout } from './cgroup-layout.ts';
import { errnoOf } from './errno.ts';
import { KernelFiles } from './kernel-files.ts';

const root = process.getuid?.() === 0;
const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

function kernelFiles(descriptorBudget: number): KernelFiles {
  return new KernelFiles({ procRoot: '/proc', layout: findCgroupLayout('/proc', '/sys/fs/cgroup'), descriptorBudget });
}

describe.skipIf(!root)('CgroupFiles on the real cgroupfs (needs root)', () => {
  const { discovery } = findCgroupLayout('/proc', '/sys/fs/cgroup');
  const controller = discovery.version === 2 ? 'unified' : 'pids';
  let path: string;

  beforeEach(() => {
    path = `/isolation-files-${process.pid}-${Math.random().toString(16).slice(2)}`;
    mkdirSync(discovery.root + path);
  });
  afterEach(() => removeCgroup(discovery.root + path));

  it('reads a kept descriptor again each time, and drops a removed cgroup', async () => {
    const kernel = kernelFiles(100);
    const files = kernel.cgroup(path);
    expect(files.processes()).toEqual([]);
    const child = spawn('sleep', ['100']);
    writeFileSync(`${discovery.root}${path}/cgroup.procs`, String(child.pid));
    expect(files.processes()).toEqual([child.pid]);
    expect(files.read(controller, 'cgroup.procs')).toBeDefined();
    child.kill('SIGKILL');
    await once(child, 'exit');
    await removeCgroup(discovery.root + path);
    expect(files.read(controller, 'cgroup.procs')).toBeUndefined();
    expect(files.gone).toBe(true);
    expect(kernel.open).toBe(0);
  });

  it('is gone if another cgroup has taken its path, also if its files were opened since', async () => {
    const files = kernelFiles(100).cgroup(path, statSync(discovery.root + path).ino);
    files.confirm();
    expect(files.gone).toBe(false);
    await removeCgroup(discovery.root + path);
    mkdirSync(discovery.root + path);
    expect(files.read(controller, 'cgroup.procs')).toBeDefined();
    files.confirm();
    expect(files.gone).toBe(true);
  });

  it('stays within its budget and works beyond it', () => {
    const before = openDescriptors();
    const kernel = kernelFiles(1);
    const files = kernel.cgroup(path);
    for (let round = 0; round < 3; round += 1) {
      expect(files.read(controller, 'cgroup.procs')).toBeDefined();
      expect(files.read(controller, discovery.version === 2 ? 'cgroup.events' : 'tasks')).toBeDefined();
    }
    expect(kernel.open).toBe(1);
    files.close();
    expect(kernel.open).toBe(0);
    expect(openDescriptors()).toBe(before);
  });

  it('notices a removed cgroup without descriptors too', async () => {
    const files = kernelFiles(0).cgroup(path);
    expect(files.read(controller, 'no.such.file')).toBeUndefined();
    expect(files.gone).toBe(false);
    await removeCgroup(discovery.root + path);
    expect(files.read(controller, 'cgroup.procs')).toBeUndefined();
    expect(files.gone).toBe(true);
  });

  it('treats another cgroup at the same path as the end of the first', async () => {
    const { ino } = statSync(discovery.root + path);
    const files = kernelFiles(100).cgroup(path, ino);
    expect(files.read(controller, 'cgroup.procs')).toBeDefined();
    await removeCgroup(discovery.root + path);
    mkdirSync(discovery.root + path);
    expect(files.read(controller, 'cgroup.procs')).toBeUndefined();
    expect(files.gone).toBe(true);
    files.lookAgain();
    expect(files.gone).toBe(true);
  });

  it('returns undefined for a missing file, controller or cgroup', () => {
    const kernel = kernelFiles(100);
    const files = kernel.cgroup(path);
    expect(files.read(controller, 'no.such.file')).toBeUndefined();
    expect(files.gone).toBe(false);
    const nowhere = kernel.cgroup('/no/such/cgroup');
    expect(nowhere.read(controller, 'cgroup.procs')).toBeUndefined();
    expect(nowhere.gone).toBe(true);
    expect(kernel.open).toBe(0);
  });
});

const { discovery: found, unified } = findCgroupLayout('/proc', '/sys/fs/cgroup');
const switchable = ['hugetlb', 'pids'] as const;
const isIn = (file: string, name: string): boolean =>
  unified !== undefined && readFileSync(`${unified.root}/${file}`, 'utf8').includes(name);
const switched = switchable.find((name) => root && isIn('cgroup.controllers', name));

describe.skipIf(switched === undefined)(
  'CgroupFiles when a controller is switched off (needs root and cgroup2)',
  () => {
    const controller = switched ?? 'pids';
    const file = controller === 'pids' ? 'pids.current' : undefined;
    const top = unified?.root ?? '';
    const parent = `/isolation-switch-${process.pid}`;
    const path = `${parent}/child`;

    const wasOn = root && unified !== undefined && isIn('cgroup.subtree_control', controller);

    beforeEach(() => {
      writeFileSync(`${top}/cgroup.subtree_control`, `+${controller}`);
      for (const hierarchyRoot of new Set([top, found.root])) mkdirSync(hierarchyRoot + path, { recursive: true });
      writeFileSync(`${top}${parent}/cgroup.subtree_control`, `+${controller}`);
    });
    afterEach(async () => {
      for (const hierarchyRoot of new Set([top, found.root])) {
        await removeCgroup(hierarchyRoot + path);
        await removeCgroup(hierarchyRoot + parent);
      }
      if (!wasOn) writeFileSync(`${top}/cgroup.subtree_control`, `-${controller}`);
    });

    const setUp = (): {
      files: CgroupFiles;
      kernel: KernelFiles;
      read: (name: string) => boolean;
      ofController: string;
    } => {
      const kernel = kernelFiles(100);
      const files = kernel.cgroup(path, statSync(found.root + path).ino);
      const ofController = file ?? files.list('hugetlb').find((name) => name.endsWith('.current')) ?? '';
      return {
        files,
        kernel,
        ofController,
        read: (name) => files.read(name === ofController ? controller : 'unified', name) !== undefined,
      };
    };

    it('loses its files alone, and has them back at once when it is on again', () => {
      const { files, kernel, read, ofController } = setUp();
      expect([read(ofController), read('cpu.stat')]).toEqual([true, true]);
      writeFileSync(`${top}${parent}/cgroup.subtree_control`, `-${controller}`);
      for (let round = 0; round < 3; round += 1) {
        expect([read(ofController), read('cpu.stat'), files.gone]).toEqual([false, true, false]);
      }
      expect(kernel.open).toBe(1);
      writeFileSync(`${top}${parent}/cgroup.subtree_control`, `+${controller}`);
      expect([read(ofController), read('cpu.stat'), files.gone]).toEqual([true, true, false]);
      files.close();
      expect(kernel.open).toBe(0);
    });

    it('reads on, if nobody has read while it was off', () => {
      const { files, read, ofController } = setUp();
      expect(read(ofController)).toBe(true);
      writeFileSync(`${top}${parent}/cgroup.subtree_control`, `-${controller}`);
      writeFileSync(`${top}${parent}/cgroup.subtree_control`, `+${controller}`);
      expect(read(ofController)).toBe(true);
      files.close();
    });

    it.skipIf(!existsSync(`${top}/cgroup.pressure`))('loses pressure alone while that is off', () => {
      const { files, read } = setUp();
      expect([read('cpu.pressure'), read('cpu.stat')]).toEqual([true, true]);
      writeFileSync(`${top}${path}/cgroup.pressure`, '0');
      for (let round = 0; round < 3; round += 1) {
        expect([read('cpu.pressure'), read('cpu.stat'), files.gone]).toEqual([false, true, false]);
      }
      writeFileSync(`${top}${path}/cgroup.pressure`, '1');
      expect([read('cpu.pressure'), read('cpu.stat')]).toEqual([true, true]);
      files.close();
    });
  },
);

describe('CgroupFiles of a copied tree', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'isolation-files-'));
    mkdirSync(join(directory, 'docker'));
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
    rmSync(directory, { recursive: true });
  });

  it('looks again for a missing file soon in a young cgroup, and less often then', () => {
    const hierarchy = { root: directory, mountRoot: '/', version: 2, controllers: ['pids'] } as const;
    const layout: CgroupLayout = {
      version: 'v2',
      hierarchies: [hierarchy],
      discovery: hierarchy,
      hierarchyOf: () => hierarchy,
      unified: hierarchy,
    };
    const files = new KernelFiles({ procRoot: '/proc', layout, descriptorBudget: 10 }).cgroup('/docker');
    const isThereAfter = (ms: number, name: string): boolean => {
      vi.advanceTimersByTime(ms);
      return files.read('pids', name) !== undefined;
    };
    expect(isThereAfter(5, 'pids.max')).toBe(false);
    expect(isThereAfter(5, 'pids.max')).toBe(false);
    writeFileSync(join(directory, 'docker/pids.max'), 'max');
    expect(isThereAfter(5, 'pids.max')).toBe(false);
    expect(isThereAfter(5, 'pids.max')).toBe(true);

    expect(isThereAfter(100_000, 'pids.peak')).toBe(false);
    writeFileSync(join(directory, 'docker/pids.peak'), '0');
    expect(isThereAfter(59_000, 'pids.peak')).toBe(false);
    expect(isThereAfter(1_000, 'pids.peak')).toBe(true);
    files.close();
  });

  it('reads each hierarchy where the container is in it', () => {
    const pids = { root: join(directory, 'pids'), mountRoot: '/', version: 1, controllers: ['pids'] } as const;
    const memory = { root: join(directory, 'memory'), mountRoot: '/', version: 1, controllers: ['memory'] } as const;
    const layout: CgroupLayout = {
      version: 'v1',
      hierarchies: [pids, memory],
      discovery: pids,
      hierarchyOf: (controller) => (controller === 'memory' ? memory : pids),
      unified: undefined,
    };
    mkdirSync(join(directory, 'pids/docker/x'), { recursive: true });
    mkdirSync(join(directory, 'memory/s/docker/x'), { recursive: true });
    writeFileSync(join(directory, 'memory/s/docker/x/memory.limit_in_bytes'), '33554432\n');
    const kernel = new KernelFiles({ procRoot: '/proc', layout, descriptorBudget: 10 });
    const files = kernel.cgroup('/docker/x', statSync(join(directory, 'pids/docker/x')).ino);
    expect(files.read('memory', 'memory.limit_in_bytes')).toBeUndefined();
    files.locate(new Map([[memory, { own: '/s/docker/x', init: '/s/docker/x' }]]));
    expect(String(files.read('memory', 'memory.limit_in_bytes'))).toBe('33554432\n');
    expect([files.path, files.pathIn('memory'), files.pathIn('pids')]).toEqual([
      '/docker/x',
      '/s/docker/x',
      '/docker/x',
    ]);
    files.close();
    expect(kernel.open).toBe(0);
  });
});

/** The kernel needs a moment to take a dead process out of its cgroup. */
async function removeCgroup(directory: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      rmdirSync(directory);
      return;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

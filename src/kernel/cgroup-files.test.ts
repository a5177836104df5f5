import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
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

  it('reads a kept descriptor anew each time, and forgets a removed cgroup', async () => {
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

  it('keeps within its budget and reads on without it', () => {
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

  it('knows without descriptors, too, that a cgroup is gone', async () => {
    const files = kernelFiles(0).cgroup(path);
    expect(files.read(controller, 'no.such.file')).toBeUndefined();
    expect(files.gone).toBe(false);
    await removeCgroup(discovery.root + path);
    expect(files.read(controller, 'cgroup.procs')).toBeUndefined();
    expect(files.gone).toBe(true);
  });

  it('answers undefined for a file, a controller or a cgroup that is not there', () => {
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
    const hierarchy = { root: directory, version: 2, controllers: ['pids'] } as const;
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

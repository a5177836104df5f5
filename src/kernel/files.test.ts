import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CgroupLayout, findCgroupLayout } from './cgroup-layout.ts';
import { errnoOf } from './errno.ts';
import { KernelFiles } from './files.ts';

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

describe('ProcessFiles', () => {
  it('belong to one process, also when its pid is gone', async () => {
    const kernel = kernelFiles(100);
    const child = spawn('sleep', ['100']);
    await once(child, 'spawn');
    const files = kernel.process(child.pid ?? 0);
    expect(files?.text('comm')).toBeDefined();
    expect(files?.link('ns/uts')).toMatch(/^uts:\[\d+\]$/);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(files?.text('comm')).toBeUndefined();
    expect(files?.link('ns/uts')).toBeUndefined();
    files?.close();
    expect(kernel.open).toBe(0);
    expect(kernel.process(child.pid ?? 0)).toBeUndefined();
  });

  it('list block devices and directories, and follow no link to where they are not', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'isolation-files-'));
    mkdirSync(join(directory, 'dev', 'mapper'), { recursive: true });
    writeFileSync(join(directory, 'dev', 'file'), '');
    symlinkSync('/dev', join(directory, 'dev', 'link'));
    // Not everybody, nor root everywhere, may make one.
    const made = spawnSync('mknod', [join(directory, 'dev', 'disk'), 'b', '7', '0']).status === 0;
    const child = spawn('sleep', ['100'], { cwd: directory });
    await once(child, 'spawn');
    const files = kernelFiles(100).process(child.pid ?? 0);
    expect(files?.nodes('cwd/dev')).toEqual({ blockDevices: made ? ['disk'] : [], directories: ['mapper'] });
    expect(files?.nodes('cwd/dev/none')).toBeUndefined();
    for (const name of ['file', 'link']) expect(() => files?.nodes(`cwd/dev/${name}`)).toThrow('ENOTDIR');
    files?.close();
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });

  it('can be read without a descriptor', () => {
    const files = kernelFiles(0).process(process.pid);
    expect(files?.text('stat')).toContain(String(process.pid));
    files?.close();
    expect(files?.text('stat')).toBeUndefined();
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

describe.skipIf(!root)('a mount table with a record of nearly a page (needs root)', () => {
  it('is read whole', async () => {
    const at = mkdtempSync(join(tmpdir(), 'isolation-files-'));
    // A path of 2.7 kB has to be made step by step; all of it is in a mount namespace that ends with the process.
    const script = `mount -t tmpfs t ${at} && cd ${at} && mkdir last && name=$(printf 'a%.0s' $(seq 240)) &&
      for step in 1 2 3 4 5 6 7 8 9 10 11; do mkdir $name && cd $name; done && mount -t tmpfs t . && mount --bind / ${at}/last &&
      echo && exec sleep 100`;
    const child = spawn('env', ['unshare', '--mount', 'bash', '-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    const files = kernelFiles(10).process(child.pid ?? 0);
    expect(files?.text('mountinfo')).toContain(` ${at}/last `);
    files?.close();
    child.kill('SIGKILL');
    await once(child, 'exit');
    rmSync(at, { recursive: true });
  });
});

describe('KernelFiles', () => {
  it('reads files of more than one page whole', () => {
    const directory = mkdtempSync(join(tmpdir(), 'isolation-files-'));
    const content = 'x'.repeat(300_000);
    writeFileSync(join(directory, 'large'), content);
    expect(kernelFiles(10).readOnce(join(directory, 'large'))?.length).toBe(content.length);
    rmSync(directory, { recursive: true });
  });

  it.skipIf(root)('says which file it may not read', () => {
    const directory = mkdtempSync(join(tmpdir(), 'isolation-files-'));
    writeFileSync(join(directory, 'secret'), '');
    chmodSync(join(directory, 'secret'), 0);
    expect(() => kernelFiles(10).readOnce(join(directory, 'secret'))).toThrow(/EACCES.*secret/);
    rmSync(directory, { recursive: true });
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

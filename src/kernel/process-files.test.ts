import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { findCgroupLayout } from './cgroup-layout.ts';
import { KernelFiles } from './kernel-files.ts';

const root = process.getuid?.() === 0;

function kernelFiles(descriptorBudget: number): KernelFiles {
  return new KernelFiles({ procRoot: '/proc', layout: findCgroupLayout('/proc', '/sys/fs/cgroup'), descriptorBudget });
}

describe('ProcessFiles', () => {
  it('belong to one process, also after its end', async () => {
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

  it('appear in errors with the pid, not with a descriptor', () => {
    const files = kernelFiles(100).process(process.pid);
    expect(() => files?.text('fd')).toThrow(`"/proc/${process.pid}/fd": EISDIR`);
    files?.close();
  });

  it.each([100, 0])('count open files, with room for %d descriptors', async (budget) => {
    const kernel = kernelFiles(budget);
    // It has its standard streams and one more file open, and opens nothing else once it answers.
    const child = spawn('sh', ['-c', 'exec 7</dev/null; exec cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.write('x\n');
    await once(child.stdout, 'data');
    const files = kernel.process(child.pid ?? 0);
    const size = statSync(`/proc/${child.pid}/fd`).size;
    expect(size === 0 || size >= 4).toBe(true);
    expect([files?.sizeOfFd(), files?.sizeOfFd()]).toEqual([size, size]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(files?.sizeOfFd()).toBeUndefined();
    files?.close();
    expect(kernel.open).toBe(0);
  });

  it('can be read without a descriptor', () => {
    const files = kernelFiles(0).process(process.pid);
    expect(files?.text('stat')).toContain(String(process.pid));
    files?.close();
    expect(files?.text('stat')).toBeUndefined();
  });
});

describe.skipIf(!root)('a mount table with a record of nearly a page (needs root)', () => {
  it('is read whole', async () => {
    const at = mkdtempSync(join(tmpdir(), 'isolation-files-'));
    // A path of 2.7 kB can only be created step by step. It is in a mount namespace that ends with the process.
    const script = `mount -t tmpfs t ${at} && cd ${at} && mkdir last && name=$(printf 'a%.0s' $(seq 240)) &&
      for step in 1 2 3 4 5 6 7 8 9 10 11; do mkdir $name && cd $name; done && mount -t tmpfs t . && mount --bind / ${at}/last &&
      echo && exec sleep 100`;
    const child = spawn('env', ['unshare', '--mount', 'bash', '-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    const files = kernelFiles(10).process(child.pid ?? 0);
    expect(String(Buffer.from(files?.mountinfo(1024 * 1024) ?? []))).toContain(` ${at}/last `);
    files?.close();
    child.kill('SIGKILL');
    await once(child, 'exit');
    rmSync(at, { recursive: true });
  });

  it.each([100, 0])('are those of another thread on demand, with room for %d descriptors', async (budget) => {
    const kernel = kernelFiles(budget);
    // Node has several threads.
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    while (readdirSync(`/proc/${pid}/task`).length < 2) await setTimeout(10);
    const files = kernel.process(pid);
    expect(files?.useOtherThread()).toBe(true);
    const [, thread] = /^Pid:\t(\d+)$/m.exec(files?.text('status') ?? '') ?? [];
    expect(readdirSync(`/proc/${pid}/task`)).toContain(thread);
    expect(thread).not.toBe(String(pid));
    expect(files?.text('status')).toContain(`\nTgid:\t${pid}\n`);
    expect(files?.link('ns/mnt')).toMatch(/^mnt:/);
    expect(files?.outside('exe')?.shownAs).toBe(`/proc/${pid}/task/${thread}/exe`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(files?.text('status')).toBeUndefined();
    expect(files?.useOtherThread()).toBe(false);
    files?.close();
    expect(kernel.open).toBe(0);
  });

  it('have no other thread if there is one alone', async () => {
    const child = spawn('sleep', ['100']);
    await once(child, 'spawn');
    const files = kernelFiles(100).process(child.pid ?? 0);
    expect(files?.useOtherThread()).toBe(false);
    expect(files?.text('stat')).toContain(String(child.pid));
    files?.close();
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
});

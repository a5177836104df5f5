import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { findCgroupLayout } from './cgroup-layout.ts';
import { PENDING } from './command-lines.ts';
import { KernelFiles } from './kernel-files.ts';
import { isRuntimeAtWork } from './runtime-at-work.ts';

const kernel = new KernelFiles({
  procRoot: '/proc',
  layout: findCgroupLayout('/proc', '/sys/fs/cgroup'),
  descriptorBudget: 10,
});
const children: ChildProcess[] = [];
afterEach(() => {
  vi.restoreAllMocks();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Whether a process that has just started under this name counts as a runtime. */
async function isTaken(name: string, cgroup: string): Promise<boolean> {
  const child = spawn('bash', ['-c', `exec -a ${name} sleep 100`], { stdio: 'ignore' });
  children.push(child);
  const pid = child.pid ?? 0;
  await vi.waitFor(
    () => expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toBe([name, '100', ''].join('\0')),
    10_000,
  );
  const files = kernel.process(pid);
  if (files === undefined) throw new Error('It has ended');
  try {
    return isRuntimeAtWork(files, kernel, cgroup);
  } finally {
    files.close();
  }
}

test('a young process with the name of a runtime is one, and one with another name is none', async () => {
  expect(await isTaken('/usr/bin/runc', '/a')).toBe(true);
  expect(await isTaken('sleeper', '/b')).toBe(false);
});

test('a process whose age is unknown is none, whatever is known of its command line', () => {
  const init = kernel.process(1);
  if (init === undefined) throw new Error('Process 1 is not visible');
  const hidden = { proc: () => undefined, commandLines: { of: () => PENDING } } as unknown as KernelFiles;
  expect(isRuntimeAtWork(init, hidden, '/c')).toBe(false);
  init.close();
});

test('a container that has one in every scrape is believed for 20 s only', async () => {
  const start = performance.now();
  const at = async (ms: number): Promise<boolean> => {
    vi.spyOn(performance, 'now').mockReturnValue(start + ms);
    const taken = await isTaken('runc', '/liar');
    vi.restoreAllMocks();
    return taken;
  };
  expect([await at(0), await at(15_000), await at(30_000), await at(45_000)]).toEqual([true, true, false, false]);
  // The container had no runtime in it for a while.
  expect(await at(200_000)).toBe(true);
});

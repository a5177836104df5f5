import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { FirstProcesses } from './first-processes.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'isolation-exporter-first-'));
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(root, { recursive: true });
});

it('are looked for again where they could not be read', () => {
  const hierarchy = { root, mountRoot: '/', version: 2 as const, controllers: ['memory'] };
  const layout = {
    version: 'v2' as const,
    hierarchies: [hierarchy],
    discovery: hierarchy,
    unified: hierarchy,
    hierarchyOf: () => hierarchy,
  };
  using processes = new FirstProcesses(new KernelFiles({ procRoot: '/proc', layout, descriptorBudget: 0 }));
  const list = join(root, 'a', 'cgroup.procs');
  mkdirSync(list, { recursive: true });
  processes.expect({ path: '/a', inode: 1, match: { engine: 'docker', id: 'a', infra: false }, seenAt: 0 });
  vi.advanceTimersByTime(5);
  expect(processes.cgroupOf(42)).toBeUndefined();
  rmSync(list, { recursive: true });
  writeFileSync(list, '42\n');
  vi.advanceTimersByTime(25);
  expect(processes.cgroupOf(42)).toBe('/a');
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type FakeConmon, startConmon } from '../../test/fake-conmon.ts';
import { type CgroupLayout, findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { conmonsOf } from './conmon.ts';

/** Real processes in cgroups that are plain folders. */
const root = mkdtempSync(join(tmpdir(), 'isolation-conmon-'));
const started: FakeConmon[] = [];
const ID = '3b5046be1db64ef7b9b967ce0aa79d424cd892f1594994594283b3e8269e615b';
const PATH = `/machine.slice/libpod-${ID}.scope`;

const layout: CgroupLayout = {
  ...findCgroupLayout('/proc', '/sys/fs/cgroup'),
  discovery: { root, mountRoot: '/', version: 2, controllers: [] },
};
const kernel = new KernelFiles({ procRoot: '/proc', layout, descriptorBudget: 100 });

afterAll(() => {
  for (const { process } of started) if (process.pid !== undefined) globalThis.process.kill(-process.pid, 'SIGKILL');
  rmSync(root, { recursive: true });
});

async function start(options?: Parameters<typeof startConmon>[2]): Promise<FakeConmon> {
  const conmon = await startConmon(root, ['-c', ID, '-n', 'web'], options);
  started.push(conmon);
  return conmon;
}

/** The pids of the monitors of a container with these processes. */
function monitorsOf(...pids: readonly number[]): readonly number[] {
  mkdirSync(join(root, PATH), { recursive: true });
  writeFileSync(join(root, PATH, 'cgroup.procs'), pids.map((pid) => `${pid}\n`).join(''));
  const found = conmonsOf(kernel, PATH);
  const result = found.map(({ pid }) => pid);
  for (const files of found) files.close();
  expect(kernel.open).toBe(0);
  return result;
}

test('the parent of the init is the monitor', async () => {
  const { pid, child } = await start();
  expect(monitorsOf(child)).toEqual([pid]);
});

test('a process of the container that is called so is none', async () => {
  const { pid, child } = await start();
  expect(monitorsOf(pid, child)).toEqual([]);
});

test('a process in a pid namespace is none', async () => {
  const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const { child } = await start({ before: ['unshare', ...asRoot, '--pid', '--fork', '--kill-child'] });
  expect(monitorsOf(child)).toEqual([]);
});

test('a process with another name is none', async () => {
  const { child } = await start({ program: 'conmonster' });
  expect(monitorsOf(child)).toEqual([]);
});

test('a container without processes has none', () => {
  expect(monitorsOf()).toEqual([]);
});

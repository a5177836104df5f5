import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type CgroupLayout, findCgroupLayout } from '../kernel/cgroup-layout.ts';
import { KernelFiles } from '../kernel/kernel-files.ts';
import { admittedAt, type IsSurplus, type Members, membersOfContainer } from './container-pids.ts';

const OUTER = `/docker/${'a'.repeat(64)}`;
const INNER = `${OUTER}/docker-${'b'.repeat(64)}.scope`;
const INNERMOST = `${INNER}/docker-${'c'.repeat(64)}.scope`;

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'isolation-exporter-members-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function list(path: string, pid: number): void {
  mkdirSync(root + path, { recursive: true });
  writeFileSync(`${root}${path}/cgroup.procs`, `${pid}\n`);
}

function members(path: string, isSurplus?: IsSurplus): Members {
  const layout: CgroupLayout = {
    ...findCgroupLayout('/proc', '/sys/fs/cgroup'),
    discovery: { root, mountRoot: '/', version: 2, controllers: [] },
  };
  const kernel = new KernelFiles({ procRoot: '/proc', layout, descriptorBudget: 10 });
  return membersOfContainer(kernel, kernel.cgroup(path), isSurplus);
}

test('the processes of a nested container are its own, unless there are too many nested containers', () => {
  list(OUTER, 1);
  list(INNER, 2);
  list(INNERMOST, 3);
  list(`${INNER}/x`, 4);
  expect(members(OUTER).pids).toEqual([1]);
  expect(members(OUTER, (path) => path === INNER).pids).toEqual([1, 2, 4]);
  expect(members(OUTER, (path) => path !== OUTER).pids).toEqual([1, 2, 3, 4]);
  expect(members(INNER, (path) => path === INNERMOST).pids).toEqual([2, 3, 4]);
});

test('a container with too many cgroups inside says that processes may be missing', () => {
  list(OUTER, 1);
  for (let nth = 1; nth <= 512; nth += 1) list(`${OUTER}/x${nth}`, nth + 1);
  expect(members(OUTER)).toMatchObject({ isIncomplete: false, pids: { length: 513 } });
  list(`${OUTER}/y`, 9_999);
  expect(members(OUTER)).toMatchObject({ isIncomplete: true, pids: { length: 513 } });
});

test('a surplus cgroup belongs to the container around it, at any depth', () => {
  expect(admittedAt(`${INNERMOST}/x`, () => false)?.cgroup).toBe(INNERMOST);
  expect(admittedAt(`${INNERMOST}/x`, (path) => path === INNERMOST)?.cgroup).toBe(INNER);
  expect(admittedAt(`${INNERMOST}/x`, (path) => path !== OUTER)?.cgroup).toBe(OUTER);
  expect(admittedAt(`/user.slice/libpod-${'d'.repeat(64)}.scope`, () => true)).toBeUndefined();
});

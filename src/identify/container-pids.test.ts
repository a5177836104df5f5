import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
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
  // Unlike Node.js, it can remove what is too deep for a path.
  spawnSync('rm', ['-rf', root]);
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

test('a cgroup inside that cannot be opened by its path hides only its own processes', () => {
  list(OUTER, 1);
  list(`${OUTER}/x`, 2);
  // Longer than PATH_MAX, so it is made step by step.
  const script = `
    my ($top) = @ARGV;
    chdir $top or die;
    for (1 .. 20) { my $name = 'n' x 250; mkdir $name or die; chdir $name or die }`;
  spawnSync('perl', ['-e', script, root + OUTER]);
  expect(members(OUTER)).toMatchObject({ isIncomplete: true, pids: [1, 2] });
});

test('a cgroup inside whose name is no UTF-8 may hide processes, also beside one with the name that it is shown with', () => {
  list(OUTER, 1);
  list(`${OUTER}/x`, 2);
  expect(members(OUTER)).toMatchObject({ isIncomplete: false, pids: [1, 2] });
  mkdirSync(Buffer.concat([Buffer.from(`${root}${OUTER}/`), Buffer.from([0xff])]));
  expect(members(OUTER)).toMatchObject({ isIncomplete: true, pids: [1, 2] });
  list(`${OUTER}/\uFFFD`, 3);
  expect(members(OUTER)).toMatchObject({ isIncomplete: true, pids: [1, 2, 3] });
});

test('a cgroup of a container that cannot be read is an error', () => {
  mkdirSync(`${root}${OUTER}/cgroup.procs`, { recursive: true });
  expect(() => members(OUTER)).toThrow('EISDIR');
});

test('a surplus cgroup belongs to the container around it, at any depth', () => {
  expect(admittedAt(`${INNERMOST}/x`, () => false)?.cgroup).toBe(INNERMOST);
  expect(admittedAt(`${INNERMOST}/x`, (path) => path === INNERMOST)?.cgroup).toBe(INNER);
  expect(admittedAt(`${INNERMOST}/x`, (path) => path !== OUTER)?.cgroup).toBe(OUTER);
  expect(admittedAt(`/user.slice/libpod-${'d'.repeat(64)}.scope`, () => true)).toBeUndefined();
});

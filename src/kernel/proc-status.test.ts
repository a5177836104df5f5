import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseProcStatus } from './proc-status.ts';

const STATUS =
  'Name:\tsleep\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t7946\nNgid:\t0\nPid:\t7947\nPPid:\t7941\nTracerPid:\t0\n' +
  'Uid:\t0\t1000\t0\t0\nGid:\t0\t100\t0\t0\nFDSize:\t64\nGroups:\t5 27 \nNStgid:\t7946\t14\t1\nNSpid:\t7946\t14\t1\n' +
  'NSpgid:\t7946\t14\t1\nKthread:\t0\nVmSize:\t 4396 kB\n' +
  'CapInh:\t0000000000000000\nCapPrm:\t0000000000000001\nCapEff:\t0000000000000002\nCapBnd:\t00000000a80425fb\n' +
  'CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t5\nThreads:\t1\n';

const parsed = (what: string | RegExp, by: string) => parseProcStatus(STATUS.replace(what, by));

it('reads pids, ids, capabilities and seccomp', () => {
  expect(parseProcStatus(STATUS)).toEqual({
    name: 'sleep',
    zombie: false,
    goesOn: false,
    kernelThread: false,
    tgid: 7946,
    ppid: 7941,
    nspid: [7946, 14, 1],
    effectiveUid: 1000,
    effectiveGid: 100,
    holdsRoot: true,
    groups: [5, 27],
    effective: 2n,
    permitted: 1n,
    bounding: 0xa80425fbn,
    noNewPrivileges: true,
    seccomp: 'filter',
    seccompFilters: 5,
  });
});

it.each([
  ['0\t0\t0\t0', true],
  ['0\t1000\t1000\t1000', true],
  ['1000\t1000\t0\t1000', true],
  ['1000\t1000\t1000\t0', true],
  ['1000\t1000\t1000\t1000', false],
  ['100000\t100000\t100000\t100000', false],
])('with uids %j, holdsRoot is %s', (uids, holdsRoot) => {
  expect(parsed('0\t1000\t0\t0', uids)).toMatchObject({ holdsRoot });
});

it('has only the pid without NSpid', () => {
  expect(parsed(/NSpid.*\n/, '').nspid).toEqual([7946]);
});

it('leaves undefined what an older kernel does not report', () => {
  expect(parsed(/NoNewPrivs.*\nSeccomp.*\nSeccomp_filters.*\n/, '')).toMatchObject({
    noNewPrivileges: undefined,
    seccomp: undefined,
    seccompFilters: undefined,
  });
});

it.each([
  ['0', 'disabled'],
  ['1', 'strict'],
  ['2', 'filter'],
  // A process that seccomp has killed.
  ['3', 'filter'],
  // A mode of a later kernel.
  ['4', undefined],
] as const)('reads mode %s of seccomp as %s', (mode, seccomp) => {
  expect(parsed('Seccomp:\t2', `Seccomp:\t${mode}`).seccomp).toBe(seccomp);
});

it('recognises kernel threads and zombies', () => {
  expect(parsed('Kthread:\t0', 'Kthread:\t1').kernelThread).toBe(true);
  const beforeKthread = STATUS.replace(/Kthread.*\nVmSize.*\n/, '');
  expect(parseProcStatus(beforeKthread.replace('PPid:\t7941', 'PPid:\t2')).kernelThread).toBe(true);
  // A process without memory that is not a child of kthreadd is a zombie.
  expect(parsed(/VmSize.*\n/, '').kernelThread).toBe(false);
  expect(parsed('S (sleeping)', 'Z (zombie)')).toMatchObject({ zombie: true, goesOn: false });
});

it('recognises a process that goes on without its first thread', () => {
  const dead = STATUS.replace('S (sleeping)', 'Z (zombie)').replace('Threads:\t1', 'Threads:\t2');
  expect(parseProcStatus(dead)).toMatchObject({ zombie: true, goesOn: true });
  expect(parsed('Threads:\t1', 'Threads:\t2')).toMatchObject({ zombie: false, goesOn: false });
});

it('does not take a name for a line', () => {
  expect(parsed('sleep', String.raw`x\nUid:\t0\t0\t0\t0`).effectiveUid).toBe(1000);
  expect(parsed('sleep', String.raw`x\nPPid:\t1\nNSpid:\t1`).ppid).toBe(7941);
  expect(parsed('sleep', 'Seccomp:\t0').seccomp).toBe('filter');
  expect(parsed('sleep', 'NSpid:\t9\t1').nspid).toEqual([7946, 14, 1]);
  expect(parsed('sleep', '').name).toBe('');
});

it.each([
  ['a missing Uid', /Uid.*\n/, ''],
  ['a missing PPid', /PPid.*\n/, ''],
  ['a missing CapBnd', /CapBnd.*\n/, ''],
  ['a word for a pid', '7941', 'one'],
  ['an empty NSpid', /NSpid:.*\n/, 'NSpid:\t\n'],
  ['spaces in NSpid', /NSpid:.*\n/, 'NSpid:\t1 2\n'],
  ['a word for NoNewPrivs', 'NoNewPrivs:\t1', 'NoNewPrivs:\tyes'],
  ['nothing', /^.*$/s, ''],
] as const)('refuses %s', (_, what, by) => {
  expect(() => parsed(what, by)).toThrow(SyntaxError);
});

it('throws nothing but SyntaxError', () => {
  const line = fc.oneof(fc.string(), fc.constantFrom(...STATUS.split('\n'), 'NSpid:\t', 'PPid:\t-1', 'Tgid:'));
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      try {
        parseProcStatus(lines.join('\n'));
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
      }
    }),
  );
});

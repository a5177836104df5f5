import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type SeccompMode } from '../kernel/proc-status.ts';
import { isConfined } from './confined.ts';

const [ALL, SOME] = [0x1ffffffffffn, 0xa80425fbn];

/** The status of the host's first process. */
function firstProcess(seccomp: number, filters: number | undefined): string {
  const own = readFileSync('/proc/self/status', 'utf8').replace(/^(CapBnd|Seccomp|Seccomp_filters):.*\n/gm, '');
  const count = filters === undefined ? '' : `Seccomp_filters:\t${filters}\n`;
  return `${own}CapBnd:\t${ALL.toString(16).padStart(16, '0')}\nSeccomp:\t${seccomp}\n${count}`;
}

test.each<readonly [string, string | undefined, SeccompMode | undefined, number | undefined, bigint, boolean]>([
  ['like the first process', firstProcess(0, 0), 'disabled', 0, ALL, false],
  ['a kernel without seccomp', firstProcess(0, 0), undefined, undefined, ALL, false],
  ['a filter', firstProcess(0, 0), 'filter', 1, ALL, true],
  ['fewer capabilities', firstProcess(0, 0), 'disabled', 0, SOME, true],
  ['the filter of the host, which is a container itself', firstProcess(2, 1), 'filter', 1, ALL, false],
  ['one more filter', firstProcess(2, 1), 'filter', 2, ALL, true],
  ['filters that the kernel does not count', firstProcess(2, undefined), 'filter', undefined, ALL, false],
  ['a filter, and a first process that may not be read', undefined, 'filter', 1, ALL, true],
  ['no filter, and a first process that may not be read', undefined, 'disabled', 0, SOME, false],
])('%s', (_, first, seccomp, seccompFilters, bounding, expected) => {
  expect(isConfined({ proc: () => first }, { seccomp, seccompFilters, bounding })).toBe(expected);
});

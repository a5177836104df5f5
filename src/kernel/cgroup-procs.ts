import { type Bytes, textOf } from './bytes.ts';

/**
 * Parses `cgroup.procs` or `cgroup.threads` (Documentation/admin-guide/cgroup-v2.rst), one pid a line:
 *
 *     2231
 *     7946
 *     0
 *
 * In no order, and perhaps one twice. 0 is a process that the reader's pid namespace does not have, and left out, as is
 * what is no number.
 */
export function parseCgroupProcs(bytes: Bytes): number[] {
  return [...new Set(textOf(bytes).split('\n').map(Number))].filter((pid) => pid > 0);
}

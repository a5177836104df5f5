import { type Bytes, textOf } from './bytes.ts';

/**
 * Parses `cgroup.procs` or `cgroup.threads` (Documentation/admin-guide/cgroup-v2.rst), one pid a line:
 *
 *     2231
 *     7946
 *     0
 *
 * Unordered, possibly with duplicates. 0 stands for a process outside the reader's pid namespace. It is omitted, and so are
 * lines that are not a number.
 */
export function parseCgroupProcs(bytes: Bytes): number[] {
  return [...new Set(textOf(bytes).split('\n').map(Number))].filter((pid) => pid > 0);
}

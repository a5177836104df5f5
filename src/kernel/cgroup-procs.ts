import { type Bytes, textOf } from './bytes.ts';

/** `PID_MAX_LIMIT` of 64-bit kernels. */
const LARGEST_PID = 4_194_304;

/**
 * Parses `cgroup.procs` or `cgroup.threads` (Documentation/admin-guide/cgroup-v2.rst), one pid a line:
 *
 *     2231
 *     7946
 *     0
 *
 * Unordered, possibly with duplicates. 0 stands for a process outside the reader's pid namespace, and is omitted.
 *
 * @throws SyntaxError for a line that is not a pid.
 */
export function parseCgroupProcs(bytes: Bytes): number[] {
  const pids = new Set<number>();
  for (const line of textOf(bytes).split('\n')) {
    if (line === '') continue;
    const pid = Number(line);
    if (!/^\d+$/.test(line) || pid > LARGEST_PID) {
      throw new SyntaxError(`Cannot parse ${JSON.stringify(line.slice(0, 80))} as a pid`);
    }
    if (pid > 0) pids.add(pid);
  }
  return [...pids];
}

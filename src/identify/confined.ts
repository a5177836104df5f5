import { unseenAsUndefined } from '../kernel/errno.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { parseProcStatus, type ProcStatus } from '../kernel/proc-status.ts';

/**
 * Whether a process has a seccomp filter that the host's first process does not have, or can never get a capability that the first
 * process can get. Engines' own processes are unconfined. A process of a container with the host's pids can look like one of them in
 * all other respects; one that is unconfined, too, needs no disguise.
 *
 * @param status of the process.
 */
export function isConfined(
  kernel: Pick<KernelFiles, 'proc'>,
  { seccomp, seccompFilters, bounding }: Pick<ProcStatus, 'seccomp' | 'seccompFilters' | 'bounding'>,
): boolean {
  const text = unseenAsUndefined(() => kernel.proc('1/status'));
  const first = text === undefined ? undefined : parseProcStatus(text);
  const hasFilter = seccomp !== undefined && seccomp !== 'disabled';
  // In a host that is a container itself, engines have its filters. Linux counts them since 5.9.
  const firstHasFilter = first?.seccomp === 'filter';
  if (hasFilter && (!firstHasFilter || (seccompFilters ?? 0) > (first.seccompFilters ?? Infinity))) return true;
  return first !== undefined && (first.bounding & ~bounding) !== 0n;
}

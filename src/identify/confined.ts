import { unseenAsUndefined } from '../kernel/errno.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { parseProcStatus, type ProcStatus } from '../kernel/proc-status.ts';

/**
 * Whether a process has a seccomp filter, or can never get a capability that the host's first process can get. Engines' own
 * processes are unconfined. A process of a container with the host's pids can look like one of them in all other respects; one
 * that is unconfined, too, needs no disguise.
 *
 * @param status of the process.
 */
export function isConfined(
  kernel: KernelFiles,
  { seccomp, bounding }: Pick<ProcStatus, 'seccomp' | 'bounding'>,
): boolean {
  if (seccomp !== undefined && seccomp !== 'disabled') return true;
  const first = unseenAsUndefined(() => kernel.proc('1/status'));
  return first !== undefined && (parseProcStatus(first).bounding & ~bounding) !== 0n;
}

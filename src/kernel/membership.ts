import type { CgroupFiles } from './cgroup-files.ts';
import { pathIn } from './cgroup-places.ts';
import type { KernelFiles } from './kernel-files.ts';
import { isAtOrBelow } from './paths.ts';
import { parseProcessCgroups } from './process-cgroups.ts';
import type { ProcessFiles } from './process-files.ts';

/**
 * Whether an open process is in a cgroup or below it. After a pid was listed, its process may have ended, and another one that has
 * nothing to do with the cgroup may have the pid.
 *
 * @param list the pids in the cgroup now. It is only called if the process itself does not tell, such as a first thread on cgroup v1
 *   that has ended before the others.
 * @throws the system error for anything but absence.
 */
export function isMember(
  kernel: KernelFiles,
  cgroup: CgroupFiles,
  files: ProcessFiles,
  list: () => readonly number[],
): boolean {
  const text = files.text('cgroup');
  const path = text === undefined ? undefined : pathIn(kernel.layout.discovery, parseProcessCgroups(text));
  if (path !== undefined && isAtOrBelow(path, cgroup.path)) return true;
  const ids = list();
  // A threaded cgroup lists threads. A look at each would take long for each process of a container that has very many.
  const isListed = ids.includes(files.pid) || ids.some((id) => files.text(`task/${id}/comm`) !== undefined);
  // A process that still exists after the list was read has had the pid all the time.
  return isListed && files.text('stat') !== undefined;
}

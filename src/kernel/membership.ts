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
  if (isInside(kernel, cgroup, files)) return true;
  const ids = list();
  // A threaded cgroup lists threads. A look at each would take long for each process of a container that has very many.
  const isThread = (id: number): boolean => files.text(`task/${id}/comm`) !== undefined;
  return isListed(files, new Set(ids)) || (ids.slice(0, MOST_THREADS).some(isThread) && isAlive(files));
}

/** How many listed threads are looked for in a process. */
const MOST_THREADS = 1_024;

/**
 * Whether an open process itself says that it is in a cgroup or below it. If not, it may have ended, or its first thread on cgroup v1.
 *
 * @throws the system error for anything but absence.
 */
export function isInside(kernel: KernelFiles, cgroup: CgroupFiles, files: ProcessFiles): boolean {
  const text = files.text('cgroup');
  const path = text === undefined ? undefined : pathIn(kernel.layout.discovery, parseProcessCgroups(text));
  return path !== undefined && isAtOrBelow(path, cgroup.path);
}

/**
 * Whether a process that is open since before the pids in a cgroup were listed is one of them.
 *
 * @throws the system error for anything but absence.
 */
export function isListed(files: ProcessFiles, pids: ReadonlySet<number>): boolean {
  return pids.has(files.pid) && isAlive(files);
}

/** A process that still exists after the list was read has had the pid all the time. */
function isAlive(files: ProcessFiles): boolean {
  return files.text('stat') !== undefined;
}

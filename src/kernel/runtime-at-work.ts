import { PENDING } from './command-lines.ts';
import type { KernelFiles } from './kernel-files.ts';
import type { ProcessFiles } from './process-files.ts';
import { parseStartTime } from './proc-stat.ts';

/** The process names of runtimes while they start a process in a container. */
const RUNTIME = /(?:^|\/)(?:runc|crun|youki|lxc-attach|lxc-start)$/;

/** A runtime needs milliseconds. More time would only help a process that pretends to be one. */
const AT_WORK_FOR_S = 5;

/** A runtime becomes the container's own program in place, so what it was called earlier does not count, in ms. */
const YOUNG_MS = 500;

/**
 * Whether a process is a runtime that is entering the container, as for `docker exec`. It is already in the container's cgroup
 * but for a moment still has its own privileges and namespaces. Its name is only a claim, so it is trusted only for a moment.
 * As long as its command line is not known, it may be one.
 *
 * @param cgroup the path of the container's cgroup.
 */
export function isRuntimeAtWork(files: ProcessFiles, kernel: KernelFiles, cgroup: string): boolean {
  const stat = files.text('stat');
  if (stat === undefined) return false;
  const start = parseStartTime(stat);
  const uptime = Number((kernel.proc('uptime') ?? '').split(' ')[0]);
  if (!(uptime - start < AT_WORK_FOR_S)) return false;
  const words = kernel.commandLines.of({ cgroup, pid: files.pid, start }, YOUNG_MS);
  return words === PENDING || RUNTIME.test(words?.split('\0', 1)[0] ?? '');
}

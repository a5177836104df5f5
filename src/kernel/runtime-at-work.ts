import type { KernelFiles } from './kernel-files.ts';
import type { ProcessFiles } from './process-files.ts';
import { parseStartTime } from './proc-stat.ts';

/** The process names of runtimes while they start a process in a container. */
const RUNTIME = /(?:^|\/)(?:runc|crun|youki|lxc-attach|lxc-start)$/;

/** A runtime needs milliseconds. More time would only help a process that pretends to be one. */
const AT_WORK_FOR_S = 5;

/**
 * Whether a process is a runtime that is entering the container, as for `docker exec`. It is already in the container's cgroup
 * but for a moment still has its own privileges and namespaces. Its name is only a claim, so it is trusted only for a moment.
 */
export function isRuntimeAtWork(files: ProcessFiles, kernel: KernelFiles): boolean {
  const [word = ''] = (files.text('cmdline') ?? '').split('\0');
  if (!RUNTIME.test(word)) return false;
  const stat = files.text('stat');
  const uptime = Number((kernel.proc('uptime') ?? '').split(' ')[0]);
  return stat !== undefined && uptime - parseStartTime(stat) < AT_WORK_FOR_S;
}

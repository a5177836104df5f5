import type { KernelFiles } from './kernel-files.ts';
import type { ProcessFiles } from './process-files.ts';
import { parseStartTime } from './proc-stat.ts';

/** What a runtime is called while it makes the process that somebody wants in a container. */
const RUNTIME = /(?:^|\/)(?:runc|crun|youki|lxc-attach|lxc-start)$/;

/** A runtime needs milliseconds. More would only help one that pretends. */
const AT_WORK_FOR_S = 5;

/**
 * Whether a process is a runtime on its way into the container, as for `docker exec`: it is in the container's cgroup
 * already, and for a moment still has the rights and the namespaces that it came with. It only has its own word for it,
 * so that counts for a moment too.
 */
export function isRuntimeAtWork(files: ProcessFiles, kernel: KernelFiles): boolean {
  const [word = ''] = (files.text('cmdline') ?? '').split('\0');
  if (!RUNTIME.test(word)) return false;
  const stat = files.text('stat');
  const uptime = Number((kernel.proc('uptime') ?? '').split(' ')[0]);
  return stat !== undefined && uptime - parseStartTime(stat) < AT_WORK_FOR_S;
}

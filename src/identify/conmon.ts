import type { KernelFiles } from '../kernel/kernel-files.ts';
import { parseProcessCgroups } from '../kernel/process-cgroups.ts';
import type { ProcessFiles } from '../kernel/process-files.ts';
import { parseProcStatus } from '../kernel/proc-status.ts';
import { identifyCgroup } from './cgroup-path.ts';
import { pidsOfContainer } from './container-pids.ts';
import { parentsOf } from './shim.ts';

/** The first line of the `/proc/<pid>/status` of Podman's monitor. */
const NAME = /^Name:\tconmon\n/;

/**
 * The processes that may be the monitor (conmon) of the container in a cgroup, with their files open: parents of its processes
 * that are called so. Only those in the host's pid namespace and outside of every container's cgroup count, because a container
 * can give its own processes any name.
 *
 * @throws the system error if a missing privilege hides the processes.
 */
export function conmonsOf(kernel: KernelFiles, cgroup: string): readonly ProcessFiles[] {
  const found: ProcessFiles[] = [];
  for (const parent of parentsOf(kernel, pidsOfContainer(kernel, kernel.cgroup(cgroup)))) {
    const files = kernel.process(parent);
    if (files === undefined) continue;
    if (isConmon(files)) found.push(files);
    else files.close();
  }
  return found;
}

function isConmon(files: ProcessFiles): boolean {
  const status = files.text('status');
  if (status === undefined || !NAME.test(status) || parseProcStatus(status).nspid.length !== 1) return false;
  const cgroups = files.text('cgroup');
  if (cgroups === undefined) return false;
  return [...parseProcessCgroups(cgroups).values()].every((path) => {
    const identity = identifyCgroup(path);
    return identity === undefined || identity.infra || identity.candidate !== undefined;
  });
}

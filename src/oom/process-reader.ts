import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { ReadProcesses } from './container-processes.ts';
import type { ContainerRecords } from './container-records.ts';
import { inodeOf } from './counter-snapshots.ts';
import type { Counters } from './counters.ts';

/** Lists the processes of a container by cgroup, without those of containers inside it. */
export function processReader(
  kernel: KernelFiles,
  counters: Counters | undefined,
  records: Pick<ContainerRecords, 'at'>,
): ReadProcesses {
  return ({ path, inode }) => {
    const processes = new Map(counters?.processesOf(path, (inner) => records.at(inner) !== undefined));
    // On cgroup v1 a process can be in the container in one hierarchy and not in another.
    if (counters?.scope !== 'below') {
      processes.set(path, [...kernel.cgroup(path).processes(), ...(processes.get(path) ?? [])]);
    }
    // Another container may have taken the path before discovery noticed.
    return inodeOf(kernel, path) === inode ? processes : new Map();
  };
}

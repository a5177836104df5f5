import type { KernelFiles } from '../kernel/kernel-files.ts';
import { nameOf } from '../kernel/paths.ts';
import { parseProcStatus } from '../kernel/proc-status.ts';
import { commandLineOfEngine, MOST_PROCESSES } from './shim.ts';

/** The jailer starts only programs with this in their names. */
const FIRECRACKER = /firecracker/;

/**
 * Whether the jailer of Firecracker made a cgroup, whose parent its user chose (`jailer --id vm-1 --parent-cgroup pool/blue`): a process
 * in it is Firecracker with the cgroup's name as its id (`/proc/<pid>/cmdline`):
 *
 *     /firecracker --id vm-1 --start-time-us 181434516180 --start-time-cpu-us 1450 --parent-cpu-time-us 1362
 *     /firecracker-v1.10.1-x86_64 --id=vm-1 --start-time-us=181434516180 --start-time-cpu-us=1450
 */
export function isOfJailer(kernel: KernelFiles, pids: readonly number[], cgroup: string): boolean {
  const id = nameOf(cgroup);
  return pids.slice(0, MOST_PROCESSES).some((pid) => {
    const status = kernel.proc(`${pid}/status`);
    // All other processes are left alone: a candidate can be any cgroup.
    if (status === undefined || !FIRECRACKER.test(parseProcStatus(status).name)) return false;
    const words = commandLineOfEngine(kernel, { pid, cgroup, isName: FIRECRACKER }).split('\0');
    return words.includes(`--id=${id}`) || words[words.indexOf('--id') + 1] === id;
  });
}

import { textOf } from '../kernel/bytes.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import type { TrackedContainer } from './tracked-container.ts';

/**
 * What the kernel counts of a container that changes whenever one of its processes runs, comes or goes: its CPU time and its number of
 * processes. While this is the same, no process has changed anything about itself, and none is new.
 *
 *     usage_usec 283491        cpu.stat of cgroup v2
 *     283491320                cpuacct.usage of cgroup v1
 *     3                        pids.current
 *
 * @returns `undefined` if a part is unknown, so that a process may have run.
 */
export function signsOfLife(files: Pick<CgroupFiles, 'versionOf' | 'read'>): string | undefined {
  try {
    const isV1 = files.versionOf('cpuacct') === 1;
    const time = isV1 ? files.read('cpuacct', 'cpuacct.usage') : files.read('unified', 'cpu.stat');
    if (time === undefined) return undefined;
    // The next read uses the same memory.
    const text = textOf(time);
    const count = files.read('pids', 'pids.current');
    return count === undefined ? undefined : text + textOf(count);
  } catch {
    // The collectors read the same files, and report the error.
    return undefined;
  }
}

/** Whether no process of a container has run, come or gone since its processes were last listed and compared. */
export function isStill(entry: Pick<TrackedContainer, 'signsOfLife'>, now: string | undefined): boolean {
  return now !== undefined && now === entry.signsOfLife;
}

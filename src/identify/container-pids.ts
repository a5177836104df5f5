import { statSync } from 'node:fs';
import { absentAsUndefined } from '../kernel/errno.ts';
import type { CgroupFiles, KernelFiles } from '../kernel/files.ts';
import { identifyCgroup } from './cgroup-path.ts';

/** A container that is a whole system has some dozens of cgroups inside; one with more makes them by itself. */
const MOST_CGROUPS = 512;

/**
 * The processes of a container, sorted: those of its cgroup and of the cgroups inside (crun's `/container`, systemd's
 * `/init.scope`), but not those of containers inside, nor of an engine's own cgroups there (nspawn's `/supervisor`).
 */
export function pidsOfContainer(kernel: KernelFiles, cgroup: CgroupFiles): number[] {
  const pids = cgroup.processes();
  if (!hasChildren(kernel, cgroup)) return pids.toSorted(ascending);
  const all = new Set(pids);
  const container = identifyCgroup(cgroup.path)?.cgroup;
  const toList = [cgroup];
  let left = MOST_CGROUPS;
  for (let parent = toList.shift(); parent !== undefined; parent = toList.shift()) {
    for (const name of parent.children()) {
      const path = `${parent.path}/${name}`;
      if (identifyCgroup(path)?.cgroup !== container) continue;
      left -= 1;
      if (left < 0) break;
      const child = kernel.cgroup(path);
      for (const pid of child.processes()) all.add(pid);
      if (hasChildren(kernel, child)) toList.push(child);
    }
  }
  return [...all].toSorted(ascending);
}

function ascending(a: number, b: number): number {
  return a - b;
}

/** In kernfs a directory has 2 links and one more for each child directory; to list it would cost twenty times as much. */
function hasChildren(kernel: KernelFiles, cgroup: CgroupFiles): boolean {
  return absentAsUndefined(() => statSync(kernel.layout.discovery.root + cgroup.path).nlink !== 2) ?? false;
}

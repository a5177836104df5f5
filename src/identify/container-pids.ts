import { parseCgroupProcs } from '../kernel/cgroup-procs.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { identifyCgroup } from './cgroup-path.ts';

/** A container that is a whole system has some dozens of cgroups inside; one with more makes them by itself. */
const MOST_CGROUPS = 512;

/** As many lists are compared; a container can make any number. */
const MOST_LISTS = 64;

const NOBODY = Buffer.alloc(0);

/** The processes of a container, and the lists of the kernel that they are on. */
export interface Members {
  /** Sorted. */
  readonly pids: readonly number[];
  readonly lists: readonly { readonly cgroup: CgroupFiles; readonly content: Buffer }[];
}

/**
 * The processes of a container: those of its cgroup and of the cgroups inside (crun's `/container`, systemd's
 * `/init.scope`), but not those of containers inside, nor of an engine's own cgroups there (nspawn's `/supervisor`).
 */
export function membersOfContainer(kernel: KernelFiles, cgroup: CgroupFiles): Members {
  const pids = new Set<number>();
  const lists: { cgroup: CgroupFiles; content: Buffer }[] = [];
  for (const part of partsOf(kernel, cgroup)) {
    const bytes = part.processList();
    if (bytes !== undefined) for (const pid of parseCgroupProcs(bytes)) pids.add(pid);
    if (lists.length < MOST_LISTS) lists.push({ cgroup: part, content: Buffer.from(bytes ?? NOBODY) });
  }
  return { pids: [...pids].toSorted((a, b) => a - b), lists };
}

/** The path of the cgroup that lists a process; `undefined` if it is on none of the lists. */
export function cgroupOfMember({ lists }: Members, pid: number): string | undefined {
  return lists.find(({ content }) => parseCgroupProcs(content).includes(pid))?.cgroup.path;
}

/** Only who they are. */
export function pidsOfContainer(kernel: KernelFiles, cgroup: CgroupFiles): readonly number[] {
  return membersOfContainer(kernel, cgroup).pids;
}

/**
 * Whether the lists have changed, which is cheap to see. A cgroup that was made inside the container since then goes
 * unnoticed.
 */
export function haveChanged({ lists }: Members): boolean {
  return lists.some(({ cgroup, content }) => !content.equals(cgroup.processList() ?? NOBODY));
}

/** The container's cgroup and those inside that are part of it. */
function* partsOf(kernel: KernelFiles, cgroup: CgroupFiles): Generator<CgroupFiles> {
  yield cgroup;
  const container = identifyCgroup(cgroup.path)?.cgroup;
  const toList = [cgroup];
  let left = MOST_CGROUPS;
  for (let parent = toList.shift(); parent !== undefined; parent = toList.shift()) {
    for (const name of parent.children()) {
      const path = `${parent.path}/${name}`;
      const inner = identifyCgroup(path);
      // A mere candidate inside a container is part of it.
      if (inner?.candidate === undefined && inner?.cgroup !== container) continue;
      left -= 1;
      if (left < 0) break;
      const child = kernel.cgroup(path);
      yield child;
      toList.push(child);
    }
  }
}

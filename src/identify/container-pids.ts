import { parseCgroupProcs } from '../kernel/cgroup-procs.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { type CgroupIdentity, identifyCgroup } from './cgroup-path.ts';

/** A container that runs a whole system has dozens of inner cgroups. More than this is abuse, and the rest is ignored. */
const MOST_CGROUPS = 512;

/** How many lists are compared, because a container can create any number. */
const MOST_LISTS = 64;

const NOBODY = Buffer.alloc(0);

/** The processes of a container, and the kernel's lists that contain them. */
export interface Members {
  /** Sorted. */
  readonly pids: readonly number[];
  readonly lists: readonly { readonly cgroup: CgroupFiles; readonly content: Buffer }[];
}

/**
 * The processes of a container: those in its cgroup and in its inner cgroups (crun's `/container`, systemd's `/init.scope`), but
 * not those of nested containers or of its engine's own cgroups (nspawn's `/supervisor`).
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

/** The path of the cgroup that lists a process; `undefined` if none does. */
export function cgroupOfMember({ lists }: Members, pid: number): string | undefined {
  return lists.find(({ content }) => parseCgroupProcs(content).includes(pid))?.cgroup.path;
}

/** Only the pids. */
export function pidsOfContainer(kernel: KernelFiles, cgroup: CgroupFiles): readonly number[] {
  return membersOfContainer(kernel, cgroup).pids;
}

/**
 * Whether the lists have changed, as a cheap check. It misses inner cgroups created since.
 */
export function haveChanged({ lists }: Members): boolean {
  return lists.some(({ cgroup, content }) => !content.equals(cgroup.processList() ?? NOBODY));
}

/** The container's cgroup and its inner cgroups. */
function* partsOf(kernel: KernelFiles, cgroup: CgroupFiles): Generator<CgroupFiles> {
  yield cgroup;
  const own = identifyCgroup(cgroup.path);
  const container = own?.cgroup;
  const toList = [cgroup];
  let left = MOST_CGROUPS;
  for (let parent = toList.shift(); parent !== undefined; parent = toList.shift()) {
    for (const name of parent.children()) {
      const path = `${parent.path}/${name}`;
      const inner = identifyCgroup(path);
      // An unconfirmed candidate inside a container is part of it.
      if (inner?.candidate === undefined && inner?.cgroup !== container && !isMadeUp(inner, own, parent)) continue;
      left -= 1;
      if (left < 0) break;
      const child = kernel.cgroup(path);
      yield child;
      toList.push(child);
    }
  }
}

/**
 * Whether a cgroup only has the name of an engine's own. An engine makes its cgroups directly below those of its containers, if inside
 * at all. A container can make cgroups with any name.
 */
function isMadeUp(
  inner: CgroupIdentity | undefined,
  own: CgroupIdentity | undefined,
  parent: Pick<CgroupFiles, 'path'>,
): boolean {
  return inner?.infra === true && (inner.engine !== own?.engine || parent.path !== own.cgroup);
}

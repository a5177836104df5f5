import { parseCgroupProcs } from '../kernel/cgroup-procs.ts';
import type { CgroupFiles } from '../kernel/cgroup-files.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { type CgroupIdentity, identifyCgroup } from './cgroup-path.ts';

/** A container that runs a whole system has dozens of inner cgroups. More than this is abuse, and the rest is not searched. */
const MOST_CGROUPS = 512;

/** How many lists are compared, because a container can create any number. */
const MOST_LISTS = 64;

const NOBODY = Buffer.alloc(0);

/** The processes of a container, and the kernel's lists that contain them. */
export interface Members {
  /** Sorted. */
  readonly pids: readonly number[];
  /** There are so many cgroups inside that some were not searched. */
  readonly isIncomplete: boolean;
  readonly lists: readonly { readonly cgroup: CgroupFiles; readonly content: Buffer }[];
}

/** Whether the cgroup at exactly this path looks like a nested container and is none, because there are too many. */
export type IsSurplus = (path: string) => boolean;

/**
 * The processes of a container: those in its cgroup and in its inner cgroups (crun's `/container`, systemd's `/init.scope`), but
 * not those of nested containers or of its engine's own cgroups (nspawn's `/supervisor`).
 */
export function membersOfContainer(
  kernel: KernelFiles,
  cgroup: CgroupFiles,
  isSurplus: IsSurplus = () => false,
): Members {
  const pids = new Set<number>();
  const lists: { cgroup: CgroupFiles; content: Buffer }[] = [];
  let isIncomplete = false;
  for (const part of partsOf(kernel, cgroup, isSurplus)) {
    if (part === undefined) {
      isIncomplete = true;
      break;
    }
    const bytes = part.processList();
    if (bytes !== undefined) for (const pid of parseCgroupProcs(bytes)) pids.add(pid);
    if (lists.length < MOST_LISTS) lists.push({ cgroup: part, content: Buffer.from(bytes ?? NOBODY) });
  }
  return { pids: [...pids].toSorted((a, b) => a - b), isIncomplete, lists };
}

/** The path of the cgroup that lists a process; `undefined` if none does. */
export function cgroupOfMember({ lists }: Members, pid: number): string | undefined {
  return lists.find(({ content }) => parseCgroupProcs(content).includes(pid))?.cgroup.path;
}

/** Only the pids. */
export function pidsOfContainer(kernel: KernelFiles, cgroup: CgroupFiles, isSurplus?: IsSurplus): readonly number[] {
  return membersOfContainer(kernel, cgroup, isSurplus).pids;
}

/**
 * Whether the lists have changed, as a cheap check. It misses inner cgroups created since.
 */
export function haveChanged({ lists }: Members): boolean {
  return lists.some(({ cgroup, content }) => !content.equals(cgroup.processList() ?? NOBODY));
}

/** The container's cgroup and its inner cgroups. Ends with `undefined` if there are too many. */
function* partsOf(kernel: KernelFiles, cgroup: CgroupFiles, isSurplus: IsSurplus): Generator<CgroupFiles | undefined> {
  yield cgroup;
  const own = identifyCgroup(cgroup.path);
  const container = own?.cgroup;
  const toList = [cgroup];
  let left = MOST_CGROUPS;
  for (let parent = toList.shift(); parent !== undefined; parent = toList.shift()) {
    for (const name of parent.children()) {
      const path = `${parent.path}/${name}`;
      const inner = admittedAt(path, isSurplus);
      // An unconfirmed candidate inside a container is part of it.
      if (inner?.candidate === undefined && inner?.cgroup !== container && !isMadeUp(inner, own, parent)) continue;
      left -= 1;
      if (left < 0) {
        yield undefined;
        return;
      }
      const child = kernel.cgroup(path);
      yield child;
      toList.push(child);
    }
  }
}

/** What a path says, without the innermost containers if they are surplus. */
export function admittedAt(path: string, isSurplus: IsSurplus): CgroupIdentity | undefined {
  let identity = identifyCgroup(path);
  while (identity !== undefined && isSurplus(identity.cgroup)) identity = identity.outer;
  return identity;
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

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
  /** Some cgroups inside were not searched: there are too many, or their paths are too long or no UTF-8. */
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
    const bytes = part === 'unsearched' ? part : unlessInside(part, cgroup, () => part.processList());
    if (part === 'unsearched' || bytes === 'unsearched') {
      isIncomplete = true;
      continue;
    }
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

/** What is unknown about a cgroup inside a container. The container must not make facts about itself unknown with it. */
type Unsearched = 'unsearched';

/** Reads a part of a container. Only for the container's own cgroup an error is one. */
function unlessInside<T>(part: CgroupFiles, container: CgroupFiles, read: () => T): T | Unsearched {
  try {
    return read();
  } catch (error) {
    if (part === container) throw error;
    return 'unsearched';
  }
}

/** The container's cgroup and its inner cgroups. */
function* partsOf(kernel: KernelFiles, cgroup: CgroupFiles, isSurplus: IsSurplus): Generator<CgroupFiles | Unsearched> {
  yield cgroup;
  const own = identifyCgroup(cgroup.path);
  const container = own?.cgroup;
  const toList = [cgroup];
  let left = MOST_CGROUPS;
  for (let parent = toList.shift(); parent !== undefined; parent = toList.shift()) {
    const names = unlessInside(parent, cgroup, () => parent.children());
    if (names === 'unsearched') {
      yield names;
      continue;
    }
    for (const name of names) {
      const path = `${parent.path}/${name}`;
      const inner = admittedAt(path, isSurplus);
      // An unconfirmed candidate inside a container is part of it.
      if (inner?.candidate === undefined && inner?.cgroup !== container && !isMadeUp(inner, own, parent)) continue;
      left -= 1;
      if (left < 0) {
        yield 'unsearched';
        return;
      }
      // Node.js shows a name that is no UTF-8 with U+FFFD, and finds nothing under that name, or another cgroup.
      if (name.includes('\uFFFD')) yield 'unsearched';
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

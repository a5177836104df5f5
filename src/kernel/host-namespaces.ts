import { readdirSync, readlinkSync } from 'node:fs';
import { readText } from './read-text.ts';
import { unseenAsUndefined } from './errno.ts';
import { parseMountinfo } from './mountinfo.ts';

/** The kinds of Linux namespace, named like the links in `/proc/<pid>/ns` (namespaces(7)). */
export const NAMESPACE_KINDS = ['pid', 'net', 'mnt', 'uts', 'ipc', 'user', 'cgroup', 'time'] as const;
export type NamespaceKind = (typeof NAMESPACE_KINDS)[number];

/** A namespace of the host, and how it was identified. */
export interface HostNamespace {
  readonly inode: number;
  readonly source: 'pid1' | 'kthreadd' | 'constant' | 'own' | 'docker' | 'services';
}

/** The host's namespaces, to compare containers with. A kind that could not be identified is absent. */
export type HostNamespaces = ReadonlyMap<NamespaceKind, HostNamespace>;

/**
 * Inode numbers of the initial namespaces, fixed in include/uapi/linux/nsfs.h (`enum init_ns_ino`): net and mnt since
 * Linux 6.17, the others since the kind exists (3.8, cgroup 4.6, time 5.6).
 */
export const INITIAL_NAMESPACES: Readonly<Record<NamespaceKind, number>> = {
  ipc: 0xefffffff,
  uts: 0xeffffffe,
  user: 0xeffffffd,
  pid: 0xeffffffc,
  cgroup: 0xeffffffb,
  time: 0xeffffffa,
  net: 0xeffffff9,
  mnt: 0xeffffff8,
};

/** On every kernel, namespaces created later have numbers from here on (`PROC_DYNAMIC_FIRST`). */
const FIRST_DYNAMIC = 0xf0000000;

/**
 * Identifies the host's namespaces. PID 1 is the best source, but a missing capability, AppArmor or another LSM may shield it.
 * Each kind uses the first source that answers:
 *
 * 1. PID 1, if `procRoot` is the host's;
 * 2. kthreadd, which is in the initial namespaces;
 * 3. the constants of the kernel;
 * 4. for net: this process's own, if `sys/net/core/dev_weight` exists, which only the initial one has;
 * 5. for net: the one that dockerd has pinned as `default`;
 * 6. this process's own, if it is clearly a service of the host;
 * 7. the one that most of the host's services are in.
 */
export function findHostNamespaces(procRoot: string): HostNamespaces {
  const namespaces = new Map<NamespaceKind, HostNamespace>();
  const isHostProc =
    commOf(procRoot, 2) === 'kthreadd' || inodeOf(`${procRoot}/self/ns/pid`) === INITIAL_NAMESPACES.pid;
  for (const kind of NAMESPACE_KINDS) {
    const found =
      (isHostProc ? witness('pid1', inodeOf(`${procRoot}/1/ns/${kind}`)) : undefined) ??
      (commOf(procRoot, 2) === 'kthreadd' ? witness('kthreadd', inodeOf(`${procRoot}/2/ns/${kind}`)) : undefined) ??
      constantOf(kind, procRoot) ??
      (kind === 'net' ? (netByOwnSysctl(procRoot) ?? netPinnedByDocker(procRoot)) : undefined) ??
      (isHostService(procRoot) ? witness('own', inodeOf(`${procRoot}/self/ns/${kind}`)) : undefined) ??
      (isHostProc ? witness('services', mostCommonOfServices(procRoot, kind)) : undefined);
    if (found !== undefined) namespaces.set(kind, found);
  }
  return namespaces;
}

/** The inode number in a link such as `net:[4026531833]`; `undefined` for any other text. */
export function inodeOfLink(link: string): number | undefined {
  const digits = /^\w+:\[(\d+)\]$/.exec(link)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function witness(source: HostNamespace['source'], inode: number | undefined): HostNamespace | undefined {
  return inode === undefined ? undefined : { inode, source };
}

/** A missing privilege is one reason to try the next source. */
function inodeOf(path: string): number | undefined {
  return unseenAsUndefined(() => inodeOfLink(readlinkSync(path)));
}

/**
 * `net` and `mnt` have fixed numbers only on new kernels. If this process is in a namespace with a low number, that
 * namespace is the initial one.
 */
function constantOf(kind: NamespaceKind, procRoot: string): HostNamespace | undefined {
  if (kind !== 'net' && kind !== 'mnt') return witness('constant', INITIAL_NAMESPACES[kind]);
  const own = inodeOf(`${procRoot}/self/ns/${kind}`);
  return own !== undefined && own < FIRST_DYNAMIC ? witness('constant', own) : undefined;
}

function netByOwnSysctl(procRoot: string): HostNamespace | undefined {
  if (textOf(`${procRoot}/sys/net/core/dev_weight`) === undefined) return undefined;
  return witness('own', inodeOf(`${procRoot}/self/ns/net`));
}

/** dockerd binds its own network namespace: `… 0:4 net:[4026531833] /run/docker/netns/default rw - nsfs nsfs rw`. */
function netPinnedByDocker(procRoot: string): HostNamespace | undefined {
  const text = textOf(`${procRoot}/1/mountinfo`);
  if (text === undefined) return undefined;
  const pinned = parseMountinfo(text).find(
    (mount) => mount.type === 'nsfs' && mount.mountPoint.endsWith('/docker/netns/default'),
  );
  return pinned === undefined ? undefined : witness('docker', inodeOfLink(pinned.root));
}

/** The host's init started a process that is in the initial pid, user, uts and ipc namespaces. */
function isHostService(procRoot: string): boolean {
  const kinds = ['pid', 'user', 'uts', 'ipc'] as const;
  return kinds.every((kind) => inodeOf(`${procRoot}/self/ns/${kind}`) === INITIAL_NAMESPACES[kind]);
}

function mostCommonOfServices(procRoot: string, kind: NamespaceKind): number | undefined {
  const votes = new Map<number, number>();
  for (const pid of readdirSync(procRoot)) {
    if (!/^\d+$/.test(pid)) continue;
    const cgroup = textOf(`${procRoot}/${pid}/cgroup`);
    if (cgroup === undefined || !/\.service$|\/init\.scope$/m.test(cgroup)) continue;
    if (inodeOf(`${procRoot}/${pid}/ns/pid`) !== INITIAL_NAMESPACES.pid) continue;
    const inode = inodeOf(`${procRoot}/${pid}/ns/${kind}`);
    if (inode !== undefined) votes.set(inode, (votes.get(inode) ?? 0) + 1);
  }
  const [winner] = [...votes].toSorted(([, a], [, b]) => b - a);
  return winner?.[0];
}

function commOf(procRoot: string, pid: number): string | undefined {
  return textOf(`${procRoot}/${pid}/comm`)?.trimEnd();
}

function textOf(path: string): string | undefined {
  return unseenAsUndefined(() => readText(path));
}

import type { ProcessFiles } from '../kernel/process-files.ts';
import { hasOption, type Mount } from '../kernel/mountinfo.ts';
import type { LookUps } from '../probes/look-ups.ts';
import type { Answers } from '../probes/requests.ts';
import type { Host } from './host.ts';
import { type HostMounts, seenThrough } from './host-mounts.ts';
import { kindOf } from './host-paths.ts';
import type { MountTable } from './mount-table.ts';
import type { OtherMounts } from './other-mounts.ts';
import type { HostMount, MountPosture, ProcessPosture } from './posture.ts';
import { found } from './probed.ts';
import { isRuntimesOwn } from './runtime-mounts.ts';

/** From worst to least: a mount that shows several host paths counts as the worst of them. */
const KINDS: readonly HostMount['kind'][] = ['root', 'socket', 'critical', 'sensitive', 'plain'];

/** The type of Sysbox's file system that emulates parts of `/proc` and `/sys`. */
const SYSBOX = 'sysboxfs';

/**
 * What the kubelet keeps for a pod: `…/pods/<uid>/containers/<name>/<number>` on `/dev/termination-log`, `…/pods/<uid>/etc-hosts` on
 * `/etc/hosts`, volumes.
 */
const OF_KUBELET = /\/pods\/[0-9a-f-]{32,36}\/./;

/** The facts about a container that reading its mounts needs. */
export interface Mounted {
  readonly table: MountTable;
  readonly engine: string;
  readonly init: ProcessFiles;
  readonly process: ProcessPosture;
  readonly host: Host;
  readonly lookUps: Pick<LookUps, 'ask'>;
  readonly note: (error: Error) => void;
}

/** Reads the facts from a container's mount table. */
export function readMounts(mounted: Mounted): MountPosture {
  const { table, host } = mounted;
  const { all, shown, complete } = table;
  const [root, ownSys] = [table.at('/'), table.at('/sys')];
  const { mounts } = host;
  const isHost = mounts === undefined || root === undefined ? undefined : mounts.has(root);
  const ifSeen = (isThere: boolean): boolean | undefined => (isThere || complete ? isThere : undefined);
  return {
    complete,
    isHost,
    rootReadOnly: root === undefined || !complete ? undefined : !isWritable(root),
    procMasked: complete ? isProcMasked(table, host.secretFiles) : undefined,
    sysWritable: ifSeen(shown.some((mount) => mount.type === 'sysfs' && isWritable(mount))),
    ownSysWritable: complete ? ownSys?.type === 'sysfs' && isWritable(ownSys) : undefined,
    cgroupWritable: ifSeen(shown.some((mount) => /^cgroup2?$/.test(mount.type) && isWritable(mount))),
    sysbox: shown.some(({ type, source }) => type === 'fuse' && source === SYSBOX),
    socketsKnown: host.sockets !== undefined,
    kubelets: ifSeen(all.some(({ root: of }) => OF_KUBELET.test(of))),
    ...(isHost === true ? WHOLE_HOST : behind(all, mounted)),
  };
}

/** Adds mounts that only other processes than the init have. */
export function withOthers(
  own: MountPosture,
  { others, complete }: { readonly others: readonly OtherMounts[]; readonly complete: boolean },
  mounted: Mounted,
): MountPosture {
  const more = others.map(({ files, process, table, news }) =>
    behind(news, { ...mounted, init: files, process, table }),
  );
  return {
    ...own,
    complete: own.complete && complete,
    hostMounts: own.hostMounts && [...own.hostMounts, ...more.flatMap(({ hostMounts }) => hostMounts ?? [])],
    propagating: own.propagating && [...own.propagating, ...more.flatMap(({ propagating }) => propagating ?? [])],
  };
}

type Behind = Pick<MountPosture, 'hostMounts' | 'propagating'>;

/** Whether the mount table is the host's own. Its mounts then need no individual check. */
const WHOLE_HOST: Behind = {
  hostMounts: [{ kind: 'root', hostPath: '/', mountPoint: '/', writable: true }],
  propagating: [],
};

function behind(all: readonly Mount[], mounted: Mounted): Behind {
  const { mounts } = mounted.host;
  if (mounts === undefined) return { hostMounts: undefined, propagating: undefined };
  return {
    hostMounts: all.flatMap((mount) => ofHost(mount, mounts, mounted)),
    propagating: all.filter((mount) => mounts.isPeer(mount)).map(({ mountPoint }) => mountPoint),
  };
}

/** Whether a mount is read-only: the mount itself or its file system is. */
function isWritable({ options, superOptions }: Mount): boolean {
  return !hasOption(options, 'ro') && !hasOption(superOptions, 'ro');
}

/** Without `/proc` there is nothing to mask. */
function isProcMasked(table: MountTable, secretFiles: readonly string[]): boolean {
  if (table.at('/proc')?.type !== 'proc') return true;
  const settings = table.at('/proc/sys');
  // Sysbox mounts its own file system there, which does its own access checks.
  const settingsClosed = settings !== undefined && (!isWritable(settings) || settings.source === SYSBOX);
  return settingsClosed && secretFiles.every((path) => table.at(path) !== undefined);
}

function ofHost(mount: Mount, mounts: HostMounts, mounted: Mounted): readonly HostMount[] {
  if (isOfItsKind(mount, mounted.process)) return [];
  const found = pathsBehind(mount, mounts, mounted);
  // The container's root is in a host directory too, which only matters if it is the whole host root.
  return mount.mountPoint === '/' ? found.filter(({ kind }) => kind === 'root') : found;
}

/**
 * A file system with one instance per namespace (or one for all), mounted where every container has its own: in a host namespace
 * it is the host's instance, which the finding about the namespace covers.
 */
function isOfItsKind({ type, mountPoint }: Mount, { hostPid }: ProcessPosture): boolean {
  if (type === 'sysfs' || type === 'cgroup' || type === 'cgroup2') return /^\/sys(?:\/|$)/.test(mountPoint);
  if (type === 'mqueue') return mountPoint === '/dev/mqueue';
  // Before Linux 5.8 all procfs mounts in one pid namespace are one file system.
  return type === 'proc' && mountPoint === '/proc' && hostPid;
}

function pathsBehind(mount: Mount, mounts: HostMounts, mounted: Mounted): HostMount[] {
  const { mountPoint } = mount;
  const writable = isWritable(mount);
  // What the host has removed is only there in the container: a file that was replaced by a new one, a socket of an ended process.
  if (mount.isRemoved) return [];
  const paths = mounts.pathsOf(mount).flatMap((hostPath) => {
    const kind = kindOf(hostPath);
    if (kind === undefined || isRuntimesOwn({ hostPath, mountPoint, writable }, mount, mounted)) return [];
    return [{ kind, hostPath, mountPoint, writable }];
  });
  const [worst] = paths.toSorted((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
  const sockets = socketsIn(mount, mounts, mounted);
  if (worst === undefined) return sockets;
  if (worst.kind !== 'socket') return [worst, ...sockets];
  // A socket mounted by its own path, even if nothing listens on it now.
  return [{ ...worst, usable: usableOf(accessTo(mountPoint, mount, mounted)) }];
}

/** The sockets that a mount shows under another path, or through a directory above them. */
function socketsIn(mount: Mount, mounts: HostMounts, mounted: Mounted): HostMount[] {
  const { mountPoint } = mount;
  return (mounted.host.sockets ?? []).flatMap((hostPath) => {
    const place = mounts.placeOf(hostPath);
    const path = place === undefined ? undefined : seenThrough(mount, place);
    if (path === undefined) return [];
    const access = accessTo(path, mount, mounted);
    // Another mount covers the socket.
    if (access === 'absent') return [];
    return [{ kind: 'socket', hostPath, mountPoint, writable: isWritable(mount), usable: usableOf(access) }];
  });
}

type Access = 'may connect' | 'may not' | 'absent' | 'unknown';

/** A socket mounted by its own path is only absent if a mount covers a directory above. */
function usableOf(access: Access): boolean | undefined {
  return access === 'unknown' || access === 'absent' ? undefined : access === 'may connect';
}

/** Whether the ids of a process allow connecting to a socket in its container. Does not consider capabilities. */
function accessTo(path: string, mount: Mount, { table, init, process, lookUps, note }: Mounted): Access {
  // Another file is visible at the path.
  if (table.at(mount.mountPoint) !== mount) return 'unknown';
  const socket = init.outside(`root${path}`);
  if (socket === undefined || table.mayWait(path)) return 'unknown';
  const owner = found(lookUps.ask({ look: 'owner', path: socket.path }, socket.shownAs), socket, note);
  if (owner === undefined) return 'unknown';
  if (owner === 'absent') return 'absent';
  return mayWrite(owner, process) ? 'may connect' : 'may not';
}

/** Connecting requires write permission. */
function mayWrite({ uid, gid, mode }: Answers['owner'], process: ProcessPosture): boolean {
  if (process.uid === uid) return (mode & 0o200) !== 0;
  if (process.gid === gid || process.groups.includes(gid)) return (mode & 0o020) !== 0;
  return (mode & 0o002) !== 0;
}

import type { FileOwner, ProcessFiles } from '../kernel/process-files.ts';
import { type Mount, parseMountinfo } from '../kernel/mountinfo.ts';
import type { Host } from './host.ts';
import { type HostMounts, seenThrough } from './host-mounts.ts';
import { kindOf } from './host-paths.ts';
import type { HostMount, MountPosture, ProcessPosture } from './posture.ts';
import { orDenied } from './process.ts';

/** The worst first: a mount that shows several paths of the host is as bad as the worst of them. */
const KINDS: readonly HostMount['kind'][] = ['root', 'socket', 'vital', 'sensitive', 'plain'];

/** What Sysbox calls the file system that it emulates parts of `/proc` and `/sys` with. */
const SYSBOX = 'sysboxfs';

/** Reads what a container's mount table says; `undefined` if it has ended. */
export function readMounts(
  init: ProcessFiles,
  process: ProcessPosture,
  host: Host,
  denied: (error: Error) => void,
): MountPosture | undefined {
  const text = orDenied(() => init.text('mountinfo'), denied);
  if (text === undefined) return undefined;
  const mounts = visible(parseMountinfo(text));
  const root = mounts.get('/');
  const isHost = host.mounts === undefined || root === undefined ? undefined : host.mounts.has(root);
  const all = [...mounts.values()];
  const ownSys = mounts.get('/sys');
  return {
    isHost,
    rootReadOnly: root === undefined ? undefined : !isWritable(root),
    procMasked: isProcMasked(mounts, host.secretFiles),
    sysWritable: all.some((mount) => mount.type === 'sysfs' && isWritable(mount)),
    ownSysWritable: ownSys?.type === 'sysfs' && isWritable(ownSys),
    cgroupWritable: all.some((mount) => /^cgroup2?$/.test(mount.type) && isWritable(mount)),
    sysbox: all.some(({ type, source }) => type === 'fuse' && source === SYSBOX),
    hostMounts:
      host.mounts === undefined ? undefined : hostMounts(all, { mounts: host.mounts, host, init, process, denied }),
    propagating:
      host.mounts === undefined
        ? undefined
        : all.flatMap((mount) => (host.mounts?.isPeer(mount) === true ? [mount.mountPoint] : [])),
  };
}

/** By their mount points; of several on one point it is the last that shows. */
function visible(mounts: readonly Mount[]): ReadonlyMap<string, Mount> {
  return new Map(mounts.map((mount) => [mount.mountPoint, mount]));
}

/** Read-only is what either the mount or its file system is. */
function isWritable({ options, superOptions }: Mount): boolean {
  return !options.includes('ro') && !superOptions.includes('ro');
}

/** Without a `/proc` there is nothing to be masked. */
function isProcMasked(mounts: ReadonlyMap<string, Mount>, secretFiles: readonly string[]): boolean {
  if (mounts.get('/proc')?.type !== 'proc') return true;
  const settings = mounts.get('/proc/sys');
  // Sysbox puts a file system of its own there, which decides for itself.
  const settingsClosed = settings !== undefined && (!isWritable(settings) || settings.source === SYSBOX);
  return settingsClosed && secretFiles.every((path) => mounts.has(path));
}

interface Looking {
  readonly mounts: HostMounts;
  readonly host: Host;
  readonly init: ProcessFiles;
  readonly process: ProcessPosture;
  readonly denied: (error: Error) => void;
}

function hostMounts(mounts: readonly Mount[], looking: Looking): readonly HostMount[] {
  return mounts.flatMap((mount) => {
    if (isOfItsKind(mount, looking.process)) return [];
    const found = hostMountsOf(mount, looking);
    // Its own root is in a directory of the host's too, which is no news unless it is the whole of it.
    return mount.mountPoint === '/' ? found.filter(({ kind }) => kind === 'root') : found;
  });
}

/**
 * A file system of which there is one in each namespace (or in all of them), mounted where every container has its own:
 * in a namespace of the host it is the host's, and that is told of the namespace.
 */
function isOfItsKind({ type, mountPoint }: Mount, { hostPid }: ProcessPosture): boolean {
  if (type === 'sysfs' || type === 'cgroup' || type === 'cgroup2') return /^\/sys(?:\/|$)/.test(mountPoint);
  if (type === 'mqueue') return mountPoint === '/dev/mqueue';
  // Before Linux 5.8 all that is mounted in one pid namespace is one file system.
  return type === 'proc' && mountPoint === '/proc' && hostPid;
}

function hostMountsOf(mount: Mount, looking: Looking): HostMount[] {
  const { mountPoint } = mount;
  const writable = isWritable(mount);
  const paths = looking.mounts.pathsOf(mount).flatMap((hostPath) => {
    const kind = kindOf(hostPath);
    return kind === undefined ? [] : [{ kind, hostPath, mountPoint, writable }];
  });
  const [worst] = paths.toSorted((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
  const sockets = socketsIn(mount, looking);
  if (worst === undefined) return sockets;
  if (worst.kind !== 'socket') return [worst, ...sockets];
  // Mounted by its own path, whether or not somebody listens on it now.
  return [{ ...worst, usable: usableOf(accessTo(mountPoint, looking)) }];
}

/** The sockets that a mount shows, be it mounted by another path or in a directory above. */
function socketsIn(mount: Mount, looking: Looking): HostMount[] {
  const { mountPoint } = mount;
  return looking.host.sockets.flatMap((hostPath) => {
    const place = looking.mounts.placeOf(hostPath);
    const path = place === undefined ? undefined : seenThrough(mount, place);
    if (path === undefined) return [];
    const access = accessTo(path, looking);
    // Something else is mounted over it.
    if (access === 'absent') return [];
    return [{ kind: 'socket', hostPath, mountPoint, writable: isWritable(mount), usable: usableOf(access) }];
  });
}

type Access = 'may connect' | 'may not' | 'absent' | 'unknown';

function usableOf(access: Access): boolean | undefined {
  return access === 'unknown' ? undefined : access === 'may connect';
}

/** Whether a process may connect to a socket in its container by its ids. Capabilities are for others to judge. */
function accessTo(path: string, { init, process, denied }: Looking): Access {
  const owner = orDenied(() => init.owner(`root${path}`) ?? 'absent', denied);
  if (owner === undefined) return 'unknown';
  if (owner === 'absent') return 'absent';
  return mayWrite(owner, process) ? 'may connect' : 'may not';
}

/** To connect takes the right to write. */
function mayWrite({ uid, gid, mode }: FileOwner, process: ProcessPosture): boolean {
  if (process.uid === uid) return (mode & 0o200) !== 0;
  if (process.gid === gid || process.groups.includes(gid)) return (mode & 0o020) !== 0;
  return (mode & 0o002) !== 0;
}

import type { Namespaces } from '../container.ts';
import { errnoOf, toError } from '../kernel/errno.ts';
import type { ProcessFiles } from '../kernel/process-files.ts';
import { type HostNamespaces, inodeOfLink } from '../kernel/host-namespaces.ts';
import { type LsmLabel, parseLsmLabel } from '../kernel/lsm-label.ts';
import { parseProcStatus, type ProcStatus } from '../kernel/proc-status.ts';
import { insideOf, isIdentityMap, outsideOf, parseIdMap } from '../kernel/uid-map.ts';
import { orUnknown } from './or-unknown.ts';
import type { ProcessPosture, UserNamespace } from './posture.ts';

/** The kinds of namespace that reveal an escape from a container. */
const WAYS_OUT = ['mnt', 'pid', 'user'] as const;

/** The facts to compare a process with. */
export interface Surroundings {
  readonly host: HostNamespaces;
  /** The namespaces of the container's init. */
  readonly init: Namespaces;
  /** The posture of the init; `undefined` for the init itself. */
  readonly initPosture: Pick<ProcessPosture, 'hostPid' | 'users'> | undefined;
  readonly labels: LabelReader;
  /** Is called with each error because of which a fact is unknown. */
  readonly note: (error: Error) => void;
}

/** What is known of a process already. */
export interface AlreadyRead {
  readonly status: ProcStatus;
  readonly namespaces?: Namespaces;
}

/**
 * Reads how one process is confined. A fact that cannot be read is unknown, and the others are read.
 *
 * @returns `undefined` if the process has ended or is a kernel thread.
 */
export function readProcess(
  files: ProcessFiles,
  surroundings: Surroundings,
  { status, namespaces: known }: AlreadyRead,
): ProcessPosture | undefined {
  const { zombie, kernelThread, nspid, effectiveUid: uid, effectiveGid: gid, ...credentials } = status;
  if (zombie || kernelThread) return undefined;
  const hostPid = nspid.length === 1;
  const namespaces = known ?? readNamespaces(files, surroundings);
  const users = readUserNamespace(files, namespaces.user, uid, surroundings);
  const label = surroundings.labels.read(files, surroundings.note);
  const { name, holdsRoot, groups, effective, permitted, bounding, noNewPrivileges, seccomp, seccompFilters } =
    credentials;
  return {
    name,
    uid,
    holdsRoot,
    gid,
    groups,
    effective,
    permitted,
    bounding,
    noNewPrivileges,
    seccomp,
    seccompFilters,
    label,
    users,
    nested: isNested(namespaces.user, users, surroundings),
    hostPid,
    hostMnt: isHostMnt(namespaces, surroundings),
    ...(namespaces.mnt !== undefined && { mnt: namespaces.mnt }),
    escaped: hasEscaped(namespaces, hostPid, surroundings),
  };
}

/** How often a thread is looked for: the one that was found may end at once. */
const ATTEMPTS = 3;

/**
 * `/proc/<pid>/status`, of another thread if the first has ended; `undefined` if the process has ended.
 *
 * @throws Error if it goes on, but no living thread of it was found.
 */
export function readStatus(files: ProcessFiles): ProcStatus | undefined {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const text = files.text('status');
    const status = text === undefined ? undefined : parseProcStatus(text);
    if (status?.goesOn === false) return status;
    // The thread that was read so far may have ended.
    if (!files.useOtherThread() && status === undefined) return undefined;
  }
  throw new Error(`Cannot find a living thread of process ${files.pid}`);
}

/** Whether a process still has the identity and the privileges that were read. */
export function isAsRead(status: ProcStatus, posture: ProcessPosture): boolean {
  return (
    SAME_KEYS.every((key) => status[key] === posture[key]) &&
    status.effectiveUid === posture.uid &&
    status.effectiveGid === posture.gid &&
    status.groups.join(' ') === posture.groups.join(' ') &&
    (status.nspid.length === 1) === posture.hostPid
  );
}

/** What a posture takes over from the status as it is, apart from lists. */
const SAME_KEYS = [
  'name',
  'holdsRoot',
  'effective',
  'permitted',
  'bounding',
  'noNewPrivileges',
  'seccomp',
  'seccompFilters',
] as const;

function isNested(
  inode: number | undefined,
  users: UserNamespace | undefined,
  { init, initPosture }: Surroundings,
): boolean {
  if (users?.isHost !== false || initPosture === undefined) return false;
  if (inode !== undefined && init.user !== undefined) return inode !== init.user;
  return initPosture.users?.isHost === true;
}

function isHostMnt({ mnt }: Namespaces, { host }: Surroundings): boolean | undefined {
  const ofHost = host.get('mnt')?.inode;
  return mnt === undefined || ofHost === undefined ? undefined : mnt === ofHost;
}

function hasEscaped(namespaces: Namespaces, hostPid: boolean, surroundings: Surroundings): boolean | undefined {
  const { host, init, initPosture } = surroundings;
  if (initPosture === undefined) return false;
  // The pid namespace is also in the status, which needs no privilege.
  if (hostPid && !initPosture.hostPid) return true;
  const answers = WAYS_OUT.map((kind) => {
    const [own, ofInit, ofHost] = [namespaces[kind], init[kind], host.get(kind)?.inode];
    if (own === undefined || ofInit === undefined || ofHost === undefined) return undefined;
    return own === ofHost && ofInit !== ofHost;
  });
  if (answers.includes(true)) return true;
  return answers.includes(undefined) ? undefined : false;
}

function readNamespaces(files: ProcessFiles, { note }: Surroundings): Namespaces {
  const namespaces: { -readonly [Kind in keyof Namespaces]: Namespaces[Kind] } = {};
  // All links share one access check, so the first error stands for the others.
  orUnknown(() => {
    for (const kind of WAYS_OUT) {
      const link = files.link(`ns/${kind}`);
      const inode = link === undefined ? undefined : inodeOfLink(link);
      if (inode !== undefined) namespaces[kind] = inode;
    }
  }, note);
  return namespaces;
}

function readUserNamespace(
  files: ProcessFiles,
  inode: number | undefined,
  uid: number,
  { host, note }: Surroundings,
): UserNamespace | undefined {
  const map = orUnknown(() => {
    const text = files.text('uid_map');
    return text === undefined ? undefined : parseIdMap(text);
  }, note);
  if (map === undefined) return undefined;
  const ofHost = host.get('user')?.inode;
  // Another user namespace can have the same map as the initial one.
  const isHost = inode === undefined || ofHost === undefined ? isIdentityMap(map) : inode === ofHost;
  return {
    isHost,
    mapsHostRoot: isHost || insideOf(map, 0) !== undefined,
    rootUid: outsideOf(map, 0),
    ownUid: insideOf(map, uid),
    rootless: !isHost && map.some(({ length }) => length === 1),
  };
}

/** Reads the labels of security modules. */
export class LabelReader {
  /** The answer to all, if the kernel runs no module with labels. It cannot load one later. */
  #none: LsmLabel | undefined;

  /** The label; `undefined` if the process has ended, or if it cannot be read: then `note` gets the error. */
  read(files: Pick<ProcessFiles, 'text'>, note: (error: Error) => void): LsmLabel | undefined {
    if (this.#none !== undefined) return this.#none;
    try {
      const label = files.text('attr/current');
      if (label !== undefined) return parseLsmLabel(label);
      // A kernel without the file has no security modules. But the process may be gone, and its file with it.
      return files.text('stat') === undefined ? undefined : { lsm: 'none' };
    } catch (error) {
      // No module with labels is active, which differs from a module that does not confine this process.
      if (errnoOf(error) === 'EINVAL') return (this.#none = { lsm: 'none' });
      note(toError(error));
      return undefined;
    }
  }
}

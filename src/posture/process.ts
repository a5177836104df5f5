import type { Namespaces } from '../container.ts';
import { errnoOf, isDenied } from '../kernel/errno.ts';
import type { ProcessFiles } from '../kernel/process-files.ts';
import { type HostNamespaces, inodeOfLink } from '../kernel/host-namespaces.ts';
import { type LsmLabel, parseLsmLabel } from '../kernel/lsm-label.ts';
import { parseProcStatus, type ProcStatus } from '../kernel/proc-status.ts';
import { insideOf, isIdentityMap, outsideOf, parseIdMap } from '../kernel/uid-map.ts';
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
  /** Is called with each error due to a missing privilege. */
  readonly denied: (error: Error) => void;
}

/** What is known of a process already. Other processes are read in full. */
export interface AlreadyRead {
  readonly status: ProcStatus;
  readonly namespaces: Namespaces;
}

/**
 * Reads how one process is confined.
 *
 * @returns `undefined` if the process has ended or is a kernel thread.
 */
export function readProcess(
  files: ProcessFiles,
  surroundings: Surroundings,
  known?: AlreadyRead,
): ProcessPosture | undefined {
  const status = known?.status ?? readStatus(files);
  if (status === undefined) return undefined;
  const { zombie, kernelThread, nspid, effectiveUid: uid, effectiveGid: gid, ...credentials } = status;
  if (zombie || kernelThread) return undefined;
  const hostPid = nspid.length === 1;
  const namespaces = known?.namespaces ?? readNamespaces(files, surroundings);
  const users = readUserNamespace(files, namespaces.user, uid, surroundings);
  const label = surroundings.labels.read(files, surroundings.denied);
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
    escaped: hasEscaped(namespaces, hostPid, surroundings),
  };
}

/** `/proc/<pid>/status`, of another thread if the first has ended; `undefined` if the process has ended. */
export function readStatus(files: ProcessFiles): ProcStatus | undefined {
  const text = files.text('status');
  const status = text === undefined ? undefined : parseProcStatus(text);
  return status?.goesOn === true && files.useOtherThread() ? readStatus(files) : status;
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

function readNamespaces(files: ProcessFiles, { denied }: Surroundings): Namespaces {
  const namespaces: { -readonly [Kind in keyof Namespaces]: Namespaces[Kind] } = {};
  try {
    for (const kind of WAYS_OUT) {
      const link = files.link(`ns/${kind}`);
      const inode = link === undefined ? undefined : inodeOfLink(link);
      if (inode !== undefined) namespaces[kind] = inode;
    }
  } catch (error) {
    if (!(error instanceof Error) || !isDenied(error)) throw error;
    denied(error);
  }
  return namespaces;
}

function readUserNamespace(
  files: ProcessFiles,
  inode: number | undefined,
  uid: number,
  { host, denied }: Surroundings,
): UserNamespace | undefined {
  const text = orDenied(() => files.text('uid_map'), denied);
  if (text === undefined) return undefined;
  const map = parseIdMap(text);
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

  /** The label; `undefined` if the process has ended, or if a privilege is missing: then `denied` gets the error. */
  read(files: Pick<ProcessFiles, 'text'>, denied: (error: Error) => void): LsmLabel | undefined {
    if (this.#none !== undefined) return this.#none;
    try {
      const label = files.text('attr/current');
      if (label !== undefined) return parseLsmLabel(label);
      // A kernel without the file has no security modules. But the process may be gone, and its file with it.
      return files.text('stat') === undefined ? undefined : { lsm: 'none' };
    } catch (error) {
      // No module with labels is active, which differs from a module that does not confine this process.
      if (errnoOf(error) === 'EINVAL') return (this.#none = { lsm: 'none' });
      if (!(error instanceof Error) || !isDenied(error)) throw error;
      denied(error);
      return undefined;
    }
  }
}

/** Reads a fact. If a privilege is missing, the fact is unknown, and `denied` gets the error. */
export function orDenied<T>(read: () => T, denied: (error: Error) => void): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Error) || !isDenied(error)) throw error;
    denied(error);
    return undefined;
  }
}

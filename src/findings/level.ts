import { ALL_CAPABILITIES } from '../kernel/capabilities.ts';
import type { Posture } from '../posture/posture.ts';
import { all, answer, any, type Answer, not } from './answer.ts';
import type { Known, Subject } from './finding.ts';
import { anyHas, canTakeOver, DEFAULT_CAPABILITIES, isPrivileged, unlessAllSeen } from './privileges.ts';
import {
  hasStrongerProcess,
  isHostRootInside,
  isRestricted,
  isUnconfined,
  isUnfiltered,
  isWellMapped,
  mounts,
  some,
} from './restrictions.ts';

/** The rungs of the ladder, from the host's own processes up. Their index is the level. */
export const LEVELS = ['host_like', 'weakened', 'standard', 'hardened', 'user_kernel', 'microvm'] as const;
export type LevelName = (typeof LEVELS)[number];

/** Where a container stands. */
export interface LevelResult {
  /** What is unknown was taken for the worst: it is at least this. */
  readonly level: number;
  readonly levelName: LevelName;
  /** Whether what is unknown makes no difference. */
  readonly certain: boolean;
}

/** Finds a container's level; `undefined` if nothing is known of its processes. */
export function standingOf(subject: Subject): LevelResult | undefined {
  const { posture } = subject;
  if (posture === undefined) return undefined;
  const rungs = rungsOf({ ...subject, posture });
  // Once with what is unknown against the container, once for it.
  const lowest = climb(rungs, (rung) => rung === 'yes');
  const highest = climb(rungs, (rung) => rung !== 'no');
  return { level: lowest, levelName: LEVELS[lowest] ?? 'host_like', certain: lowest === highest };
}

/** Whether it stands on a rung, for the rungs from the top down but for the lowest, which is what is left. */
interface Rung {
  readonly level: number;
  readonly holds: Answer;
}

function climb(rungs: readonly Rung[], stands: (holds: Answer) => boolean): number {
  return rungs.find(({ holds }) => stands(holds))?.level ?? 0;
}

function rungsOf(subject: Known): readonly Rung[] {
  const { posture } = subject;
  const { sandbox } = posture;
  // It may be a sandbox or just claim to be one: neither may its processes be judged, nor may it be believed.
  if (sandbox === undefined) return [{ level: LEVELS.length - 1, holds: 'unknown' }];
  if (sandbox.kernel !== 'shared') {
    const class_ = sandbox.kernel === 'virtual' ? 5 : 4;
    return [{ level: sandbox.weaknesses.length > 0 ? 3 : class_, holds: 'yes' }];
  }
  const notHostLike = not(isHostLike(subject));
  const notWeakened = all(notHostLike, not(isWeakened(subject)));
  return [
    { level: 3, holds: all(notWeakened, isHardened(posture)) },
    { level: 2, holds: notWeakened },
    { level: 1, holds: notHostLike },
  ];
}

/** Whether it is as good as on the host: the way to its root is one step. */
function isHostLike(subject: Known): Answer {
  const { posture, hostNamespaces } = subject;
  const { devices } = posture;
  // File permissions stand in the way of one that cannot be root.
  const reaches = not(isRestricted(posture));
  return any(
    isPrivileged(posture),
    all(
      isHostRootInside(posture),
      any(
        answer(hostNamespaces.mnt),
        canTakeOver(posture, subject),
        answer(devices.allowed === 'all'),
        all(some(devices.blockDevices), reaches),
        all(
          mounts(posture, ({ kind, writable }) => (kind === 'root' || kind === 'critical') && writable),
          reaches,
        ),
      ),
    ),
    // By its ids, so whatever its user namespace is.
    usesSocket(posture),
    answer(posture.escapedProcesses === undefined ? undefined : posture.escapedProcesses > 0),
  );
}

/** Whether a boundary that every container has is missing. */
function isWeakened({ posture, hostNamespaces }: Known): Answer {
  const { processes } = posture;
  return any(
    answer(hostNamespaces.net),
    answer(hostNamespaces.pid),
    answer(hostNamespaces.ipc),
    answer(hostNamespaces.uts),
    ...processes.map(isUnfiltered),
    mounts(posture, ({ kind, writable }) => kind !== 'plain' || writable),
    some(posture.mounts?.propagating),
    hasStrongerProcess(posture),
    // What follows matters less to one whose root is nobody on the host.
    all(
      not(isWellMapped(posture)),
      any(
        anyHas(posture, ALL_CAPABILITIES & ~DEFAULT_CAPABILITIES),
        answer(posture.mounts === undefined ? undefined : !posture.mounts.procMasked),
        answer(posture.mounts?.sysWritable),
        ...processes.map(isUnconfined),
      ),
    ),
  );
}

/** Whether more was taken off than every container is without. */
function isHardened(posture: Posture): Answer {
  const { processes } = posture;
  return all(
    ...processes.map(({ seccomp }) => answer(seccomp === undefined ? undefined : seccomp === 'filter')),
    any(isWellMapped(posture), all(isRestricted(posture), not(any(...processes.map(isUnconfined))))),
    not(unlessAllSeen(posture)),
  );
}

function usesSocket(posture: Posture): Answer {
  const { hostMounts } = posture.mounts ?? {};
  if (hostMounts === undefined) return 'unknown';
  const sockets = hostMounts.filter(({ kind }) => kind === 'socket');
  // To one that can be root, permissions are not in the way.
  const asRoot = all(isHostRootInside(posture), not(isRestricted(posture)));
  return any(...sockets.map(({ usable }) => any(answer(usable), asRoot)));
}

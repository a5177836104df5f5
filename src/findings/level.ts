import { ALL_CAPABILITIES } from '../kernel/capabilities.ts';
import type { Posture } from '../posture/posture.ts';
import { all, answer, any, type Answer, not } from './answer.ts';
import type { Known, Subject } from './finding.ts';
import { anyHas, canTakeOver, DEFAULT_CAPABILITIES, isPrivileged, unlessAllSeen } from './privileges.ts';
import {
  hasStrongerProcess,
  ifMountsHidden,
  isHostRootInside,
  isProcUnmasked,
  isRestricted,
  isUnconfined,
  isUnfiltered,
  isWellMapped,
  mounts,
  propagates,
  some,
  ifSocketsUnknown,
} from './restrictions.ts';

/** The levels by name, weakest first. The index is the level. */
export const LEVELS = ['host_like', 'weakened', 'standard', 'hardened', 'user_kernel', 'microvm'] as const;
export type LevelName = (typeof LEVELS)[number];

/** The isolation level of a container. */
export interface LevelResult {
  /** A lower bound: unknown facts count as the worst case. */
  readonly level: number;
  readonly levelName: LevelName;
  /** Whether unknown facts make no difference. */
  readonly certain: boolean;
}

/** Computes a container's level; `undefined` if nothing is known about its processes. */
export function levelOf(subject: Subject): LevelResult | undefined {
  const { posture } = subject;
  if (posture === undefined) return undefined;
  const rules = rulesOf({ ...subject, posture });
  // Once with unknown facts as the worst case, once as the best.
  const lowest = highestMatching(rules, (rule) => rule === 'yes');
  const highest = highestMatching(rules, (rule) => rule !== 'no');
  return { level: lowest, levelName: LEVELS[lowest] ?? 'host_like', certain: lowest === highest };
}

/** Whether a container meets the conditions of a level. Level 0 has none. */
interface LevelRule {
  readonly level: number;
  readonly holds: Answer;
}

function highestMatching(rules: readonly LevelRule[], stands: (holds: Answer) => boolean): number {
  return rules.find(({ holds }) => stands(holds))?.level ?? 0;
}

function rulesOf(subject: Known): readonly LevelRule[] {
  const { posture } = subject;
  const { sandbox } = posture;
  // The container claims to be a sandbox, and we cannot verify it. Do not trust the claim, and do not assess its
  // processes.
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

/** Whether it is equivalent to a process on the host: root is one step away. */
function isHostLike(subject: Known): Answer {
  const { posture, hostNamespaces } = subject;
  const { devices } = posture;
  // File permissions stop a container that cannot be root.
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
    // The socket's permissions apply to its ids, regardless of its user namespace.
    usesSocket(posture),
    answer(posture.escapedProcesses === undefined ? undefined : posture.escapedProcesses > 0),
  );
}

/** Whether a boundary that containers have by default is missing. */
function isWeakened({ posture, hostNamespaces }: Known): Answer {
  const { processes } = posture;
  return any(
    answer(hostNamespaces.net),
    answer(hostNamespaces.pid),
    answer(hostNamespaces.ipc),
    answer(hostNamespaces.uts),
    ...processes.map(isUnfiltered),
    mounts(posture, ({ kind, writable }) => kind !== 'plain' || writable),
    propagates(posture),
    hasStrongerProcess(posture),
    // The rest matters less if nobody inside is the host's root.
    all(
      not(isWellMapped(posture)),
      any(
        anyHas(posture, ALL_CAPABILITIES & ~DEFAULT_CAPABILITIES),
        isProcUnmasked(posture),
        answer(posture.mounts?.sysWritable),
        ...processes.map(isUnconfined),
      ),
    ),
  );
}

/** Whether it has fewer privileges than a default container. */
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
  // Permissions do not stop a container that can be root.
  const asRoot = all(isHostRootInside(posture), not(isRestricted(posture)));
  return any(
    ...sockets.map(({ usable }) => any(answer(usable), asRoot)),
    ifSocketsUnknown(posture),
    ifMountsHidden(posture),
  );
}

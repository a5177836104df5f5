import type { CgroupMatch, Undecided } from '../container.ts';
import { isDenied } from '../kernel/errno.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { identifyCgroup } from './cgroup-path.ts';
import { type OtherWitnesses, settle } from './settle.ts';

/**
 * Classifies the cgroup at exactly this path: a container's own, an engine's, or `undefined`, also for cgroups inside a
 * container. If the path is ambiguous, the engine that lists it or the parent of the processes inside decides. As long as
 * neither does, the result is undecided. A path that can only be a container's, of whichever engine, is finally classified
 * as a container of the engine that is most likely.
 */
export function classify(
  kernel: KernelFiles,
  path: string,
  others?: OtherWitnesses,
): CgroupMatch | Undecided | undefined {
  const identity = identifyCgroup(path);
  if (identity?.cgroup !== path) return undefined;
  const undecided = { undecided: true, otherwise: identity.candidate === undefined ? identity : undefined } as const;
  try {
    const settled = settle(kernel, identity, others);
    return typeof settled === 'string' ? { ...undecided, because: settled } : settled;
  } catch (error) {
    if (isDenied(error)) return { ...undecided, because: 'unconfirmed' };
    throw error;
  }
}

import type { HostMount } from '../posture/posture.ts';
import { type Finding, withPosture } from './finding.ts';
import { mounts } from './restrictions.ts';

/** The test and the evidence of a finding about mounts from the host that `counts`. */
export function ofMounts(counts: (mount: HostMount) => boolean): Pick<Finding, 'test' | 'evidence'> {
  return {
    test: withPosture((posture) => mounts(posture, counts)),
    evidence: ({ mounts: known }) => outermost((known?.hostMounts ?? []).filter(counts)).map(mountText),
  };
}

/** How many mounts above one are compared with it: a container can nest as many as its table holds. */
const MOST_ABOVE = 50;

/**
 * The mounts that are not below another of them, on the host as in the container, by mount point. A container that has a directory of
 * the host, with slave propagation, gets each mount that the host makes there: those are nothing new. Pure.
 */
export function outermost(found: readonly HostMount[]): readonly HostMount[] {
  const keyed = found.map((mount) => ({ mount, at: asDirectory(mount.mountPoint), from: asDirectory(mount.hostPath) }));
  // What is below a mount point follows it directly.
  const sorted = keyed.toSorted((a, b) => Number(a.at > b.at) - Number(a.at < b.at));
  const above: typeof keyed = [];
  return sorted.flatMap((each) => {
    while (above.length > 0 && !each.at.startsWith(above.at(-1)?.at ?? '')) above.pop();
    const isShown = above.some(({ at, from }) => at !== each.at && each.from.startsWith(from));
    if (above.length < MOST_ABOVE) above.push(each);
    return isShown ? [] : [each.mount];
  });
}

function asDirectory(path: string): string {
  return path.endsWith('/') ? path : `${path}/`;
}

function mountText({ hostPath, mountPoint, writable }: HostMount): string {
  return `${hostPath} on ${mountPoint} (${writable ? 'rw' : 'ro'})`;
}

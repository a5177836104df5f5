import { type Mount, unescapeOctal } from '../kernel/mountinfo.ts';

/**
 * Where snapshotters of containerd keep what containers write: `…/io.containerd.snapshotter.v1.overlayfs/snapshots/42/fs`,
 * `/var/lib/containerd-stargz-grpc/snapshotter/snapshots/42/fs`.
 */
const OF_SNAPSHOTTER = /\/snapshots\/\d+\/fs$/;

/**
 * The host's directory with everything that a container has written over its image: the upper directory of the overlay that is its
 * root. `undefined` if there is none, or if somebody else than an engine of the host could have chosen it.
 *
 * A container can mount overlays of its own over `/`, such as in its own user namespace, with any directory that it sees as upper one.
 * So nothing is believed that is only in its own mount table. The overlay must be mounted on the host too, with the same options: the
 * engine mounts it there, and no container can. And the directory must be where an engine has it: a container with a mount that
 * propagates to the host can mount there, by a path that means another directory on the host.
 *
 * @param root the mount of the container's root.
 * @param hostMounts those of the host.
 */
export function upperDirectory(root: Mount | undefined, hostMounts: readonly Mount[]): string | undefined {
  if (root?.type !== 'overlay') return undefined;
  const upper = root.superOptions
    .split(',')
    .flatMap((option) => (option.startsWith('upperdir=') ? [unescapeOctal(option.slice('upperdir='.length))] : []))
    .at(-1);
  if (upper === undefined || !isPlain(upper)) return undefined;
  const isEngines = hostMounts.some(
    // The options also tell it from a later overlay with the same device number.
    ({ device, type, superOptions, mountPoint }) =>
      device === root.device &&
      type === 'overlay' &&
      superOptions === root.superOptions &&
      isWhereEnginesHaveIt(upper, mountPoint),
  );
  return isEngines ? upper : undefined;
}

/** Docker, Podman and CRI-O have `…/<id>/diff` beside `…/<id>/merged`. */
function isWhereEnginesHaveIt(upper: string, mountPoint: string): boolean {
  const beside = /^(\/.+)\/merged$/s.exec(mountPoint)?.[1];
  return (beside !== undefined && upper === `${beside}/diff`) || OF_SNAPSHOTTER.test(upper);
}

/** Whether a path is absolute, without steps back and without characters that an overlay itself escapes. */
function isPlain(path: string): boolean {
  return path.startsWith('/') && !path.includes('\\') && !path.split('/').includes('..');
}

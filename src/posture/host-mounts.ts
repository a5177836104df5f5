import type { Mount } from '../kernel/mountinfo.ts';
import { parentOf } from '../kernel/paths.ts';

/** The location of a file in a file system. */
interface HostLocation {
  readonly device: string;
  /** The path from the root of that file system. */
  readonly path: string;
}

/** Where engines assemble the root directories of containers. */
const ROOT_OF_CONTAINER = new RegExp(
  // Docker's overlay2, and Podman and CRI-O
  '/overlay2?/[^/]+/merged$' +
    // containerd, of Docker, of Kubernetes and of k3s
    '|/io\\.containerd\\.runtime\\.v\\d\\.\\w+/[^/]+/[^/]+/rootfs$' +
    // Docker with the image store of containerd
    '|/rootfs/overlayfs/[^/]+$' +
    // Kata, for the machine
    '|^/run/kata-containers/.+/rootfs$',
);

/** Overlays of the host itself that contain programs: the root of a live system, systemd-sysext. */
const HAS_PROGRAMS = /^\/(?:usr|opt)?$/;

/** The host's mounts, to find the host path behind a container's mount. */
export class HostMounts {
  readonly #byDevice = new Map<string, Mount[]>();
  readonly #byPoint = new Map<string, Mount>();
  readonly #devices = new Map<string, string>();
  readonly #peerGroups = new Set<string>();

  constructor(mounts: readonly Mount[]) {
    for (const mount of mounts) {
      this.#devices.set(mount.id, mount.device);
      for (const tag of mount.propagation) if (tag.startsWith('shared:')) this.#peerGroups.add(tag);
      // A later mount on the same point hides the earlier one.
      this.#byPoint.set(mount.mountPoint, mount);
      // The thousands of overlays of containers are not the host's own file systems.
      if (mount.type === 'overlay' && ROOT_OF_CONTAINER.test(mount.mountPoint)) continue;
      if (mount.type === 'nsfs') continue;
      const known = this.#byDevice.get(mount.device);
      if (known === undefined) this.#byDevice.set(mount.device, [mount]);
      else known.push(mount);
    }
  }

  /** Whether a mount is one of the host's: mount namespaces never share a mount. */
  has({ id, device }: Mount): boolean {
    return this.#devices.get(id) === device;
  }

  /** Whether mounts below this mount propagate to the host. */
  isPeer({ propagation }: Mount): boolean {
    return propagation.some((tag) => this.#peerGroups.has(tag));
  }

  /** The host paths behind a mount; none if the host has not mounted its file system. */
  pathsOf(shown: Pick<Mount, 'device' | 'root'>): string[] {
    return this.#pathsOf(shown, () => true);
  }

  /**
   * The host paths behind the mount of a program. An overlay may belong to a container of an unknown engine, so only
   * overlays that contain programs of the host count.
   */
  pathsOfProgram(file: Pick<Mount, 'device' | 'root'>): string[] {
    return this.#pathsOf(file, ({ type, mountPoint }) => type !== 'overlay' || HAS_PROGRAMS.test(mountPoint));
  }

  #pathsOf({ device, root }: Pick<Mount, 'device' | 'root'>, counts: (mount: Mount) => boolean): string[] {
    const paths = (this.#byDevice.get(device) ?? []).filter(counts).flatMap((mount) => {
      const below = mount.isRemoved ? undefined : pathBelow(root, mount.root);
      return below === undefined ? [] : [joined(mount.mountPoint, below)];
    });
    return [...new Set(paths)];
  }

  /** Finds a host file by its mounted file system. */
  placeOf(path: string): HostLocation | undefined {
    const mount = this.at(path);
    if (mount === undefined) return undefined;
    const below = mount.mountPoint === '/' ? path : path.slice(mount.mountPoint.length);
    return { device: mount.device, path: joined(mount.root, below) };
  }

  /** The mount that a path of the host is on. */
  at(path: string): Mount | undefined {
    for (let point = path; ; point = parentOf(point)) {
      const mount = this.#byPoint.get(point === '' ? '/' : point);
      if (mount !== undefined || point === '' || !point.startsWith('/')) return mount;
    }
  }
}

/** The path of a file as seen through a mount; `undefined` if it is not below the mounted directory. */
export function seenThrough({ device, root, mountPoint }: Mount, place: HostLocation): string | undefined {
  const below = device === place.device ? pathBelow(place.path, root) : undefined;
  return below === undefined ? undefined : joined(mountPoint, below);
}

/** The rest of a path below a directory: `''` for the directory itself, otherwise with a leading slash. */
function pathBelow(path: string, directory: string): string | undefined {
  if (directory === '/') return path === '/' ? '' : path;
  if (path === directory) return '';
  return path.startsWith(`${directory}/`) ? path.slice(directory.length) : undefined;
}

function joined(directory: string, below: string): string {
  if (below === '' || below === '/') return directory;
  return directory === '/' ? below : directory + below;
}

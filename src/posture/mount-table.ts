import { mayWait, type MountAt } from '../kernel/file-system-types.ts';
import { type Mount, parseMountinfo } from '../kernel/mountinfo.ts';
import { parentOf } from '../kernel/paths.ts';

/** The maximum length of a container's mount table, in bytes. A longer one, of 10,000 mounts or more, counts as unknown. */
export const LONGEST_MOUNTINFO = 2 * 1024 * 1024;

/** The mounts of a process as it sees them. */
export class MountTable {
  readonly #byPoint: ReadonlyMap<string, Mount>;
  readonly #hostMountAt: MountAt | undefined;
  /** All mounts, including covered ones: a container with mount privileges can uncover them. */
  readonly all: readonly Mount[];
  /** Whether these are all mounts of the process. The kernel omits those that are not below its root directory. */
  readonly complete: boolean;

  /**
   * @param mountinfo the content of `/proc/<pid>/mountinfo`.
   * @param hostMountAt finds the layers of overlays; `undefined` if the host's mounts are not known.
   * @param chrooted whether the process has another root directory than its mount namespace. `undefined`: unknown. Then only a
   *   root directory that is no mount point shows that it has.
   * @throws SyntaxError if it is malformed.
   */
  constructor(mountinfo: string, hostMountAt?: MountAt, chrooted?: boolean) {
    this.all = parseMountinfo(mountinfo);
    this.#hostMountAt = hostMountAt;
    // The last of several mounts on one point is visible.
    this.#byPoint = new Map(this.all.map((mount) => [mount.mountPoint, mount]));
    this.complete = chrooted !== true && this.#byPoint.has('/');
  }

  /** Mounts that are not covered by another. */
  get shown(): readonly Mount[] {
    return [...this.#byPoint.values()];
  }

  /** The mount at exactly this path. */
  at(path: string): Mount | undefined {
    return this.#byPoint.get(path);
  }

  /** Whether access to a path may hang on a server, because of a mount at or above it. */
  mayWait(path: string): boolean {
    for (let point = path; ; point = parentOf(point)) {
      const mount = this.#byPoint.get(point === '' ? '/' : point);
      if (mount !== undefined && mayWait(mount, this.#hostMountAt)) return true;
      if (point === '' || !point.startsWith('/')) return false;
    }
  }

  /** The names of direct subdirectories whose access may hang. */
  waitingIn(directory: string): readonly string[] {
    return [...this.#byPoint].flatMap(([point, mount]) => {
      const name = point.startsWith(`${directory}/`) ? point.slice(directory.length + 1) : '';
      return name === '' || name.includes('/') || !mayWait(mount, this.#hostMountAt) ? [] : [name];
    });
  }
}

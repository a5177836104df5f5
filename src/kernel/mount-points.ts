/**
 * The minimum time between two reads of the mount table, in ms. Reading a long table takes milliseconds, too much for
 * every walk.
 */
const REFRESH_MS = 60_000;

/**
 * The mounts below the root of a cgroup hierarchy. Each mount hides a part of the hierarchy. It usually shows another
 * part, or the whole hierarchy, a second time. For example, the node of a kind or minikube cluster mounts each v1
 * hierarchy below itself.
 */
export class MountPoints {
  readonly #read: () => ReadonlySet<string>;
  #paths: ReadonlySet<string>;
  #readAt = performance.now();

  /** @param read finds the absolute paths of the mount points, as this process sees them. */
  constructor(read: () => ReadonlySet<string>) {
    this.#read = read;
    this.#paths = read();
  }

  /** Whether something is mounted on the directory `path` below `root`. */
  has(root: string, path: string): boolean {
    // Usually there are no mount points. Checking this first avoids building the paths of thousands of cgroups.
    return this.#paths.size > 0 && this.#paths.has(root + path);
  }

  /** Rereads the mount table, and returns whether the mount points have changed. */
  refresh(): boolean {
    this.#readAt = performance.now();
    const paths = this.#read();
    const before = this.#paths;
    this.#paths = paths;
    return paths.size !== before.size || [...paths].some((path) => !before.has(path));
  }

  /** Rereads the mount table at most once a minute. */
  refreshIfOld(): void {
    if (performance.now() - this.#readAt >= REFRESH_MS) this.refresh();
  }
}

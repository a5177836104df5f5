import { readdirSync, statSync } from 'node:fs';
import type { Bytes } from './bytes.ts';
import { isPerhapsEnding } from './cgroup-ending.ts';
import type { CgroupLayout, Hierarchy } from './cgroup-layout.ts';
import { type Place, type Places, SAME_PATH } from './cgroup-places.ts';
import { parseCgroupProcs } from './cgroup-procs.ts';
import { absentAsUndefined } from './errno.ts';
import { type FileReader, MISSING } from './file-reader.ts';
import { childDirectories } from './child-directories.ts';
import { numberOf } from './file-numbers.ts';

/** The hierarchy of a cgroup file: the one of a controller, or `unified` for cgroup2, regardless of its controllers. */
export type Controller =
  | 'cpu'
  | 'cpuacct'
  | 'cpuset'
  | 'memory'
  | 'pids'
  | 'blkio'
  | 'io'
  | 'hugetlb'
  | 'devices'
  | 'freezer'
  | 'misc'
  | 'rdma'
  | 'unified';

/** The longest time that a missing file is assumed to be missing. A controller can be enabled late. */
const MISSING_FOR_MS = 60_000;

/**
 * Takes the place of a descriptor if the file disappeared but its cgroup still exists. Each read tries to open the file
 * again.
 */
const VANISHED = MISSING - 1;

/** The files of one cgroup in all hierarchies, read through descriptors that stay open until `close`. */
export class CgroupFiles {
  /**
   * The path in the hierarchy in which containers are discovered, such as `/docker/<id>`. {@link pathIn} returns the
   * paths in the others.
   */
  readonly path: string;
  readonly #reader: FileReader;
  readonly #layout: CgroupLayout;
  readonly #inode: number | undefined;
  /** Indexed by the number of the file name: thousands of small maps would be slower and larger. */
  readonly #descriptors: (number | undefined)[] = [];
  readonly #knownSince = performance.now();
  #places: Places = SAME_PATH;
  #missingSince = 0;
  #goneSince: number | undefined;
  #closed = false;

  /**
   * Use `KernelFiles.cgroup`.
   *
   * @param cgroup.inode the inode in the hierarchy in which containers are discovered. It distinguishes this cgroup
   *   from a later one at the same path. Without it, the files belong to whichever cgroup is at the path.
   */
  constructor(
    reader: FileReader,
    layout: CgroupLayout,
    cgroup: { readonly path: string; readonly inode: number | undefined },
  ) {
    this.#reader = reader;
    this.#layout = layout;
    this.path = cgroup.path;
    this.#inode = cgroup.inode;
  }

  /** Whether a read found that the cgroup was removed, or its files were closed. Another cgroup may have its path by now. */
  get gone(): boolean {
    return this.#closed || this.#goneSince !== undefined;
  }

  /** When a read found that the cgroup was removed, in ms of `performance.now()`, until its files are closed. */
  get goneSince(): number | undefined {
    return this.#closed ? undefined : this.#goneSince;
  }

  /** Whether a controller is on cgroup v1 or v2; `undefined` if the host does not have it. */
  versionOf(controller: Controller): 1 | 2 | undefined {
    return this.#hierarchy(controller)?.version;
  }

  /** The cgroup's path in the hierarchy of a controller; `undefined` if it is not in that hierarchy, or its path is unknown. */
  pathIn(controller: Controller): string | undefined {
    const hierarchy = this.#hierarchy(controller);
    return hierarchy && this.#ownPath(hierarchy);
  }

  /** The path of the cgroup that holds the container's init process; `undefined` if unknown. */
  initPathIn(controller: Controller): string | undefined {
    const hierarchy = this.#hierarchy(controller);
    if (hierarchy === undefined) return undefined;
    const place = this.#places.get(hierarchy);
    return place === undefined ? this.path : place.init;
  }

  /** Sets the paths of the cgroup and of the container's init. Closes descriptors of files at other paths. */
  locate(places: Places): void {
    const moved = this.#layout.hierarchies.some((hierarchy) => {
      const own = ownIn(places.get(hierarchy), this.path);
      return own !== this.#ownPath(hierarchy);
    });
    this.#places = places;
    if (moved) this.#releaseAll();
  }

  /**
   * The content of a file such as `memory.stat`; `undefined` if it does not exist or the cgroup is gone.
   *
   * @throws the system error, with the name of the file, for anything but absence.
   */
  read(controller: Controller, name: string): Bytes | undefined {
    if (this.gone) return undefined;
    const number = numberOf(name);
    const known = this.#descriptors[number];
    if (known === undefined || known === VANISHED) return this.#readFirst(controller, name);
    if (known === MISSING) {
      if (!this.#isMissingOld()) return undefined;
      this.#forgetMissing();
      return this.#readFirst(controller, name);
    }
    const bytes = this.#reader.readKept(known, name);
    if (bytes !== undefined) return bytes;
    // ENODEV: the cgroup was removed, or its parent has disabled the controller.
    this.#reader.release(known);
    this.#descriptors[number] = VANISHED;
    this.#noteIfGone(controller);
    // The controller may have been enabled again since.
    const again = this.gone ? undefined : this.#readFirst(controller, name);
    if (again === undefined) this.#noteIfEnding(controller);
    return again;
  }

  /**
   * The processes in the cgroup itself, with pids of this process's namespace; invisible ones are omitted.
   *
   * Each read opens the file again. On cgroup v1, a descriptor that stays open repeats the list of its last reader for
   * up to a second.
   */
  processes(): number[] {
    const bytes = this.processList();
    return bytes === undefined ? [] : parseCgroupProcs(bytes);
  }

  /** The content of the same file, for comparison: one pid per line. */
  processList(): Bytes | undefined {
    if (this.gone) return undefined;
    const directory = this.#discoveryDirectory();
    // A threaded cgroup has a list of threads instead of processes (ENOTSUP).
    return this.#reader.readOnce(`${directory}/cgroup.procs`) ?? this.#reader.readOnce(`${directory}/cgroup.threads`);
  }

  /** The names of the cgroups directly below this one, except mount points. */
  children(): string[] {
    const directory = this.#discoveryDirectory();
    const mounts = this.#layout.mountPoints;
    return childDirectories(directory).filter((name) => mounts?.has(directory, `/${name}`) !== true);
  }

  /** The names of the cgroup's files in the hierarchy of a controller. */
  list(controller: Controller): string[] {
    const directory = this.#directoryIn(controller);
    if (this.gone || directory === undefined) return [];
    return absentAsUndefined(() => readdirSync(directory)) ?? [];
  }

  /** Checks whether a cgroup that was gone exists again: its hierarchy may have been mounted again. */
  lookAgain(): void {
    if (this.goneSince !== undefined && this.#isThere()) this.#goneSince = undefined;
  }

  /**
   * Checks that the cgroup still exists. If not, files that were opened by their path may be those of a later cgroup at the same
   * path, and it is {@link gone}.
   *
   * @throws the system error for anything but absence.
   */
  confirm(): void {
    if (!this.gone && !this.#isThere()) this.#noteGone();
  }

  /** Closes all descriptors. Reads return `undefined` from now on. */
  close(): void {
    this.#closed = true;
    this.#releaseAll();
  }

  #readFirst(controller: Controller, name: string): Bytes | undefined {
    const directory = this.#directoryIn(controller);
    if (directory === undefined) return undefined;
    const path = `${directory}/${name}`;
    const descriptor = this.#reader.acquire(path);
    if (descriptor === undefined) {
      const bytes = this.#reader.readOnce(path);
      if (bytes === undefined) this.#noteIfGone(controller);
      return bytes;
    }
    if (descriptor === MISSING) {
      this.#noteMissing(controller, name);
      return undefined;
    }
    const bytes = this.#reader.readKept(descriptor, path);
    if (bytes === undefined) {
      // With PSI disabled at boot (psi=0), some kernels let the files be opened but not read.
      this.#reader.release(descriptor);
      this.#noteMissing(controller, name);
      this.#noteIfEnding(controller);
    } else this.#descriptors[numberOf(name)] = descriptor;
    return bytes;
  }

  #directoryIn(controller: Controller): string | undefined {
    const hierarchy = this.#hierarchy(controller);
    const path = hierarchy && this.#ownPath(hierarchy);
    return path === undefined ? undefined : hierarchy?.root + path;
  }

  #ownPath(hierarchy: Hierarchy): string | undefined {
    return ownIn(this.#places.get(hierarchy), this.path);
  }

  #discoveryDirectory(): string {
    return this.#layout.discovery.root + this.path;
  }

  #isThere(): boolean {
    const found = statSync(this.#discoveryDirectory(), { throwIfNoEntry: false });
    return found !== undefined && found.ino === (this.#inode ?? found.ino);
  }

  /** A missing file of a removed cgroup does not mean that the controller is disabled. */
  #noteIfGone(controller: Controller): void {
    if (this.#isThere()) return;
    // A cgroup known by its path alone may exist in the hierarchy of that controller only.
    const directory = this.#directoryIn(controller);
    const isElsewhere =
      this.#inode === undefined &&
      directory !== undefined &&
      statSync(directory, { throwIfNoEntry: false }) !== undefined;
    if (isElsewhere) return;
    this.#noteGone();
  }

  #noteIfEnding(controller: Controller): void {
    const directory = this.#directoryIn(controller);
    if (this.gone || directory === undefined) return;
    const cgroup = { directory, version: this.versionOf(controller) };
    if (isPerhapsEnding(this.#reader, cgroup, controller)) this.#noteGone();
  }

  #noteGone(): void {
    this.#goneSince = performance.now();
    this.#releaseAll();
  }

  #noteMissing(controller: Controller, name: string): void {
    this.#noteIfGone(controller);
    const number = numberOf(name);
    if (this.gone || this.#descriptors[number] === VANISHED) return;
    if (this.#missingSince === 0) this.#missingSince = performance.now();
    this.#descriptors[number] = MISSING;
  }

  /**
   * Whether to check for missing files again. A runtime creates a container's cgroups in one hierarchy after the other,
   * and controllers can be enabled later. The checks are therefore frequent for a young cgroup, and become rarer.
   */
  #isMissingOld(): boolean {
    const knownFor = this.#missingSince - this.#knownSince;
    return performance.now() - this.#missingSince >= Math.min(MISSING_FOR_MS, knownFor);
  }

  #forgetMissing(): void {
    this.#missingSince = 0;
    for (const [index, descriptor] of this.#descriptors.entries()) {
      if (descriptor === MISSING) this.#descriptors[index] = undefined;
    }
  }

  #releaseAll(): void {
    for (const descriptor of this.#descriptors) {
      if (descriptor !== undefined && descriptor > MISSING) this.#reader.release(descriptor);
    }
    this.#descriptors.length = 0;
    this.#missingSince = 0;
  }

  #hierarchy(controller: Controller): Hierarchy | undefined {
    if (controller === 'unified') return this.#layout.unified;
    return this.#layout.hierarchyOf(controller);
  }
}

function ownIn(place: Place | undefined, path: string): string | undefined {
  return place === undefined ? path : place.own;
}

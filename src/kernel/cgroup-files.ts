import { readdirSync, statSync } from 'node:fs';
import type { Bytes } from './bytes.ts';
import type { CgroupLayout, Hierarchy } from './cgroup-layout.ts';
import { type Place, type Places, SAME_PATH } from './cgroup-places.ts';
import { parseCgroupProcs } from './cgroup-procs.ts';
import { absentAsUndefined } from './errno.ts';
import { type FileReader, MISSING } from './file-reader.ts';
import { childDirectories } from './child-directories.ts';

/** Where a file of a cgroup is: under a controller, or in the cgroup2 hierarchy whatever controllers that has. */
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
  | 'unified';

/** How long a missing file is assumed to be still missing, at most. A controller can be switched on late. */
const MISSING_FOR_MS = 60_000;

/** In place of a descriptor: the file was there, and went while its cgroup lived on. It is looked for at each read. */
const VANISHED = MISSING - 1;

/** The files of one cgroup in all hierarchies, read through descriptors that stay open until `close`. */
export class CgroupFiles {
  /** The path in the hierarchy of discovery, such as `/docker/<id>`. {@link pathIn} has those in the others. */
  readonly path: string;
  readonly #reader: FileReader;
  readonly #layout: CgroupLayout;
  readonly #inode: number | undefined;
  /** By the number of the file's name: thousands of small maps would be slow to look into, and large. */
  readonly #descriptors: (number | undefined)[] = [];
  readonly #knownSince = performance.now();
  #places: Places = SAME_PATH;
  #missingSince = 0;
  #goneSince: number | undefined;
  #closed = false;

  /**
   * Use `KernelFiles.cgroup`.
   *
   * @param cgroup.inode in the hierarchy of discovery: tells this cgroup from a later one at the same path. Without it,
   *   the files are those of whichever cgroup is at the path.
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

  /** Whether the cgroup was removed, as a read has found out, or its files were closed. Its path may be another's by now. */
  get gone(): boolean {
    return this.#closed || this.#goneSince !== undefined;
  }

  /** When a read found that the cgroup was removed, in ms of `performance.now()`, as long as nobody has closed its files. */
  get goneSince(): number | undefined {
    return this.#closed ? undefined : this.#goneSince;
  }

  /** Whether a controller is on cgroup v1 or v2 here; `undefined` where the host has it nowhere. */
  versionOf(controller: Controller): 1 | 2 | undefined {
    return this.#hierarchy(controller)?.version;
  }

  /** The cgroup's path in the hierarchy of a controller; `undefined` if it is not in that hierarchy, or nobody knows where. */
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

  /** Takes over where the cgroup and the container's init are. Descriptors of files elsewhere are closed. */
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
    // ENODEV, which a removed cgroup answers, and also a living one whose parent has switched the controller off.
    this.#reader.release(known);
    this.#descriptors[number] = VANISHED;
    this.#noteIfGone(controller);
    return undefined;
  }

  /**
   * The processes in the cgroup itself, as this process sees their pids; those it cannot see are left out.
   *
   * They are read through a new descriptor each time: a kept one of a v1 `cgroup.procs` repeats the list of its last
   * reader for up to a second.
   */
  processes(): number[] {
    const bytes = this.processList();
    return bytes === undefined ? [] : parseCgroupProcs(bytes);
  }

  /** The same as the kernel writes it, for comparison: one pid a line. */
  processList(): Bytes | undefined {
    if (this.gone) return undefined;
    const directory = this.#discoveryDirectory();
    // A threaded cgroup has no list of processes (ENOTSUP) but one of threads.
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

  /** Looks whether a cgroup that was gone is there again: its hierarchy may have been mounted anew. */
  lookAgain(): void {
    if (this.goneSince !== undefined && this.#isThere()) this.#goneSince = undefined;
  }

  /** Closes every descriptor. Reads answer `undefined` from now on. */
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
      // PSI that is switched off at boot (psi=0) opens and does not read, on kernels that do not hide it.
      this.#reader.release(descriptor);
      this.#noteMissing(controller, name);
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

  /** A missing file of a removed cgroup does not mean that the controller is off. */
  #noteIfGone(controller: Controller): void {
    if (this.#isThere()) return;
    // A cgroup known by its path alone may exist in the hierarchy of that controller only.
    const directory = this.#directoryIn(controller);
    const isElsewhere =
      this.#inode === undefined &&
      directory !== undefined &&
      statSync(directory, { throwIfNoEntry: false }) !== undefined;
    if (isElsewhere) return;
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
   * Whether to look again for missing files. A runtime makes a container's cgroups in one hierarchy after the other, and
   * controllers can come later than the cgroup: so in a young cgroup the next look is soon, and later ones are rarer.
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

const numbers = new Map<string, number>();

/** A small number for the name of a file, the same each time: cgroups have but some dozens of names among them. */
function numberOf(name: string): number {
  let known = numbers.get(name);
  if (known === undefined) {
    known = numbers.size;
    numbers.set(name, known);
  }
  return known;
}

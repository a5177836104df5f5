import { constants, readdirSync, statSync } from 'node:fs';
import type { Bytes } from './bytes.ts';
import type { CgroupLayout, Hierarchy } from './cgroup-layout.ts';
import { parseCgroupProcs } from './cgroup-procs.ts';
import { absentAsUndefined } from './errno.ts';
import { type FileReader, MISSING } from './file-reader.ts';

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

/** How long a file that was not there is taken to be still not there, at most. A controller can be switched on late. */
const MISSING_FOR_MS = 60_000;

/** The files of one cgroup in all hierarchies, read through descriptors that stay open until `close`. */
export class CgroupFiles {
  /** The path below the root of every hierarchy, such as `/docker/<id>`. */
  readonly path: string;
  readonly #reader: FileReader;
  readonly #layout: CgroupLayout;
  /** By the number of the file's name: thousands of small maps would be slow to look into, and large. */
  readonly #descriptors: (number | undefined)[] = [];
  readonly #knownSince = performance.now();
  #missingSince = 0;
  #gone = false;

  /** Use `KernelFiles.cgroup`. */
  constructor(reader: FileReader, layout: CgroupLayout, path: string) {
    this.#reader = reader;
    this.#layout = layout;
    this.path = path;
  }

  /** Whether the kernel has said that the cgroup was removed. Another one may have its path by now. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Whether a controller is on cgroup v1 or v2 here; `undefined` where the host has it nowhere. */
  versionOf(controller: Controller): 1 | 2 | undefined {
    return this.#hierarchy(controller)?.version;
  }

  /**
   * The content of a file such as `memory.stat`; `undefined` if it does not exist or the cgroup is gone.
   *
   * @throws the system error, with the name of the file, for anything but absence.
   */
  read(controller: Controller, name: string): Bytes | undefined {
    if (this.#gone) return undefined;
    const known = this.#descriptors[numberOf(name)];
    if (known === undefined) return this.#readFirst(controller, name);
    if (known === MISSING) {
      if (!this.#isMissingOld()) return undefined;
      this.#forgetMissing();
      return this.#readFirst(controller, name);
    }
    const bytes = this.#reader.readKept(known, name);
    // PSI files answer "not supported" while the cgroup lives on; all others only once it is removed.
    if (bytes === undefined && !name.endsWith('.pressure')) this.close();
    return bytes;
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

  /** The same as the kernel writes it, to be compared: one pid a line. */
  processList(): Bytes | undefined {
    if (this.#gone) return undefined;
    const directory = this.#discoveryDirectory();
    // A threaded cgroup has no list of processes (ENOTSUP) but one of threads.
    return this.#reader.readOnce(`${directory}/cgroup.procs`) ?? this.#reader.readOnce(`${directory}/cgroup.threads`);
  }

  /**
   * The names of the cgroups directly in this one. In kernfs a directory has 2 links and one more for each child: those of
   * a leaf, which most are, are not listed, as that would cost twenty times as much.
   */
  children(): string[] {
    const directory = this.#discoveryDirectory();
    const entries = absentAsUndefined(() =>
      statSync(directory).nlink === 2 ? [] : readdirSync(directory, { withFileTypes: true }),
    );
    return (entries ?? []).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  /** The names of the cgroup's files in the hierarchy of a controller. */
  list(controller: Controller): string[] {
    const hierarchy = this.#hierarchy(controller);
    if (this.#gone || hierarchy === undefined) return [];
    return absentAsUndefined(() => readdirSync(`${hierarchy.root}${this.path}`)) ?? [];
  }

  /** Lets go of every descriptor. Reads answer `undefined` from now on. */
  close(): void {
    this.#gone = true;
    for (const descriptor of this.#descriptors) {
      if (descriptor !== undefined && descriptor !== MISSING) this.#reader.release(descriptor);
    }
    this.#descriptors.length = 0;
  }

  #readFirst(controller: Controller, name: string): Bytes | undefined {
    const hierarchy = this.#hierarchy(controller);
    if (hierarchy === undefined) return undefined;
    const path = `${hierarchy.root}${this.path}/${name}`;
    const descriptor = this.#reader.acquire(path, constants.O_RDONLY);
    if (descriptor === undefined) {
      const bytes = this.#reader.readOnce(path);
      if (bytes === undefined && !this.#isThere()) this.close();
      return bytes;
    }
    if (descriptor === MISSING) {
      this.#noteMissing(name);
      return undefined;
    }
    this.#descriptors[numberOf(name)] = descriptor;
    return this.#reader.readKept(descriptor, path);
  }

  #discoveryDirectory(): string {
    return this.#layout.discovery.root + this.path;
  }

  #isThere(): boolean {
    return statSync(this.#discoveryDirectory(), { throwIfNoEntry: false }) !== undefined;
  }

  /** Of a cgroup that is gone itself nothing is missing: it is not the same as one without the controller. */
  #noteMissing(name: string): void {
    if (!this.#isThere()) {
      this.close();
      return;
    }
    if (this.#missingSince === 0) this.#missingSince = performance.now();
    this.#descriptors[numberOf(name)] = MISSING;
  }

  /**
   * Whether to look again for what was missing. A runtime makes a container's cgroups in one hierarchy after the other,
   * and controllers can come later than the cgroup: so in a young cgroup it is done soon, and less and less often then.
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

  #hierarchy(controller: Controller): Hierarchy | undefined {
    if (controller === 'unified') return this.#layout.unified;
    return this.#layout.hierarchyOf(controller);
  }
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

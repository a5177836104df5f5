import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
} from 'node:fs';
import type { CgroupLayout } from './cgroup-layout.ts';
import { parseCgroupProcs } from './cgroup-procs.ts';
import { absentAsUndefined, errnoOf, isAbsence, namePath } from './errno.ts';
import { ProcessFiles } from './process-files.ts';

/** Bytes of a kernel file. Valid only until the next read: the buffer behind them is reused. */
export type Bytes = Uint8Array;

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

/**
 * A seq_file read stops short of a page when the next record does not fit; those of cgroup files are far below half a page.
 */
const SURELY_COMPLETE = 2048;

/** The mark of a missing file in a table of descriptors. */
const MISSING = -1;

/**
 * The host's pseudo-files. They are read synchronously (an awaited read costs ten times as much) and, for cgroups,
 * through descriptors that stay open (`pread` at 0 makes the kernel render the file anew), up to a budget. Past the
 * budget a file is opened and closed for each read: slower, never wrong.
 */
export class KernelFiles {
  readonly procRoot: string;
  readonly layout: CgroupLayout;
  readonly #budget: number;
  readonly #numbers = new Map<string, number>();
  #open = 0;
  #buffer = Buffer.allocUnsafeSlow(64 * 1024);
  /** Of the buffer, by length: to make a view costs as much as to parse the few bytes that most files have. */
  readonly #views = Array.from<Bytes | undefined>({ length: SURELY_COMPLETE });

  constructor(options: { procRoot: string; layout: CgroupLayout; descriptorBudget: number }) {
    this.procRoot = options.procRoot;
    this.layout = options.layout;
    this.#budget = options.descriptorBudget;
  }

  /** How many descriptors are kept open now. */
  get open(): number {
    return this.#open;
  }

  /** The files of one cgroup. Close it when the cgroup is gone. */
  cgroup(path: string): CgroupFiles {
    return new CgroupFiles(this, path);
  }

  /** The files of one process; `undefined` if there is no such process. Close it when done. */
  process(pid: number): ProcessFiles | undefined {
    const directory = `${this.procRoot}/${pid}`;
    // With the directory open, a later look-up can only ever meet this process: a reused pid answers ESRCH.
    const descriptor = this.acquire(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    if (descriptor === MISSING) return undefined;
    return new ProcessFiles(this, pid, descriptor);
  }

  /** A file of the host such as `vmstat` or `sys/kernel/osrelease`, as text; `undefined` if absent. */
  proc(name: string): string | undefined {
    return absentAsUndefined(() => readFileSync(`${this.procRoot}/${name}`, 'utf8'));
  }

  /** The same as bytes. */
  procBytes(name: string): Bytes | undefined {
    return this.readOnce(`${this.procRoot}/${name}`);
  }

  /** What a link of the host's procfs such as `self/ns/mnt` points to; `undefined` if absent. */
  link(name: string): string | undefined {
    return absentAsUndefined(() => readlinkSync(`${this.procRoot}/${name}`));
  }

  /** Whether the host's procfs has a file. */
  hasProc(name: string): boolean {
    return absentAsUndefined(() => lstatSync(`${this.procRoot}/${name}`)) !== undefined;
  }

  /**
   * A small number for the name of a file, the same each time.
   *
   * @internal
   */
  numberOf(name: string): number {
    let known = this.#numbers.get(name);
    if (known === undefined) {
      known = this.#numbers.size;
      this.#numbers.set(name, known);
    }
    return known;
  }

  /**
   * Opens a file to be kept, or says why not: `MISSING` if it does not exist, `undefined` if the budget is used up.
   * For a directory over budget the answer is `undefined` as well.
   *
   * @internal
   */
  acquire(path: string, flags: number): number | undefined {
    if (this.#open >= this.#budget) return undefined;
    try {
      const descriptor = openSync(path, flags);
      this.#open += 1;
      return descriptor;
    } catch (error) {
      if (isAbsence(error)) return MISSING;
      // Another part of the process took what the budget counted on.
      if (errnoOf(error) === 'EMFILE' || errnoOf(error) === 'ENFILE') return undefined;
      throw error;
    }
  }

  /** @internal */
  release(descriptor: number): void {
    closeSync(descriptor);
    this.#open -= 1;
  }

  /**
   * Reads a kept descriptor from the start; `undefined` if what it showed is gone.
   *
   * @internal
   */
  readKept(descriptor: number, path: string, complete = SURELY_COMPLETE): Bytes | undefined {
    try {
      return this.#readAll(descriptor, complete);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw namePath(error, path);
    }
  }

  /**
   * Opens, reads and closes; `undefined` if absent. Files with long records want 0 for `complete`: a read that was shorter
   * than that is taken for all there is.
   *
   * @internal
   */
  readOnce(path: string, complete = SURELY_COMPLETE): Bytes | undefined {
    let descriptor: number;
    try {
      descriptor = openSync(path, constants.O_RDONLY);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
    try {
      return this.readKept(descriptor, path, complete);
    } finally {
      closeSync(descriptor);
    }
  }

  #readAll(descriptor: number, complete: number): Bytes {
    let length = readSync(descriptor, this.#buffer, 0, this.#buffer.length, 0);
    if (length < complete || length === 0) return (this.#views[length] ??= this.#buffer.subarray(0, length));
    for (;;) {
      if (length === this.#buffer.length) {
        const larger = Buffer.allocUnsafeSlow(this.#buffer.length * 2);
        larger.set(this.#buffer);
        this.#buffer = larger;
        this.#views.fill(undefined);
      }
      const more = readSync(descriptor, this.#buffer, length, this.#buffer.length - length, length);
      if (more === 0) return this.#buffer.subarray(0, length);
      length += more;
    }
  }
}

/** The files of one cgroup in all hierarchies, read through descriptors that stay open until `close`. */
export class CgroupFiles {
  /** The path below the root of every hierarchy, such as `/docker/<id>`. */
  readonly path: string;
  readonly #files: KernelFiles;
  /** By the number that `KernelFiles` gives a name: thousands of small maps would be slow to look into, and large. */
  readonly #descriptors: (number | undefined)[] = [];
  readonly #knownSince = performance.now();
  #missingSince = 0;
  #gone = false;

  /** Use {@link KernelFiles.cgroup}. */
  constructor(files: KernelFiles, path: string) {
    this.path = path;
    this.#files = files;
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
   * @throws the system error, with the path, for anything but absence.
   */
  read(controller: Controller, name: string): Bytes | undefined {
    if (this.#gone) return undefined;
    const known = this.#descriptors[this.#files.numberOf(name)];
    if (known === undefined) return this.#readFirst(controller, name);
    if (known === MISSING) {
      if (!this.#isMissingOld()) return undefined;
      this.#forgetMissing();
      return this.#readFirst(controller, name);
    }
    const bytes = this.#files.readKept(known, name);
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
    return this.#files.readOnce(`${directory}/cgroup.procs`) ?? this.#files.readOnce(`${directory}/cgroup.threads`);
  }

  /** The names of the cgroups directly in this one. */
  children(): string[] {
    const entries = absentAsUndefined(() => readdirSync(this.#discoveryDirectory(), { withFileTypes: true })) ?? [];
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
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
      if (descriptor !== undefined && descriptor !== MISSING) this.#files.release(descriptor);
    }
    this.#descriptors.length = 0;
  }

  #readFirst(controller: Controller, name: string): Bytes | undefined {
    const hierarchy = this.#hierarchy(controller);
    if (hierarchy === undefined) return undefined;
    const path = `${hierarchy.root}${this.path}/${name}`;
    const descriptor = this.#files.acquire(path, constants.O_RDONLY);
    if (descriptor === undefined) {
      const bytes = this.#files.readOnce(path);
      if (bytes === undefined && !this.#isThere()) this.close();
      return bytes;
    }
    if (descriptor === MISSING) {
      this.#noteMissing(name);
      return undefined;
    }
    this.#descriptors[this.#files.numberOf(name)] = descriptor;
    return this.#files.readKept(descriptor, path);
  }

  #discoveryDirectory(): string {
    return this.#files.layout.discovery.root + this.path;
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
    this.#descriptors[this.#files.numberOf(name)] = MISSING;
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

  #hierarchy(controller: Controller): { readonly root: string; readonly version: 1 | 2 } | undefined {
    if (controller === 'unified') return this.#files.layout.unified;
    return this.#files.layout.hierarchyOf(controller);
  }
}

import { statSync } from 'node:fs';
import type { ContainerCgroup } from '../container.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import type { Log } from '../log.ts';
import type { ContainerRecord } from './container-record.ts';
import type { ContainerRecords } from './container-records.ts';
import { type Counters, readHostKills, type Reading } from './counters.ts';

/** The counters of containers at one moment. */
export interface CounterSnapshot {
  /** The host's total; `undefined` where the kernel has none, or it could not be read. */
  readonly hostKills: number | undefined;
  /** Kills on the host since the last snapshot. */
  readonly newKills: number;
  /** There was none before, so its kills may have happened at any time. */
  readonly isFirst: boolean;
  readonly readings: readonly (readonly [ContainerRecord, Reading])[];
  /** The counters of the cgroups above containers, by path; `undefined` if they were not needed. */
  readonly parents: ReadonlyMap<string, number> | undefined;
}

/**
 * Reads the counters of containers as they are at one moment: between two readings of the host's total with the same
 * result. As long as the total does not change, it reads only the counters of new containers.
 */
export class CounterSnapshots {
  readonly #kernel: KernelFiles;
  readonly #counters: Counters | undefined;
  readonly #records: ContainerRecords;
  readonly #log: Pick<Log, 'warn'>;
  /** Containers whose counter was never read. */
  readonly #unread = new Set<ContainerCgroup>();
  #hostKills: number | undefined;
  #up = false;
  #failureLogged = false;

  constructor(options: {
    readonly kernel: KernelFiles;
    /** `undefined`: the kernel has none. */
    readonly counters: Counters | undefined;
    readonly records: ContainerRecords;
    readonly log: Pick<Log, 'warn'>;
  }) {
    this.#kernel = options.kernel;
    this.#counters = options.counters;
    this.#records = options.records;
    this.#log = options.log;
  }

  /** Whether the last reading of the host's total succeeded. */
  get up(): boolean {
    return this.#up;
  }

  /** The host's total at the last snapshot; `undefined` before the first, and where the kernel has none. */
  get hostKills(): number | undefined {
    return this.#hostKills;
  }

  /** Whether there were kills on the host since the last snapshot. */
  get areOutdated(): boolean {
    const total = this.#readTotal();
    return total !== undefined && total !== this.#hostKills;
  }

  appeared(cgroup: ContainerCgroup): void {
    this.#unread.add(cgroup);
  }

  removed(cgroup: ContainerCgroup): void {
    this.#unread.delete(cgroup);
  }

  /**
   * Takes a snapshot.
   *
   * @param parents the cgroups above containers whose counters are needed as well.
   * @returns `changed` if there was a kill while it read; `unreadable` if the host's total cannot be read any more.
   */
  take(parents: () => ReadonlySet<string>): CounterSnapshot | 'changed' | 'unreadable' {
    const before = this.#readTotal();
    if (before === undefined && this.#hostKills !== undefined) return 'unreadable';
    const hasChanged = before === undefined || before !== this.#hostKills;
    const records = hasChanged ? [...this.#records.live] : this.#unreadRecords();
    const readings = records.map((record) => [record, this.#readOwn(record)] as const);
    const above = hasChanged && this.#counters?.scope === 'below' ? this.#readParents(parents()) : undefined;
    if (records.length > 0 && this.#readTotal() !== before) return 'changed';
    const snapshot = {
      hostKills: before,
      newKills: (before ?? 0) - (this.#hostKills ?? before ?? 0),
      isFirst: this.#hostKills === undefined,
      readings,
      parents: above,
    };
    this.#unread.clear();
    this.#hostKills = before;
    return snapshot;
  }

  /** The cgroups directly in one, or why they cannot be listed. */
  childrenOf(path: string): readonly string[] | Error {
    return this.#counters?.childrenOf(path) ?? [];
  }

  /** A failure is logged once. It stops neither scrapes nor the daemon. */
  #readTotal(): number | undefined {
    try {
      const total = readHostKills(this.#kernel);
      this.#up = total !== undefined;
      this.#failureLogged = false;
      return total;
    } catch (error) {
      if (!this.#failureLogged) this.#log.warn({ error }, 'cannot read the number of OOM kills on the host');
      this.#up = false;
      this.#failureLogged = true;
      return undefined;
    }
  }

  #unreadRecords(): ContainerRecord[] {
    return [...this.#unread].flatMap((cgroup) => this.#records.of(cgroup) ?? []);
  }

  /** Another container may have taken the path before discovery noticed. Its counter says nothing about this one. */
  #readOwn(record: ContainerRecord): Reading {
    const reading = this.#read(record.path);
    return isNews(record, reading) && this.#isReplaced(record) ? undefined : reading;
  }

  #isReplaced({ path, inode }: ContainerRecord): boolean {
    return (inodeOf(this.#kernel, path) ?? inode) !== inode;
  }

  #readParents(paths: ReadonlySet<string>): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const path of paths) {
      const reading = this.#read(path);
      const kills = reading instanceof Map ? reading.get(path) : undefined;
      if (typeof kills === 'number') found.set(path, kills);
    }
    return found;
  }

  #read(path: string): Reading {
    return this.#counters?.read(path, (inner) => this.#records.at(inner) !== undefined);
  }
}

/** Whether a counter differs from its last reading. */
function isNews({ counts }: ContainerRecord, reading: Reading): boolean {
  return reading instanceof Map && [...reading].some(([path, kills]) => kills !== (counts.get(path)?.fromCounter ?? 0));
}

/**
 * The inode of the cgroup at a path, in the hierarchy in which containers are discovered; `undefined` if it is gone or
 * cannot be looked at.
 */
export function inodeOf({ layout }: KernelFiles, path: string): number | undefined {
  try {
    return statSync(layout.discovery.root + path).ino;
  } catch {
    return undefined;
  }
}

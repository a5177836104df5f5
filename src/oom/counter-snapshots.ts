import { statSync } from 'node:fs';
import type { ContainerCgroup } from '../container.ts';
import type { KeptFile } from '../kernel/kept-file.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { parentOf } from '../kernel/paths.ts';
import { oomKillsIn, VMSTAT_COMPLETE } from '../kernel/vmstat.ts';
import type { Log } from '../log.ts';
import type { ContainerRecord, KillsAndGroups } from './container-record.ts';
import type { ContainerRecords } from './container-records.ts';
import type { CounterReading, Counters, Reading } from './counters.ts';
import type { GroupKills } from './event-count.ts';

/** The counters of a container, and whether its processes are killed together. */
export interface ContainerReading {
  readonly record: ContainerRecord;
  readonly reading: Reading;
  /** `undefined`: it was not read, because nothing has changed since the last read, or there are no groups. */
  readonly groupSetting: GroupKills['set'] | undefined;
}

/** The counters of containers at one moment. */
export interface CounterSnapshot {
  /** This is the first snapshot, so its kills may have happened at any time. */
  readonly isFirst: boolean;
  readonly readings: readonly ContainerReading[];
  /** The counters of the cgroups above containers, by path; `undefined` if they were not needed. */
  readonly parents: ReadonlyMap<string, KillsAndGroups> | undefined;
}

/**
 * Reads the counters of all containers as of one moment: between two readings of the host's total that gave the same
 * value. As long as the total does not change, it reads only the counters of new containers.
 */
export class CounterSnapshots implements Disposable {
  readonly #kernel: KernelFiles;
  readonly #vmstat: KeptFile;
  readonly #counters: Counters | undefined;
  readonly #records: ContainerRecords;
  readonly #isContainer: (path: string) => boolean;
  readonly #log: Pick<Log, 'warn'>;
  /** Containers whose memory cgroup was not found so far. */
  readonly #unread = new Set<ContainerCgroup>();
  #hostKills: number | undefined;
  #up = false;
  #failureLogged = false;

  constructor(options: {
    readonly kernel: KernelFiles;
    /** `undefined`: the kernel has none. */
    readonly counters: Counters | undefined;
    readonly records: ContainerRecords;
    /** Whether a cgroup is a container by its path alone, so that discovery will find it. */
    readonly isContainer: (path: string) => boolean;
    readonly log: Pick<Log, 'warn'>;
  }) {
    this.#kernel = options.kernel;
    this.#vmstat = options.kernel.kept('vmstat', VMSTAT_COMPLETE);
    this.#counters = options.counters;
    this.#records = options.records;
    this.#isContainer = options.isContainer;
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

  /**
   * Reads the host's total.
   *
   * @returns how many kills there were since the last snapshot; 0 also if unknown.
   */
  readNewKills(): number {
    const total = this.#readTotal();
    return total === undefined ? 0 : total - (this.#hostKills ?? 0);
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
   * @param parents the cgroups above containers whose counters are needed as well, by whether the host's total has changed.
   * @returns `changed` if there was a kill while it read; `unreadable` if the host's total cannot be read any more.
   */
  take(parents: (isNews: boolean) => ReadonlySet<string>): CounterSnapshot | 'changed' | 'unreadable' {
    const before = this.#readTotal();
    if (before === undefined && this.#hostKills !== undefined) return 'unreadable';
    const hasChanged = before === undefined || before !== this.#hostKills;
    const readings = this.read(hasChanged ? this.#records.live : this.#unreadRecords());
    const above = this.#readParents(this.#counters?.scope === 'below' ? parents(hasChanged) : new Set());
    if (readings.length + above.size > 0 && this.#readTotal() !== before) return 'changed';
    const isFirst = this.#hostKills === undefined;
    this.#forgetRead(readings);
    this.#hostKills = before;
    return { isFirst, readings, parents: hasChanged || above.size > 0 ? above : undefined };
  }

  /** Reads the counters of some containers one after the other, so not of the same moment. Reads outer containers first. */
  read(records: Iterable<ContainerRecord>): ContainerReading[] {
    return Array.from(records, (record) => {
      const { path } = record;
      const reading = this.#read(path);
      if (!isCounters(reading) || !isNews(record, reading)) {
        return { record, reading, groupSetting: undefined };
      }
      // Another container may have taken the path before discovery noticed. Its counter says nothing about this one.
      if (this.#isReplaced(record)) return { record, reading: undefined, groupSetting: undefined };
      return { record, reading, groupSetting: this.#counters?.groupSetting(path) };
    });
  }

  /** The kills in the cgroup above a container, and below it; `undefined` if its counter does not tell. */
  above({ path }: ContainerCgroup): KillsAndGroups | undefined {
    if (this.#counters?.scope !== 'below') return undefined;
    const parent = parentOf(path);
    return this.#readParents(new Set([parent])).get(parent);
  }

  /** The cgroups directly in a cgroup, or why they cannot be listed. */
  childrenOf(path: string): readonly string[] | Error {
    return this.#counters?.childrenOf(path) ?? [];
  }

  [Symbol.dispose](): void {
    this.#vmstat[Symbol.dispose]();
  }

  /** A failure is logged once. It stops neither scrapes nor the daemon. */
  #readTotal(): number | undefined {
    try {
      const bytes = this.#vmstat.read();
      const total = bytes === undefined ? undefined : oomKillsIn(bytes);
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

  /**
   * Keeps missing cgroups for another try: a runtime may create them later in the memory hierarchy than in that of discovery. Also
   * those that could not be read, because the cause may pass before the next kill.
   */
  #forgetRead(readings: readonly ContainerReading[]): void {
    const missing = new Set(
      readings.flatMap(({ record, reading }) => (reading === undefined || reading instanceof Error ? record : [])),
    );
    for (const cgroup of this.#unread) {
      const record = this.#records.of(cgroup);
      if (record === undefined || !missing.has(record)) this.#unread.delete(cgroup);
    }
  }

  #isReplaced({ path, inode }: ContainerRecord): boolean {
    return (inodeOf(this.#kernel, path) ?? inode) !== inode;
  }

  #readParents(paths: ReadonlySet<string>): ReadonlyMap<string, KillsAndGroups> {
    const found = new Map<string, KillsAndGroups>();
    for (const path of paths) {
      const reading = this.#read(path);
      const kills = isCounters(reading) ? reading.kills.get(path) : undefined;
      if (isCounters(reading) && kills !== undefined) found.set(path, { kills, groups: reading.groups });
    }
    return found;
  }

  #read(path: string): Reading {
    return this.#counters?.read(path, (inner) => this.#records.at(inner) !== undefined || this.#isContainer(inner));
  }
}

function isCounters(reading: Reading): reading is CounterReading {
  return reading !== undefined && reading !== 'uncounted' && !(reading instanceof Error);
}

/** Whether a counter differs from its last reading. */
function isNews({ sources, groups }: ContainerRecord, reading: CounterReading): boolean {
  if (reading.groups !== undefined && reading.groups !== (groups?.count ?? 0)) return true;
  // Where the kernel does not count groups, only the setting tells, and the container may be gone after its first kill.
  if (reading.groups === undefined && groups === undefined) return true;
  for (const [path, kills] of reading.kills) if (kills !== sources.counterOf(path)) return true;
  return false;
}

/**
 * The inode of the cgroup at a path, in the hierarchy in which containers are discovered; `undefined` if it is gone or
 * cannot be read.
 */
export function inodeOf({ layout }: KernelFiles, path: string): number | undefined {
  try {
    return statSync(layout.discovery.root + path).ino;
  } catch {
    return undefined;
  }
}

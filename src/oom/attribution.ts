import type { CgroupMatch, ContainerCgroup } from '../container.ts';
import {
  type ContainerRecord,
  type CounterScope,
  countsOf,
  foldRemovedCgroups,
  type KmsgKill,
  settleRecord,
} from './container-record.ts';
import type { ContainerRecords } from './container-records.ts';
import { isComplete, type Reading } from './counters.ts';
import { ParentCounterDelta } from './parent-counter-delta.ts';

/** What attribution needs to know about cgroups. */
export interface AttributionOptions {
  readonly records: ContainerRecords;
  readonly counters: CounterScope;
  /** Which container a cgroup is, or is inside of, by its path alone; `undefined` if it is not in one for sure. */
  readonly identify: (path: string) => (CgroupMatch & { readonly cgroup: string }) | undefined;
  /** The inode of the cgroup that is at a path now; `undefined` if there is none. */
  readonly inodeOf: (path: string) => number | undefined;
}

/**
 * Finds the container of each kill. It brings the kernel's counters and its log together, so that each kill counts once
 * whichever of them reports it. It reads nothing itself. All times are in seconds by the steady clock.
 */
export class Attribution {
  readonly #options: AttributionOptions;
  readonly #records: ContainerRecords;
  readonly #parentDelta = new ParentCounterDelta();
  /** Some source reported something that is not in the kills of the records yet. */
  #unsettled = false;

  constructor(options: AttributionOptions) {
    this.#options = options;
    this.#records = options.records;
  }

  /** Adds a container that discovery has found. */
  appeared(cgroup: ContainerCgroup): void {
    const kept = this.#records.at(cgroup.path);
    // Known from an earlier run of the exporter, or the kernel's log named it before discovery saw it.
    const isSame = kept !== undefined && (kept.inode ?? cgroup.inode) === cgroup.inode && this.#records.isRemoved(kept);
    if (isSame) this.#records.revive(kept, cgroup);
    else this.#records.add(cgroup);
  }

  /**
   * Marks a container as removed. All that the kernel's log reported until then must have been taken in.
   *
   * @returns its record; `undefined` if the container was not known.
   */
  removed(cgroup: ContainerCgroup, now: number): ContainerRecord | undefined {
    const record = this.#records.remove(cgroup, now);
    if (record === undefined) return undefined;
    settleRecord(record, this.#options.counters, now);
    this.#parentDelta.noteRemoved(record);
    return record;
  }

  /** Takes in a kill that the kernel's log reports. Ignores kills outside containers. */
  fromKmsg(kill: KmsgKill): void {
    const { cgroup, at } = kill;
    if (cgroup === undefined) return;
    const record = this.#containerOf(cgroup, at);
    if (record === undefined) return;
    this.#unsettled = true;
    // A counter that includes the cgroups below is matched with all reports from below.
    countsOf(record, this.#options.counters === 'own' ? cgroup : record.path).fromKmsg += 1;
    record.unlogged.push(kill);
    record.lastKill = Math.max(record.lastKill ?? 0, at);
  }

  /** Takes in the counters of a container, by cgroup, or why they could not be read. */
  fromCounter(record: ContainerRecord, reading: Reading): void {
    record.error = reading instanceof Error ? reading : undefined;
    if (reading === undefined || reading instanceof Error) return;
    record.counted = true;
    this.#unsettled = true;
    if (reading.has(record.path) && isComplete(reading)) foldRemovedCgroups(record, (cgroup) => reading.has(cgroup));
    for (const [path, kills] of reading) {
      // Few of the cgroups inside a container ever have a kill.
      if (kills === 0) continue;
      const counts = countsOf(record, path);
      counts.fromCounter = Math.max(counts.fromCounter, kills);
    }
  }

  /**
   * Adds what the sources reported to the kills of the records. The counters must have been read between two moments at
   * which the host had the same number of kills; otherwise one counter could include a kill that another one misses.
   *
   * @param at when kills that only counters know may have happened; `undefined`: nobody knows.
   */
  settle(at: number | undefined): void {
    if (!this.#unsettled) return;
    this.#unsettled = false;
    // Inner containers first: their kills are not those of the outer one.
    for (const record of this.#records.all().toSorted((a, b) => b.path.length - a.path.length)) {
      settleRecord(record, this.#options.counters, at);
    }
  }

  /** The cgroups above containers whose counters can tell of a kill that no other source has reported. */
  parents(): ReadonlySet<string> {
    return this.#parentDelta.parents(this.#records.live);
  }

  /**
   * Takes in the counters of {@link parents}, read at the same moment as the containers', after {@link settle}.
   *
   * @param childrenOf the cgroups in a cgroup, or why they cannot be listed.
   */
  settleParents(
    counts: ReadonlyMap<string, number>,
    childrenOf: (path: string) => readonly string[] | Error,
    at: number,
  ): void {
    const holdsOthers = (path: string): boolean => {
      const children = childrenOf(path);
      return children instanceof Error || children.some((child) => this.#records.at(child) === undefined);
    };
    for (const [record, kills] of this.#parentDelta.settle(counts, this.#records.all(), holdsOthers)) {
      countsOf(record, record.path).fromKmsg += kills;
      settleRecord(record, this.#options.counters, at);
      record.lastKill = at;
    }
  }

  /** Drops the record of a removed container. Its kills must be archived before. */
  drop(record: ContainerRecord): void {
    this.#records.drop(record);
    this.#parentDelta.drop(record);
  }

  /** The innermost container that a cgroup is, or is inside of. It may have come and gone before discovery saw it. */
  #containerOf(cgroup: string, at: number): ContainerRecord | undefined {
    const known = this.#records.innermostAt(cgroup);
    const match = this.#options.identify(cgroup);
    if (match === undefined || match.infra || match.cgroup.length <= (known?.path.length ?? 0)) {
      return known === undefined ? undefined : this.#current(known, at);
    }
    return this.#records.addRemoved({ match, path: match.cgroup, inode: undefined, removedAt: at });
  }

  /** The record itself, or a new one for the container that has taken its path and that discovery has not seen yet. */
  #current(record: ContainerRecord, at: number): ContainerRecord {
    const inode = record.inode === undefined ? undefined : this.#options.inodeOf(record.path);
    if (inode === undefined || inode === record.inode) return record;
    return this.#records.addRemoved({ match: record.match, path: record.path, inode, removedAt: at });
  }
}

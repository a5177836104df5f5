import type { ContainerCgroup } from '../container.ts';
import type { OomEvent } from '../kernel/oom-events.ts';
import {
  addToCounter,
  type ContainerRecord,
  groupKills,
  type KillsAndGroups,
  type KmsgKill,
  settleRecord,
  unreportedKills,
} from './container-record.ts';
import type { ContainerRecords } from './container-records.ts';
import type { ContainerReading } from './counter-snapshots.ts';
import { isComplete } from './counters.ts';
import { isAtOrBelow, parentOf } from '../kernel/paths.ts';
import { GroupMembers } from './group-members.ts';
import type { ProcessPlace } from './container-processes.ts';
import { ParentCounterDelta, type SeenCgroups } from './parent-counter-delta.ts';
import { CLOCK_SLACK_S, RecordFinder, type RecordFinderOptions } from './record-finder.ts';
import { UnplacedKills } from './unplaced-kills.ts';

/** What attribution needs to know about cgroups. */
export interface AttributionOptions extends SeenCgroups, RecordFinderOptions {
  /** Converts a path from the kernel's log to the hierarchy in which containers are discovered. */
  readonly discoveryPathOf: (logged: string) => string;
  /** When discovery noticed a container. */
  readonly noticedAt: (container: ContainerCgroup) => number;
}

/**
 * Finds the container of each kill. It combines the kernel's counters and its log, so that each kill counts once, whether one
 * of them reports it or both. It reads nothing itself. All times are in seconds by the steady clock.
 */
export class Attribution {
  /** What the counters above containers tell. */
  readonly above: ParentCounterDelta;
  readonly #options: AttributionOptions;
  readonly #records: ContainerRecords;
  /** Records with reports that their number of kills does not include yet. */
  #unsettled = new Set<ContainerRecord>();
  #changed = new Set<ContainerRecord>();
  /** The containers that each OOM event has killed in. */
  readonly #eventsIn = new WeakMap<OomEvent, Set<ContainerRecord>>();
  readonly #members: GroupMembers;
  readonly #unplaced = new UnplacedKills();
  readonly #finder: RecordFinder;

  constructor(options: AttributionOptions) {
    this.#options = options;
    this.#records = options.records;
    this.#finder = new RecordFinder(options);
    this.above = new ParentCounterDelta(options);
    this.#members = new GroupMembers({
      contains: (group, { cgroup, container }, begunAt) => {
        if (!isAtOrBelow(cgroup, options.discoveryPathOf(group))) return 'no';
        // The container may be another one that has taken the path.
        return options.noticedAt(container) < begunAt - CLOCK_SLACK_S ? 'yes' : 'unknown';
      },
      unreportedKills: (group) => this.#unreportedIn(options.discoveryPathOf(group)),
    });
  }

  /**
   * Adds a container that discovery has found.
   *
   * @param when `found`: the container existed before the daemon.
   */
  appeared(cgroup: ContainerCgroup, when: 'found' | 'started'): void {
    const kept = this.#records.at(cgroup.path);
    // Known from an earlier run of the exporter, or the kernel's log named it before discovery saw it.
    const isSame = kept !== undefined && (kept.inode ?? cgroup.inode) === cgroup.inode && this.#records.isRemoved(kept);
    if (isSame) this.#records.revive(kept, cgroup);
    else {
      // Another container may have taken the path of the one around it, and discovery finds it later.
      const outer = this.#records.innermostAt(parentOf(cgroup.path));
      if (outer !== undefined) this.#finder.latest(outer, this.#options.noticedAt(cgroup));
      this.#records.add(cgroup);
    }
    const record = this.#records.of(cgroup);
    if (record !== undefined) record.isFromBefore = when === 'found';
  }

  /** The records of an earlier run were restored. It may have ended before it had counted all of their kills as events. */
  restored(): void {
    for (const record of this.#records.all()) this.#unsettled.add(record);
  }

  /**
   * Marks a container as removed. Before the call, add everything that the kernel's log has reported.
   *
   * @returns its record; `undefined` if the container was not known.
   */
  removed(cgroup: ContainerCgroup, now: number, isLogUnread = false): ContainerRecord | undefined {
    const record = this.#records.remove(cgroup, now);
    if (record === undefined) return undefined;
    // In a burst the log has not been read just now.
    settleRecord(record, this.#options.counters, { at: now, isLogUnread });
    if (record.kills > 0) this.#changed.add(record);
    // On v1 no other source will show a kill in it: each cgroup has its own count.
    if (this.#options.counters === 'own') return record;
    this.#unsettled.add(record);
    this.above.noteRemoved(record);
    return record;
  }

  /**
   * Adds a kill that the kernel's log reports. Ignores kills outside containers.
   *
   * @param seenIn where the process was last seen.
   */
  fromKmsg(kill: KmsgKill, seenIn: ProcessPlace | undefined): void {
    const readAt = performance.now();
    for (const decided of this.#members.add(kill, seenIn, readAt)) {
      const isPlaced = this.#report(decided.kill, decided.seenIn) || decided.kill.cgroup !== undefined;
      if (!isPlaced) this.#unplaced.add(decided.kill, readAt);
    }
  }

  /** Adds the counters of a container, or the reason why they could not be read. `now` is in seconds by the steady clock. */
  fromCounter({ record, reading, groupSetting }: ContainerReading, now: number): void {
    record.error = reading instanceof Error ? reading : undefined;
    if (reading === undefined || reading instanceof Error) return;
    record.memoryCgroup = reading === 'uncounted' ? reading : 'counted';
    if (reading === 'uncounted') return;
    this.#unsettled.add(record);
    const { kills, groups } = reading;
    if (kills.has(record.path) && isComplete(reading)) record.sources.foldRemoved((cgroup) => kills.has(cgroup), now);
    for (const [path, count] of kills) record.sources.count(path, count);
    if (groupSetting !== undefined || groups !== undefined) {
      record.groups = { count: groups, set: groupSetting ?? record.groups?.set ?? 'unknown' };
    }
  }

  /**
   * Adds what the sources reported to the kills of the records. The counters must have been read between two moments at
   * which the host had the same number of kills; otherwise one counter could include a kill that another one misses.
   *
   * @param at when kills that only counters know may have happened; `undefined`: unknown.
   */
  settle(at: number | undefined, isLogUnread = false): void {
    const left = new Set<ContainerRecord>();
    this.#placeLate();
    for (const record of this.#unsettled) if (record.outer !== undefined) this.#unsettled.add(record.outer);
    // Settle inner containers first: their kills do not count for the outer container.
    for (const record of [...this.#unsettled].toSorted((a, b) => b.path.length - a.path.length)) {
      settleRecord(record, this.#options.counters, { at: record.isFromBefore ? undefined : at, isLogUnread });
      if (isLogUnread) left.add(record);
      if (record.memoryCgroup !== 'unknown') record.isFromBefore = false;
      if (record.kills > 0) this.#changed.add(record);
    }
    this.#unsettled = left;
  }

  /** Whether a removed container can still turn out to have had a kill. */
  isWaitingFor(record: ContainerRecord): boolean {
    return this.#unsettled.has(record) || this.above.isWaitingFor(record);
  }

  /** Whether the kills of a record include all that the sources have reported. */
  isSettled(record: ContainerRecord): boolean {
    return !this.#unsettled.has(record);
  }

  /** The records with kills that were settled since the last call. */
  takeChanged(): ReadonlySet<ContainerRecord> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  /**
   * Adds the counters above containers: see {@link ParentCounterDelta.settle} for the arguments. Call it after {@link settle}.
   */
  settleParents(
    counts: ReadonlyMap<string, KillsAndGroups>,
    childrenOf: (path: string) => readonly string[] | Error,
    at: number,
  ): void {
    for (const [record, news] of this.above.settle(counts, childrenOf, at)) {
      addToCounter(record, news);
      settleRecord(record, this.#options.counters, { at, isLogUnread: false });
      this.#changed.add(record);
    }
  }

  /** Drops the record of a removed container. Archive its kills first. */
  drop(record: ContainerRecord): void {
    // No later report will explain its kills.
    record.events.releaseNow(groupKills(record, this.#options.counters));
    this.above.drop(record);
    this.#records.drop(record);
    this.#unsettled.delete(record);
  }

  /** Adds a kill to the record of its container. Returns whether it found one. */
  #report(kill: KmsgKill, seenIn: ProcessPlace | undefined): boolean {
    const { event, at } = kill;
    const logged = kill.cgroup ?? event.group;
    const named = logged === undefined ? undefined : this.#options.discoveryPathOf(logged);
    const own = named === undefined ? undefined : this.#finder.of(named, at);
    const isGroup = logged !== undefined && logged === event.group;
    // Several containers can have had the same path, one after the other.
    const isSeen =
      seenIn !== undefined && (isVague(named, isGroup, seenIn.cgroup) || own?.path === seenIn.container.path);
    const record = isSeen ? this.#finder.seenAt(seenIn, at) : own;
    if (record === undefined) return false;
    // A counter that includes the cgroups below is matched with all reports from below. A process may have moved to another
    // cgroup of the container since it was seen.
    const place = this.#options.counters === 'below' ? record.path : record === own ? named : undefined;
    record.sources.report(place, at);
    record.lastKill = Math.max(record.lastKill ?? 0, at);
    this.#unsettled.add(record);
    this.#noteEvent(record, kill);
    return true;
  }

  #noteEvent(record: ContainerRecord, kill: KmsgKill): void {
    const { event } = kill;
    const known = this.#eventsIn.get(event) ?? new Set();
    this.#eventsIn.set(event, known);
    const isContinued = known.has(record);
    known.add(record);
    if (!isContinued) record.events.report(event);
    const readAt = performance.now();
    const open = record.unlogged.find((unlogged) => unlogged.event === event);
    if (open === undefined) {
      record.unlogged.push({ event, kills: [kill], isContinued, readAt });
    } else {
      open.kills.push(kill);
      open.readAt = readAt;
    }
  }

  /** Attributes kills without a report of their own, once the kernel has named their group. */
  #placeLate(): void {
    const now = performance.now();
    for (const { kill, seenIn } of this.#members.settle(now)) this.#report(kill, seenIn);
    for (const kill of this.#unplaced.take(now)) this.#report(kill, undefined);
  }

  #unreportedIn(cgroup: string): number {
    const record = this.#records.innermostAt(cgroup);
    return record === undefined ? 0 : unreportedKills(record, this.#options.counters);
  }
}

/**
 * Whether the cgroup that the kernel names for a kill is too vague to show the container. Then the cgroup in which the process
 * was seen counts. A named group may be a pod, or have containers inside. Without the memory controller, `/` is all
 * that is known.
 */
function isVague(named: string | undefined, isGroup: boolean, seenIn: string): boolean {
  if (named === undefined || named === '/') return true;
  return isGroup && seenIn.startsWith(`${named}/`);
}

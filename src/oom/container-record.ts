import type { CgroupMatch, Labels } from '../container.ts';
import type { OomEvent } from '../kernel/oom-events.ts';
import type { OomVictim } from '../kernel/oom-report.ts';
import { EventCount, type GroupKills } from './event-count.ts';
import { KillSources } from './kill-sources.ts';

/** A kill that the kernel's log reports. */
export interface KmsgKill extends OomVictim {
  /** Seconds by the steady clock, like all times in this file. */
  readonly at: number;
  /** The kill happened before this daemon started. */
  readonly beforeStart: boolean;
}

/** What a cgroup's counter counts: its own kills (cgroup v1), or also those in the cgroups below it (v2). */
export type CounterScope = 'own' | 'below';

/** The counts of a cgroup and those below it. */
export interface KillsAndGroups {
  readonly kills: number;
  /** Groups of processes killed together; `undefined` before Linux 5.17. */
  readonly groups: number | undefined;
}

/** The labels of a container. */
export interface NamedLabels {
  readonly labels: Labels;
  /** Whether an engine provided the name. If not, the id replaces it until the name arrives. */
  readonly named: boolean;
}

/** An OOM event in a container that the exporter's own log does not show yet. */
export interface UnloggedEvent {
  readonly event: OomEvent;
  /** The kills of the event in this container, in the order of the kernel's log. */
  readonly kills: KmsgKill[];
  /** The exporter has already logged a line about earlier kills of this event. */
  readonly isContinued: boolean;
  /** When the last of these kills was read, in ms of `performance.now()`. */
  readAt: number;
}

/** What is known about the kills of one container, from the creation of its cgroup until its kills are archived. */
export interface ContainerRecord {
  match: CgroupMatch;
  readonly path: string;
  /** `undefined`: discovery never saw the cgroup. The path comes from the kernel's log. */
  inode: number | undefined;
  readonly sources: KillSources;
  readonly events: EventCount;
  /** What counters last showed about groups; `undefined` on cgroup v1, and before they were read. */
  groups: GroupKills | undefined;
  /** The containers inside this one. On v2 the counter of this one includes their kills. */
  readonly inner: Set<ContainerRecord>;
  /** Kills of inner containers whose records are archived. */
  archivedInnerKills: number;
  /** The container around this one. */
  outer: ContainerRecord | undefined;
  /** The container's own kills. Never falls. */
  kills: number;
  /**
   * Whether the container has a cgroup in the memory hierarchy, and the kernel counts kills in it. Without one, the
   * kernel's log names another cgroup, so its kills cannot be identified.
   */
  memoryCgroup: 'counted' | 'uncounted' | 'unknown';
  /** It existed before the daemon, and its counter has not been read yet: its kills may have happened at any time. */
  isFromBefore: boolean;
  /** Why its counter could not be read; `undefined` also if it has none. */
  error: Error | undefined;
  /** The time of the last kill by the steady clock; `undefined` before the first kill, and if no source has its time. */
  lastKill: number | undefined;
  /** When discovery noticed the removal, by the steady clock; `undefined` while the container exists. */
  removedAt: number | undefined;
  /** `undefined` while the engine may still provide a name. */
  named: NamedLabels | undefined;
  /** When retention first asked the engine for the name, by the steady clock. */
  nameRequestedAt: number | undefined;
  readonly unlogged: UnloggedEvent[];
  /** How many of {@link EventCount.releasedKills} (kills without a report) the exporter's own log shows. */
  loggedWithoutReport: number;
}

/** Creates the record of a container without kills. */
export function createRecord(
  facts: Pick<ContainerRecord, 'match' | 'path' | 'inode' | 'outer' | 'removedAt'>,
): ContainerRecord {
  const record: ContainerRecord = {
    ...facts,
    sources: new KillSources(),
    events: new EventCount(),
    groups: undefined,
    inner: new Set(),
    archivedInnerKills: 0,
    kills: 0,
    memoryCgroup: 'unknown',
    isFromBefore: false,
    error: undefined,
    lastKill: undefined,
    named: undefined,
    nameRequestedAt: undefined,
    unlogged: [],
    loggedWithoutReport: 0,
  };
  facts.outer?.inner.add(record);
  return record;
}

/** When {@link settleRecord} is called. */
export interface SettleTime {
  /** When kills that only a counter knows may have happened, in seconds by the steady clock; `undefined`: unknown. */
  readonly at: number | undefined;
  /** A part of the kernel's log is unread. It may name a container for a kill that is only in the counter of the one around it. */
  readonly isLogUnread: boolean;
}

/**
 * Computes the container's own kills from what the sources have reported so far. Inner containers must be settled
 * first.
 *
 * @param scope what the counters count.
 */
export function settleRecord(record: ContainerRecord, scope: CounterScope, { at, isLogUnread }: SettleTime): void {
  const { kills, reported } = record.sources.sum(scope === 'own' ? 0 : killsInside(record));
  const known = scope === 'below' && isLogUnread ? reported : kills;
  record.kills += Math.max(0, known - record.kills - (scope === 'own' ? 0 : countedAround(record, known)));
  const isMore = record.events.note(Math.max(0, record.kills - reported), performance.now());
  record.loggedWithoutReport = Math.min(record.loggedWithoutReport, record.events.releasedKills);
  if (!isMore) return;
  if (at !== undefined) {
    record.lastKill = Math.max(record.lastKill ?? 0, at);
    return;
  }
  // Kills from before the start of the daemon that only a counter shows have no time and no victim, so they are not
  // logged.
  record.events.releaseNow(groupKills(record, scope));
  record.loggedWithoutReport = record.events.releasedKills;
}

/**
 * How many more kills of a container were counted as those of a container around it, before it was known that they were in this one.
 * Counts never fall, so they stay there.
 */
function countedAround(record: ContainerRecord, kills: number): number {
  const more = kills - record.kills;
  if (more <= 0) return 0;
  for (let { outer } = record; outer !== undefined; outer = outer.outer) {
    const excess = outer.kills - outer.sources.sum(killsInside(outer) + more).kills;
    if (excess > 0) return Math.min(more, excess);
  }
  return 0;
}

/** What is known about groups of processes in a container; `undefined` where there are none. */
export function groupKills({ groups, removedAt }: ContainerRecord, scope: CounterScope): GroupKills | undefined {
  if (scope === 'own') return undefined;
  return { count: groups?.count, set: groups?.set ?? 'unknown', isFinal: removedAt !== undefined };
}

/** The groups that were killed in a container, without those in inner containers. */
export function ownGroups({ groups, inner }: ContainerRecord): number {
  let count = groups?.count ?? 0;
  for (const record of inner) count -= record.groups?.count ?? 0;
  return Math.max(0, count);
}

/** The container's own kills that only a counter has shown so far. Arguments as for {@link settleRecord}. */
export function unreportedKills(record: ContainerRecord, scope: CounterScope): number {
  return record.kills - record.sources.sum(scope === 'own' ? 0 : killsInside(record)).reported;
}

/** Adds kills and groups that the counters of a container must have had when it was removed, in addition to all that are known. */
export function addToCounter(record: ContainerRecord, { kills, groups }: KillsAndGroups): void {
  record.sources.count(record.path, record.kills + killsInside(record) + kills);
  if (groups === undefined) return;
  const { count = 0, set = 'unknown' } = record.groups ?? {};
  record.groups = { count: count + groups, set };
}

function killsInside({ inner, archivedInnerKills }: ContainerRecord): number {
  let kills = archivedInnerKills;
  for (const record of inner) kills += record.kills;
  return kills;
}

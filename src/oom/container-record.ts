import type { CgroupMatch, Labels } from '../container.ts';
import type { OomVictim } from '../kernel/oom-report.ts';

/** A kill that the kernel's log reports. */
export interface KmsgKill extends OomVictim {
  /** Seconds by the steady clock, as all times here. */
  readonly at: number;
  /** It happened before this daemon started. */
  readonly beforeStart: boolean;
}

/** What a cgroup's counter counts: its own kills (cgroup v1), or also those in the cgroups below it (v2). */
export type CounterScope = 'own' | 'below';

/** The labels of a container. */
export interface NamedLabels {
  readonly labels: Labels;
  /** Whether an engine gave the name. If not, the id stands in for it until a name comes. */
  readonly named: boolean;
}

/** The kills in one cgroup by two sources, either of which may know more than the other. */
export interface KillCounts {
  fromCounter: number;
  fromKmsg: number;
}

/** What is known about the kills of one container, from the creation of its cgroup until its kills are archived. */
export interface ContainerRecord {
  match: CgroupMatch;
  readonly path: string;
  /** `undefined`: nobody saw the cgroup; the kernel's log names its path. */
  inode: number | undefined;
  /** By cgroup. With counters that include the cgroups below, only the container's own cgroup is in it. */
  readonly counts: Map<string, KillCounts>;
  /** Kills in cgroups inside the container that were removed, where each cgroup has a counter of its own. */
  killsInRemovedCgroups: number;
  /** The containers inside this one. On v2 the counter of this one includes their kills. */
  readonly inner: Set<ContainerRecord>;
  /** Kills of inner containers whose records are archived. */
  archivedInnerKills: number;
  readonly outer: ContainerRecord | undefined;
  /** The container's own kills. Never falls. */
  kills: number;
  /** Whether its counter was read. */
  counted: boolean;
  /** Why its counter could not be read; `undefined` also if it has none. */
  error: Error | undefined;
  /** By the steady clock; `undefined` before the first kill, and if nothing tells the time. */
  lastKill: number | undefined;
  /** When the container was seen to be gone, by the steady clock; `undefined` while it lives. */
  removedAt: number | undefined;
  /** `undefined` while the engine may still give a name. */
  named: NamedLabels | undefined;
  /** Since when the engine is asked for the name on behalf of this record, by the steady clock. */
  nameRequestedAt: number | undefined;
  /** Kills from the kernel's log that the exporter's own log does not show yet. */
  readonly unlogged: KmsgKill[];
  /** How many kills the exporter's own log shows. */
  logged: number;
}

/** Creates the record of a container without kills. */
export function createRecord(
  facts: Pick<ContainerRecord, 'match' | 'path' | 'inode' | 'outer' | 'removedAt'>,
): ContainerRecord {
  const record: ContainerRecord = {
    ...facts,
    counts: new Map(),
    killsInRemovedCgroups: 0,
    inner: new Set(),
    archivedInnerKills: 0,
    kills: 0,
    counted: false,
    error: undefined,
    lastKill: undefined,
    named: undefined,
    nameRequestedAt: undefined,
    unlogged: [],
    logged: 0,
  };
  facts.outer?.inner.add(record);
  return record;
}

/** The counts of one cgroup of a container. Creates them if there are none. */
export function countsOf(record: ContainerRecord, cgroup: string): KillCounts {
  let counts = record.counts.get(cgroup);
  if (counts === undefined) {
    counts = { fromCounter: 0, fromKmsg: 0 };
    record.counts.set(cgroup, counts);
  }
  return counts;
}

/**
 * Adds up the kills of cgroups inside the container that were removed. Another cgroup can be created at the same path, and
 * its counter starts at 0.
 */
export function foldRemovedCgroups(record: ContainerRecord, exists: (cgroup: string) => boolean): void {
  for (const [cgroup, { fromCounter, fromKmsg }] of record.counts) {
    if (exists(cgroup)) continue;
    record.killsInRemovedCgroups += Math.max(fromCounter, fromKmsg);
    record.counts.delete(cgroup);
  }
}

/**
 * Works out the container's own kills from what the sources say by now. Inner containers must be settled first.
 *
 * @param scope what the counters count.
 * @param at when kills that only a counter knows may have happened; `undefined`: nobody knows.
 */
export function settleRecord(record: ContainerRecord, scope: CounterScope, at: number | undefined): void {
  const inside = scope === 'own' ? 0 : killsInside(record);
  let kills = record.killsInRemovedCgroups;
  let reported = record.killsInRemovedCgroups;
  for (const { fromCounter, fromKmsg } of record.counts.values()) {
    kills += Math.max(fromCounter - inside, fromKmsg);
    reported += fromKmsg;
  }
  if (kills <= record.kills) return;
  record.kills = kills;
  if (kills <= reported) return;
  // Kills from before the start of the daemon that only a counter knows have no time and no victim: no line for them.
  if (at === undefined) record.logged = Math.max(record.logged, kills - reported);
  else record.lastKill = Math.max(record.lastKill ?? 0, at);
}

function killsInside({ inner, archivedInnerKills }: ContainerRecord): number {
  let kills = archivedInnerKills;
  for (const record of inner) kills += record.kills;
  return kills;
}

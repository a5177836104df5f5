import type { CgroupMatch, Labels } from '../container.ts';
import type { OomVictim } from '../kernel/oom-report.ts';

/** A kill that was told of, with its wall-clock time in seconds since the epoch. */
export interface ToldKill extends OomVictim {
  readonly at: number;
  /** It happened before this daemon started to look. */
  readonly past: boolean;
}

/** What a cgroup's counter counts: its own kills (cgroup v1), or also those below it (v2). */
export type CounterScope = 'own' | 'below';

/** Labels, and whether they are the last word: what an engine does not name in time is called by its id. */
export interface NamedLabels {
  readonly labels: Labels;
  readonly named: boolean;
}

/** Kills in one cgroup by two sources, of which each may know more than the other. */
interface Counts {
  /** By the counter. */
  kernel: number;
  /** By the kernel's log. */
  told: number;
}

/** One container, from the making of its cgroup until its kills are told of no more. */
export interface ContainerRecord {
  match: CgroupMatch;
  readonly path: string;
  /** `undefined`: it was only told of. */
  inode: number | undefined;
  /** By cgroup: with a counter for all below just the container's, else also those inside it. */
  readonly counts: Map<string, Counts>;
  /** Kills in cgroups inside that are gone, where each has a counter of its own. */
  past: number;
  /** The containers inside it, whose kills the counter of this one holds too. */
  readonly inner: Set<ContainerRecord>;
  /** The same of those that are forgotten. */
  innerForgotten: number;
  readonly outer: ContainerRecord | undefined;
  /** Kills that are its own; they never become fewer. */
  kills: number;
  /** Whether its counter could be read. */
  counted: boolean;
  /** Why not, if it was not for want of one. */
  error: Error | undefined;
  /** Seconds since the epoch. */
  lastKill: number | undefined;
  /** The same; `undefined` while it lives. */
  goneAt: number | undefined;
  named: NamedLabels | undefined;
  /** Kills that were told of and are not logged. */
  readonly unlogged: ToldKill[];
  /** How many are logged. */
  logged: number;
}

export function createRecord(
  facts: Pick<ContainerRecord, 'match' | 'path' | 'inode' | 'outer' | 'goneAt'>,
): ContainerRecord {
  const life: ContainerRecord = {
    ...facts,
    counts: new Map(),
    past: 0,
    inner: new Set(),
    innerForgotten: 0,
    kills: 0,
    counted: false,
    error: undefined,
    lastKill: undefined,
    named: undefined,
    unlogged: [],
    logged: 0,
  };
  facts.outer?.inner.add(life);
  return life;
}

/** The place for the kills in a cgroup of a container. */
export function countsOf(life: ContainerRecord, cgroup: string): Counts {
  const counts = life.counts.get(cgroup) ?? { kernel: 0, told: 0 };
  life.counts.set(cgroup, counts);
  return counts;
}

/** Keeps no more than the sum of cgroups that are gone: others can be made at their paths, and count from 0 on. */
export function foldGone(life: ContainerRecord, isThere: (cgroup: string) => boolean): void {
  for (const [cgroup, { kernel, told }] of life.counts) {
    if (isThere(cgroup)) continue;
    life.past += Math.max(kernel, told);
    life.counts.delete(cgroup);
  }
}

/**
 * Brings the kills in line with what the sources say by now. The containers inside must have been settled before.
 *
 * @param scope what the counters count.
 * @param at when kills may have happened that nobody told of; `undefined`: nobody knows.
 */
export function settle(life: ContainerRecord, scope: CounterScope, at: number | undefined): void {
  const inside = scope === 'own' ? 0 : [...life.inner].reduce((sum, { kills }) => sum + kills, life.innerForgotten);
  let kills = life.past;
  let told = life.past;
  for (const counts of life.counts.values()) {
    kills += Math.max(counts.kernel - inside, counts.told);
    told += counts.told;
  }
  if (kills <= life.kills) return;
  life.kills = kills;
  if (kills <= told) return;
  // Of kills before its time the daemon has nothing to say that is worth a line.
  if (at === undefined) life.logged = Math.max(life.logged, kills - told);
  else life.lastKill = Math.max(life.lastKill ?? 0, at);
}

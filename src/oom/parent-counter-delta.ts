import type { CgroupMatch, ContainerCgroup } from '../container.ts';
import { parentOf } from '../kernel/paths.ts';
import { type ContainerRecord, type KillsAndGroups, ownGroups } from './container-record.ts';
import type { ContainerRecords } from './container-records.ts';

/**
 * What a cgroup holds. `others`: also something that is no container. `changing`: discovery has not noticed yet that a container in it
 * appeared or is gone.
 */
type Contents = 'containers' | 'others' | 'changing';

/** How long discovery may take to notice a change, in seconds. */
const PATIENCE_S = 2;

/** What discovery sees of the cgroups in others. */
export interface SeenCgroups {
  /** Runs `callback` once discovery has handled all events that the kernel has reported so far. */
  readonly afterEvents: (callback: () => void) => void;
  /**
   * Since when each container that appears directly in a cgroup, or is removed, has an event, in ms of `performance.now()`; `undefined`:
   * some may have none.
   */
  readonly certainSince: (path: string) => number | undefined;
}

/** What the deltas need. */
interface ParentCounterOptions extends SeenCgroups {
  readonly records: ContainerRecords;
  /** Which container a cgroup is, or is inside of, by its path alone; `undefined` if that is uncertain. */
  readonly identify: (path: string) => CgroupMatch | undefined;
  /** The inode of the cgroup that is at a path now; `undefined` if there is none. */
  readonly inodeOf: (path: string) => number | undefined;
}

/** What a counter has that belongs to no known container, or is older than the first reading. */
interface Others extends KillsAndGroups {
  /** When the counter was read, in ms of `performance.now()`. */
  readonly readAt: number;
}

/** The only container that was removed, and whose kills the counter above seems to show. */
interface Suspicion {
  readonly record: ContainerRecord;
  /** The counter when it was read. */
  readonly count: number;
  readonly others: number;
  /** Discovery has handled all events from before that reading, and no other container has come and gone. */
  isConfirmed: boolean;
}

/**
 * Finds the last kill of a container that was gone before its own counter could be read. On cgroup v2 the counter of the
 * parent cgroup includes this kill, and outlives the container.
 */
export class ParentCounterDelta {
  readonly #records: ContainerRecords;
  readonly #options: ParentCounterOptions;
  /** By path of the parent. */
  readonly #others = new Map<string, Others>();
  /** Containers removed since the last reading. */
  readonly #removed = new Set<ContainerRecord>();
  /** Parents in which, or below which, a container came and went without a record since the last reading. */
  readonly #unseen = new Set<string>();
  /** Parents with kills that wait until discovery has noticed all changes, and since when. */
  readonly #waiting = new Map<string, number>();
  /** By path of the parent. */
  readonly #suspicions = new Map<string, Suspicion>();

  constructor(options: ParentCounterOptions) {
    this.#records = options.records;
    this.#options = options;
  }

  /** Notes that a container was removed. It may have had a kill that no source has reported. */
  noteRemoved(record: ContainerRecord): void {
    this.#removed.add(record);
  }

  /** Notes a container that has come and gone without a record. It may have had a kill. */
  noteUnseen(path: string): void {
    for (let above = parentOf(path); above !== ''; above = parentOf(above)) {
      if (this.#others.has(above)) this.#unseen.add(above);
    }
  }

  /** Notes that the host has had no kill since the last {@link settle}. */
  noteNoKills(): void {
    for (const record of this.#removed) if (!this.#waiting.has(parentOf(record.path))) this.#removed.delete(record);
  }

  /** Whether {@link settle} must be called again, also if there are no new kills. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Whether the next {@link settle} finds a kill, unless there is another one before. */
  get isConfirmed(): boolean {
    return [...this.#suspicions.values()].some(({ isConfirmed }) => isConfirmed);
  }

  /** Whether a removed container can still turn out to have had a kill. */
  isWaitingFor(record: ContainerRecord): boolean {
    return this.#removed.has(record);
  }

  /** Whether the counter above a container must be read now, so that the next reading will tell what is new. */
  isNewAbove({ path }: ContainerCgroup): boolean {
    const parent = parentOf(path);
    if (parent === '') return false;
    const others = this.#others.get(parent);
    return others === undefined || (!this.#isCertain(parent, others) && this.#isCertain(parent));
  }

  /** Adds the first reading of the counter above a container. */
  begin({ path }: ContainerCgroup, counts: KillsAndGroups): void {
    const parent = parentOf(path);
    // Each nested container has a parent of its own, so the sums for all parents would take too long.
    const inside = this.#records.all().filter(({ path: other }) => isBelow(other, parent));
    this.#setOthers(parent, minus(counts, killsBelow(inside).get(parent)));
    for (const record of this.#removed) if (parentOf(record.path) === parent) this.#removed.delete(record);
  }

  /**
   * The cgroups whose counters the next {@link settle} needs.
   *
   * @param isNews there are new kills.
   */
  parents(isNews: boolean): ReadonlySet<string> {
    if (!isNews) return new Set(this.#waiting.keys());
    const paths = new Set<string>();
    for (const { path } of this.#records.live) paths.add(parentOf(path));
    for (const { path } of this.#removed) paths.add(parentOf(path));
    paths.delete('');
    return paths;
  }

  /**
   * Finds the containers whose kills raised the counters of their parents. If several containers were removed from one
   * parent, or the parent holds anything other than containers, the victim's container is unknown. Such a kill stays
   * unattributed. It is found in the second call: a container that discovery has not noticed may have come and gone, and its events
   * may still be on their way. The records' own kills must be settled.
   *
   * @param counts the counters of {@link parents}, by path. They must have been read at the same moment as those of the containers.
   * @param childrenOf the cgroups in a cgroup, or why they cannot be listed.
   * @param now in seconds by the steady clock.
   * @returns what was found, by record.
   */
  settle(
    counts: ReadonlyMap<string, KillsAndGroups>,
    childrenOf: (path: string) => readonly string[] | Error,
    now: number,
  ): ReadonlyMap<ContainerRecord, KillsAndGroups> {
    const found = new Map<ContainerRecord, KillsAndGroups>();
    const inside = killsBelow(this.#records.all());
    for (const [path, count] of counts) {
      const others = minus(count, inside.get(path));
      const before = this.#others.get(path);
      const isNews = before !== undefined && others.kills > before.kills;
      const [record, ...more] = isNews ? this.#removedBelow(path) : [];
      const isOnly = more.length === 0 && (record === undefined || parentOf(record.path) === path);
      const mayTell = isNews && isOnly && !this.#unseen.has(path) && this.#isCertain(path, before);
      const contents = mayTell ? this.#contentsOf(path, childrenOf(path)) : 'others';
      const isConfirmed =
        record !== undefined && contents === 'containers' && this.#isConfirmed(path, record, count.kills, others.kills);
      if (contents !== 'others' && !isConfirmed && this.#waits(path, now)) continue;
      this.#waiting.delete(path);
      this.#suspicions.delete(path);
      this.#unseen.delete(path);
      if (before !== undefined && record !== undefined && isConfirmed) {
        const { kills, groups } = minus(others, before);
        found.set(record, { kills, groups: groups === undefined ? undefined : Math.max(0, groups) });
        this.#setOthers(path, before);
      } else this.#setOthers(path, others);
    }
    for (const path of this.#waiting.keys()) if (!counts.has(path)) this.#waiting.delete(path);
    for (const path of this.#suspicions.keys()) if (!counts.has(path)) this.#suspicions.delete(path);
    this.noteNoKills();
    // Every pod has a cgroup of its own, so parents without any known container must not pile up.
    for (const path of this.#others.keys()) {
      if (counts.has(path) || inside.has(path)) continue;
      this.#others.delete(path);
      this.#unseen.delete(path);
    }
    return found;
  }

  /** Drops a record. From then on its kills belong to no known container. Call it before the record leaves its outer one. */
  drop(record: ContainerRecord): void {
    this.#removed.delete(record);
    for (const [path, others] of this.#others) {
      if (isBelow(record.path, path)) this.#others.set(path, { ...others, ...plus(others, countsOf(record)) });
    }
  }

  /** The containers that were removed, without those inside of others: the counters of these had their kills, too. */
  #removedBelow(path: string): ContainerRecord[] {
    const below = [...this.#removed].filter((removed) => isBelow(removed.path, path));
    return below.filter((removed) => !below.some((other) => isBelow(removed.path, other.path)));
  }

  /** Whether discovery sees all containers that come and go in a cgroup, and has done so since a reading. */
  #isCertain(path: string, reading?: Others): boolean {
    const since = this.#options.certainSince(path);
    return since !== undefined && since <= (reading?.readAt ?? Infinity);
  }

  #isConfirmed(path: string, record: ContainerRecord, count: number, others: number): boolean {
    const known = this.#suspicions.get(path);
    if (known?.record === record && known.count === count && known.others === others) return known.isConfirmed;
    const suspicion: Suspicion = { record, count, others, isConfirmed: false };
    this.#suspicions.set(path, suspicion);
    this.#options.afterEvents(() => (suspicion.isConfirmed = true));
    return suspicion.isConfirmed;
  }

  #contentsOf(path: string, children: readonly string[] | Error): Contents {
    if (children instanceof Error) return 'others';
    const unknown = children.filter((child) => this.#records.at(child) === undefined);
    if (unknown.some((child) => this.#options.identify(child)?.infra !== false)) return 'others';
    const present = new Set(children);
    const isGone = (live: ContainerRecord): boolean =>
      isBelow(live.path, path) && (!present.has(childAround(live.path, path)) || this.#isReplaced(live));
    return unknown.length > 0 || [...this.#records.live].some(isGone) ? 'changing' : 'containers';
  }

  /** Whether another container has taken the path. */
  #isReplaced({ path, inode }: ContainerRecord): boolean {
    return (this.#options.inodeOf(path) ?? inode) !== inode;
  }

  #setOthers(path: string, { kills, groups }: KillsAndGroups): void {
    this.#others.set(path, { kills, groups, readAt: performance.now() });
  }

  #waits(path: string, now: number): boolean {
    const since = this.#waiting.get(path) ?? now;
    this.#waiting.set(path, since);
    return now - since < PATIENCE_S;
  }
}

/** The kills and groups of all records below each cgroup. */
function killsBelow(records: readonly ContainerRecord[]): Map<string, KillsAndGroups> {
  const sums = new Map<string, KillsAndGroups>();
  for (const record of records) {
    const counts = countsOf(record);
    for (let above = parentOf(record.path); above !== ''; above = parentOf(above)) {
      sums.set(above, plus(sums.get(above) ?? NONE, counts));
    }
  }
  return sums;
}

const NONE: KillsAndGroups = { kills: 0, groups: 0 };

function countsOf(record: ContainerRecord): KillsAndGroups {
  return { kills: record.kills, groups: ownGroups(record) };
}

function plus(a: KillsAndGroups, b: KillsAndGroups): KillsAndGroups {
  const groups = a.groups === undefined || b.groups === undefined ? undefined : a.groups + b.groups;
  return { kills: a.kills + b.kills, groups };
}

function minus(a: KillsAndGroups, b: KillsAndGroups = NONE): KillsAndGroups {
  const groups = a.groups === undefined || b.groups === undefined ? undefined : a.groups - b.groups;
  return { kills: a.kills - b.kills, groups };
}

function isBelow(path: string, parent: string): boolean {
  return path.startsWith(`${parent}/`);
}

/** The cgroup directly in a parent that another cgroup is, or is inside of: `/a/b` for `/a/b/c` in `/a`. */
function childAround(path: string, parent: string): string {
  const end = path.indexOf('/', parent.length + 1);
  return end < 0 ? path : path.slice(0, end);
}

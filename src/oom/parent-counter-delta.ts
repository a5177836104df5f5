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

/**
 * Finds the last kill of a container that was gone before its own counter could be read. On cgroup v2 the counter of the
 * parent cgroup includes this kill, and outlives the container.
 */
export class ParentCounterDelta {
  readonly #records: ContainerRecords;
  readonly #identify: (path: string) => CgroupMatch | undefined;
  /** By path of the parent: what its counters have that belongs to no known container, or is older than the first reading. */
  readonly #others = new Map<string, KillsAndGroups>();
  /** Containers removed since the last reading. */
  readonly #removed = new Set<ContainerRecord>();
  /** Parents in which a container came and went without a record since the last reading. */
  readonly #unseen = new Set<string>();
  /** Parents with kills that wait until discovery has noticed all changes, and since when. */
  readonly #waiting = new Map<string, number>();

  /** @param identify which container a cgroup is, or is inside of, by its path alone; `undefined` if that is uncertain. */
  constructor(records: ContainerRecords, identify: (path: string) => CgroupMatch | undefined) {
    this.#records = records;
    this.#identify = identify;
  }

  /** Notes that a container was removed. It may have had a kill that no source has reported. */
  noteRemoved(record: ContainerRecord): void {
    this.#removed.add(record);
  }

  /** Notes a container that has come and gone without a record. It may have had a kill. */
  noteUnseen(path: string): void {
    const parent = parentOf(path);
    if (this.#others.has(parent)) this.#unseen.add(parent);
  }

  /** Whether {@link settle} must be called again, also if there are no new kills. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Whether a removed container can still turn out to have had a kill. */
  isWaitingFor(record: ContainerRecord): boolean {
    return this.#removed.has(record) && this.#waiting.has(parentOf(record.path));
  }

  /** Whether the counter above a container was never read, so that the next reading will not tell what is new. */
  isNewAbove({ path }: ContainerCgroup): boolean {
    return parentOf(path) !== '' && !this.#others.has(parentOf(path));
  }

  /** Adds the first reading of the counter above a container. */
  begin({ path }: ContainerCgroup, counts: KillsAndGroups): void {
    const parent = parentOf(path);
    // Each nested container has a parent of its own, so the sums for all parents would take too long.
    const inside = this.#records.all().filter(({ path: other }) => isBelow(other, parent));
    this.#others.set(parent, minus(counts, killsBelow(inside).get(parent)));
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
   * unattributed. The records' own kills must be settled.
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
      const [record, another] = [...this.#removed].filter((removed) => parentOf(removed.path) === path);
      const mayTell =
        before !== undefined && others.kills > before.kills && another === undefined && !this.#unseen.has(path);
      const contents = mayTell ? this.#contentsOf(path, childrenOf(path)) : 'others';
      if (contents === 'changing' && this.#waits(path, now)) continue;
      this.#waiting.delete(path);
      if (before !== undefined && record !== undefined && contents === 'containers') {
        const { kills, groups } = minus(others, before);
        found.set(record, { kills, groups: groups === undefined ? undefined : Math.max(0, groups) });
      } else this.#others.set(path, others);
    }
    for (const record of this.#removed) if (!this.#waiting.has(parentOf(record.path))) this.#removed.delete(record);
    this.#unseen.clear();
    for (const path of this.#waiting.keys()) if (!counts.has(path)) this.#waiting.delete(path);
    // Every pod has a cgroup of its own, so parents without any known container must not pile up.
    for (const path of this.#others.keys()) {
      if (!counts.has(path) && !inside.has(path)) this.#others.delete(path);
    }
    return found;
  }

  /** Drops a record. From then on its kills belong to no known container. Call it before the record leaves its outer one. */
  drop(record: ContainerRecord): void {
    this.#removed.delete(record);
    for (const [path, others] of this.#others) {
      if (isBelow(record.path, path)) this.#others.set(path, plus(others, countsOf(record)));
    }
  }

  #contentsOf(path: string, children: readonly string[] | Error): Contents {
    if (children instanceof Error) return 'others';
    const unknown = children.filter((child) => this.#records.at(child) === undefined);
    if (unknown.some((child) => this.#identify(child)?.infra !== false)) return 'others';
    const isGone = (live: ContainerRecord): boolean => parentOf(live.path) === path && !children.includes(live.path);
    return unknown.length > 0 || [...this.#records.live].some(isGone) ? 'changing' : 'containers';
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

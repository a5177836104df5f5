import type { ContainerRecord } from './container-record.ts';
import { parentOf } from '../kernel/paths.ts';

/**
 * Finds the last kill of a container that was gone before its own counter could be read. On cgroup v2 the counter of the
 * parent cgroup includes this kill, and outlives the container.
 */
export class ParentCounterDelta {
  /** Kills by path of the parent: those in its counter that belong to no known container, or are older than the first reading. */
  readonly #others = new Map<string, number>();
  /** Containers removed since the last reading. */
  readonly #removed = new Set<ContainerRecord>();

  /** Notes that a container was removed. It may have had a kill that no source has reported. */
  noteRemoved(record: ContainerRecord): void {
    this.#removed.add(record);
  }

  /** The cgroups whose counters the next {@link settle} needs. */
  parents(live: Iterable<ContainerRecord>): ReadonlySet<string> {
    const paths = new Set<string>();
    for (const { path } of live) paths.add(parentOf(path));
    for (const { path } of this.#removed) paths.add(parentOf(path));
    paths.delete('');
    return paths;
  }

  /**
   * Finds the containers whose kills raised the counters of their parents. If several containers were removed from one
   * parent, or the parent holds anything other than containers, the victim's container is unknown. Such a kill stays
   * unattributed.
   *
   * @param counts the counters of parents, by path.
   * @param known all records, with their own kills settled.
   * @param holdsOthers whether a cgroup holds anything but containers, or held one more until a moment ago.
   * @returns kills by record.
   */
  settle(
    counts: ReadonlyMap<string, number>,
    known: readonly ContainerRecord[],
    holdsOthers: (path: string) => boolean,
  ): ReadonlyMap<ContainerRecord, number> {
    const found = new Map<ContainerRecord, number>();
    const inside = killsBelow(known);
    for (const [path, count] of counts) {
      const others = count - (inside.get(path) ?? 0);
      const before = this.#others.get(path);
      const [record, another] = [...this.#removed].filter((removed) => parentOf(removed.path) === path);
      const isOnly = before !== undefined && record !== undefined && another === undefined;
      if (isOnly && others > before && !holdsOthers(path)) found.set(record, others - before);
      else this.#others.set(path, others);
    }
    this.#removed.clear();
    // Every pod has a cgroup of its own, so parents without any known container must not pile up.
    for (const path of this.#others.keys()) {
      if (!counts.has(path) && !inside.has(path)) this.#others.delete(path);
    }
    return found;
  }

  /** Drops a record. From then on its kills belong to no known container. */
  drop(record: ContainerRecord): void {
    this.#removed.delete(record);
    for (const [path, others] of this.#others) {
      if (isBelow(record.path, path)) this.#others.set(path, others + record.kills);
    }
  }
}

/** The number of kills of all records at and below each cgroup with kills. */
function killsBelow(records: readonly ContainerRecord[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { path, kills } of records) {
    for (let above = parentOf(path); above !== ''; above = parentOf(above)) {
      sums.set(above, (sums.get(above) ?? 0) + kills);
    }
  }
  return sums;
}

function isBelow(path: string, parent: string): boolean {
  return path.startsWith(`${parent}/`);
}

import type { ContainerRecord } from './container-record.ts';

/**
 * What the counter of a cgroup above containers holds beyond their own (cgroup v2, where it counts all below and outlives
 * them): the last kill of a container that was gone before its counter could be read.
 */
export class ParentCounterDelta {
  /** By path of the cgroup above: what it holds that is no container's, or was before the first look. */
  readonly #settled = new Map<string, number>();
  /** Containers that have gone since the last look. */
  readonly #departed = new Set<ContainerRecord>();

  /** A container is gone. Its last kill may be one that nobody knows of. */
  departed(life: ContainerRecord): void {
    this.#departed.add(life);
  }

  /** The cgroups whose counters are wanted at the next look. */
  parents(living: Iterable<ContainerRecord>): ReadonlySet<string> {
    const paths = [...living, ...this.#departed].map(({ path }) => parentOf(path));
    return new Set(paths.filter((path) => path !== ''));
  }

  /**
   * Finds out whose kills those are that the counters above have more than before. Where several containers have gone at
   * a time it cannot be told, and what else is in that cgroup may have got them too: then they stay nobody's.
   *
   * @param counts the counters above, by path.
   * @param known all lives, with their own kills settled.
   * @param holdsOthers whether there is more than containers in a cgroup.
   * @returns kills by the life that must have got them.
   */
  settle(
    counts: ReadonlyMap<string, number>,
    known: readonly ContainerRecord[],
    holdsOthers: (path: string) => boolean,
  ): ReadonlyMap<ContainerRecord, number> {
    const found = new Map<ContainerRecord, number>();
    for (const [path, count] of counts) {
      const rest = count - known.reduce((sum, life) => sum + (isBelow(life.path, path) ? life.kills : 0), 0);
      const before = this.#settled.get(path);
      const [life, another] = [...this.#departed].filter((departed) => parentOf(departed.path) === path);
      const surely = before !== undefined && life !== undefined && another === undefined;
      if (surely && rest > before && !holdsOthers(path)) found.set(life, rest - before);
      else this.#settled.set(path, rest);
    }
    this.#departed.clear();
    this.#prune(counts, known);
    return found;
  }

  /** A life is kept no longer: its kills are from now on among what is no (known) container's. */
  forget(life: ContainerRecord): void {
    this.#departed.delete(life);
    for (const [path, rest] of this.#settled) {
      if (isBelow(life.path, path)) this.#settled.set(path, rest + life.kills);
    }
  }

  /** Each pod has a cgroup of its own: those that no known container is in any more must not add up. */
  #prune(counts: ReadonlyMap<string, number>, known: readonly ContainerRecord[]): void {
    for (const path of this.#settled.keys()) {
      if (!counts.has(path) && !known.some((life) => isBelow(life.path, path))) this.#settled.delete(path);
    }
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function isBelow(path: string, parent: string): boolean {
  return path.startsWith(`${parent}/`);
}

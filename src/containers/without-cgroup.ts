import type { NameSource } from '../engines/name-source.ts';

/**
 * How long an engine must list a container without a cgroup before it counts, in ms. Discovery takes up to a minute to tell what an
 * empty cgroup is, and the end of a container is seen in cgroupfs before its engine reports it.
 */
const PATIENCE_MS = 60_000;

/** What this needs of a source. */
type Lister = Pick<NameSource, 'name' | 'up' | 'running' | 'listsAllRunning'>;

/**
 * Running containers that an engine lists and for which no cgroup was found, by source. Nothing else about them is known: they have
 * no cgroup of their own, or run on another machine or inside a virtual one.
 */
export class ContainersWithoutCgroup<Source extends Lister> {
  /** By source and id, since when. */
  #since = new Map<string, ReadonlyMap<string, number>>();

  /**
   * Looks once, in each scrape.
   *
   * @param foundOf the ids of all containers that discovery has found and that can be those of a source.
   * @param now in ms of `performance.now()`.
   * @returns the counts of sources that list all their containers and answer.
   */
  count(
    sources: readonly Source[],
    foundOf: (source: Source) => ReadonlySet<string>,
    now: number,
  ): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    const all = new Map<string, ReadonlyMap<string, number>>();
    for (const source of sources) {
      const { name, up, running, listsAllRunning } = source;
      // An engine that does not answer may know better by now.
      if (running === undefined || up !== true || listsAllRunning === false) continue;
      const before = this.#since.get(name);
      const found = foundOf(source);
      const since = new Map<string, number>();
      for (const id of running) if (!found.has(id)) since.set(id, before?.get(id) ?? now);
      all.set(name, since);
      counts.set(name, [...since.values()].filter((at) => now - at >= PATIENCE_MS).length);
    }
    this.#since = all;
    return counts;
  }
}

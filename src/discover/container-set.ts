import type { CgroupMatch, ContainerCgroup } from '../container.ts';

/** Numbers of containers of one engine that appeared and were removed since the daemon started. */
export interface Lifecycle {
  readonly started: number;
  readonly removed: number;
}

/**
 * `found`: the container existed before the daemon, so it does not count as started. `promoted`: it has existed for a while, as a
 * part of the container around it, because there were too many.
 */
export type Appearance = 'found' | 'started' | 'promoted';

/** `corrected`: it still exists, but is none, or of another engine than was guessed. */
export type Removal = 'removed' | 'corrected';

/** How long the start of a container with a guessed engine may remain uncounted, in ms. It counts when the engine is known. */
const UNCOUNTED_MS = 60_000;

/** Called for each change. A container of another engine than was guessed is removed and appears again. */
export interface ContainerListeners {
  readonly onAppeared: (cgroup: ContainerCgroup, how: Appearance) => void;
  readonly onRemoved: (cgroup: ContainerCgroup, how: Removal) => void;
}

/** A container with a guessed engine that no counter includes yet. */
interface Uncounted {
  readonly cgroup: ContainerCgroup;
  readonly how: Appearance;
  /** When it counts under the guess. */
  readonly until: number;
}

/** The existing containers, and how many appeared and were removed. */
export class ContainerSet {
  readonly containers = new Map<string, ContainerCgroup>();
  readonly #lifecycle = new Map<string, { started: number; removed: number }>();
  /** By path, the earliest first. */
  readonly #uncounted = new Map<string, Uncounted>();
  readonly #listeners: ContainerListeners;

  constructor(listeners: ContainerListeners) {
    this.#listeners = listeners;
  }

  /** By engine. */
  get lifecycle(): ReadonlyMap<string, Lifecycle> {
    const now = performance.now();
    for (const [path, { until }] of this.#uncounted) {
      if (until > now) break;
      this.settled(path);
    }
    return this.#lifecycle;
  }

  add(cgroup: ContainerCgroup, how: Appearance): void {
    const { path, match } = cgroup;
    if (match.engineGuessed === true) {
      this.#uncounted.set(path, { cgroup, how, until: performance.now() + UNCOUNTED_MS });
    } else this.#countAppearance(match, how);
    this.containers.set(path, cgroup);
    this.#listeners.onAppeared(cgroup, how);
  }

  remove(path: string): void {
    this.settled(path);
    const cgroup = this.containers.get(path);
    if (cgroup === undefined) return;
    this.containers.delete(path);
    this.#countsOf(cgroup.match).removed += 1;
    this.#listeners.onRemoved(cgroup, 'removed');
  }

  /** The guess was right, or nothing better will be known. */
  settled(path: string): void {
    const uncounted = this.#uncounted.get(path);
    if (uncounted === undefined) return;
    this.#uncounted.delete(path);
    this.#countAppearance(uncounted.cgroup.match, uncounted.how);
  }

  /** The guess was wrong. The caller adds the container again if it is one. Nothing counts unless the guess already has. */
  correct(path: string): void {
    const cgroup = this.containers.get(path);
    if (cgroup === undefined) return;
    this.containers.delete(path);
    if (!this.#uncounted.delete(path)) this.#countsOf(cgroup.match).removed += 1;
    this.#listeners.onRemoved(cgroup, 'corrected');
  }

  /** Counts a container that was gone before it could be checked. */
  countUnseen(match: CgroupMatch): void {
    const counts = this.#countsOf(match);
    counts.started += 1;
    counts.removed += 1;
  }

  #countAppearance(match: CgroupMatch, how: Appearance): void {
    const counts = this.#countsOf(match);
    if (how === 'started') counts.started += 1;
  }

  #countsOf(match: CgroupMatch): { started: number; removed: number } {
    let counts = this.#lifecycle.get(match.engine);
    if (counts === undefined) {
      counts = { started: 0, removed: 0 };
      this.#lifecycle.set(match.engine, counts);
    }
    return counts;
  }
}

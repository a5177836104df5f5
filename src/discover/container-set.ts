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

/** The existing containers, and how many appeared and were removed. */
export class ContainerSet {
  readonly containers = new Map<string, ContainerCgroup>();
  readonly lifecycle = new Map<string, { started: number; removed: number }>();
  readonly #onAppeared: (cgroup: ContainerCgroup, how: Appearance) => void;
  readonly #onRemoved: (cgroup: ContainerCgroup) => void;

  constructor(listeners: {
    readonly onAppeared: (cgroup: ContainerCgroup, how: Appearance) => void;
    readonly onRemoved: (cgroup: ContainerCgroup) => void;
  }) {
    this.#onAppeared = listeners.onAppeared;
    this.#onRemoved = listeners.onRemoved;
  }

  add(cgroup: ContainerCgroup, how: Appearance): void {
    const counts = this.#countsOf(cgroup.match);
    if (how === 'started') counts.started += 1;
    this.containers.set(cgroup.path, cgroup);
    this.#onAppeared(cgroup, how);
  }

  remove(path: string): void {
    const cgroup = this.containers.get(path);
    if (cgroup === undefined) return;
    this.containers.delete(path);
    this.#countsOf(cgroup.match).removed += 1;
    this.#onRemoved(cgroup);
  }

  /** Counts a container that was gone before it could be checked. */
  countUnseen(match: CgroupMatch): void {
    const counts = this.#countsOf(match);
    counts.started += 1;
    counts.removed += 1;
  }

  #countsOf(match: CgroupMatch): { started: number; removed: number } {
    let counts = this.lifecycle.get(match.engine);
    if (counts === undefined) {
      counts = { started: 0, removed: 0 };
      this.lifecycle.set(match.engine, counts);
    }
    return counts;
  }
}

import type { CgroupMatch, ContainerCgroup } from '../container.ts';

/** Containers of one engine that came and went since the daemon started. */
export interface Lifecycle {
  readonly started: number;
  readonly removed: number;
}

/** The containers there are, and the count of those that came and went. */
export class ContainerSet {
  readonly containers = new Map<string, ContainerCgroup>();
  readonly lifecycle = new Map<string, { started: number; removed: number }>();
  readonly #onAppeared: (cgroup: ContainerCgroup) => void;
  readonly #onRemoved: (cgroup: ContainerCgroup) => void;

  constructor(listeners: {
    readonly onAppeared: (cgroup: ContainerCgroup) => void;
    readonly onRemoved: (cgroup: ContainerCgroup) => void;
  }) {
    this.#onAppeared = listeners.onAppeared;
    this.#onRemoved = listeners.onRemoved;
  }

  /** `found`: it was there before the daemon, so it did not start under its eyes. */
  add(cgroup: ContainerCgroup, how: 'found' | 'started'): void {
    const counts = this.#countsOf(cgroup.match);
    if (how === 'started') counts.started += 1;
    this.containers.set(cgroup.path, cgroup);
    this.#onAppeared(cgroup);
  }

  remove(path: string): void {
    const cgroup = this.containers.get(path);
    if (cgroup === undefined) return;
    this.containers.delete(path);
    this.#countsOf(cgroup.match).removed += 1;
    this.#onRemoved(cgroup);
  }

  /** A container that was gone again before it could be looked at. */
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

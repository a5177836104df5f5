import type { ContainerCgroup } from '../container.ts';

/** Until what age a container is young, in ms. */
const YOUNG_MS = 300;

/** Containers that have just appeared. They may be gone in a moment, with their counters and processes. */
export class YoungContainers {
  /** From the oldest to the newest. */
  readonly #containers = new Set<ContainerCgroup>();

  add(cgroup: ContainerCgroup): void {
    this.#containers.add(cgroup);
  }

  remove(cgroup: ContainerCgroup): void {
    this.#containers.delete(cgroup);
  }

  /** Whether any young container is listed. `now` is in ms of `performance.now()`. */
  hasAny(now: number): boolean {
    this.#prune(now);
    return this.#containers.size > 0;
  }

  /** All, the oldest first. */
  list(now: number): ContainerCgroup[] {
    this.#prune(now);
    return [...this.#containers];
  }

  #prune(now: number): void {
    for (const cgroup of this.#containers) {
      if (now - cgroup.seenAt <= YOUNG_MS) return;
      this.#containers.delete(cgroup);
    }
  }
}

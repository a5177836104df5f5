import type { ContainerCgroup } from '../container.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';

/** When a container that has just appeared is looked at: its runtime needs a moment to move in. In ms. */
const LOOK_AT_MS = [5, 25, 100, 1_000];

/**
 * The first processes of containers, by pid. Of many kills in a row the kernel's log says no more than the pid, and
 * if that was all of a container, its cgroup and counter are gone in no time.
 */
export class FirstProcesses implements Disposable {
  readonly #kernel: KernelFiles;
  readonly #byPid = new Map<number, string>();
  readonly #known = new Map<ContainerCgroup, readonly number[]>();
  readonly #timers = new Map<ContainerCgroup, NodeJS.Timeout>();

  constructor(kernel: KernelFiles) {
    this.#kernel = kernel;
  }

  /** The path of the container that a process was the first of. */
  cgroupOf(pid: number): string | undefined {
    return this.#byPid.get(pid);
  }

  /** A container has appeared. */
  expect(cgroup: ContainerCgroup): void {
    this.#lookAt(cgroup, 0);
  }

  /** A container is gone, and what was told of its processes is taken in. */
  forget(cgroup: ContainerCgroup): void {
    clearTimeout(this.#timers.get(cgroup));
    this.#timers.delete(cgroup);
    for (const pid of this.#known.get(cgroup) ?? []) this.#byPid.delete(pid);
    this.#known.delete(cgroup);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #lookAt(cgroup: ContainerCgroup, attempt: number): void {
    const age = LOOK_AT_MS[attempt];
    if (age === undefined) return;
    const timer = setTimeout(() => {
      this.#timers.delete(cgroup);
      const pids = this.#processesIn(cgroup.path);
      this.#known.set(cgroup, pids);
      for (const pid of pids) this.#byPid.set(pid, cgroup.path);
      if (pids.length === 0) this.#lookAt(cgroup, attempt + 1);
    }, age);
    this.#timers.set(cgroup, timer.unref());
  }

  /** What cannot be read now may be a moment later, and is not worth more than that: nobody waits for it. */
  #processesIn(path: string): readonly number[] {
    try {
      return this.#kernel.cgroup(path).processes();
    } catch {
      return [];
    }
  }
}

import type { ContainerCgroup } from '../container.ts';

/** When to inspect a new container, in ms after it appeared: its runtime needs a moment to move its processes there. */
const LOOK_AT_MS = [5, 25, 100, 1_000];

/** The time limit of one call, in ms. The next call continues. */
const BUDGET_MS = 1;

/** The time limit as a share of the time since the last call, if that is more: on a slow machine a look takes long, but calls are rare. */
const BUDGET_SHARE = 0.2;

/** How long the processes of a removed container are remembered: the kernel's log may report them a moment later. In ms. */
const REMEMBER_MS = 5_000;

/** How long at most, while a part of the kernel's log is still unread. In ms. */
const REMEMBER_LONGEST_MS = 30_000;

/** How many processes of a container are remembered. A container can create any number. */
const MAX_PROCESSES = 512;

/** How long an ended process is remembered, in ms. The kernel will give its pid to another process. */
const REMEMBER_ENDED_MS = 10_000;

/** Where a process was last seen. */
export interface ProcessPlace {
  readonly container: ContainerCgroup;
  /** The container's cgroup, or one inside it. */
  readonly cgroup: string;
}

/** The processes of a container, by their cgroup. */
export type ReadProcesses = (container: ContainerCgroup) => ReadonlyMap<string, readonly number[]>;

interface RememberedContainer {
  readonly container: ContainerCgroup;
  /** When each was last seen, by pid. In ms of `performance.now()`. */
  readonly pids: Map<number, number>;
  /** In ms of `performance.now()`. */
  lookedAt: number;
  /** The container has more processes than are worth remembering. */
  isLarge: boolean;
  timer: NodeJS.Timeout | undefined;
  /** In ms of `performance.now()`. */
  removedAt: number;
}

/**
 * Remembers which container a process belongs to. In a burst of kills the kernel's log names a victim by its pid alone, and
 * by the time the log is read, its cgroup and counter may be gone.
 */
export class ContainerProcesses implements Disposable {
  readonly #read: ReadProcesses;
  readonly #isLogUnread: () => boolean;
  readonly #byPid = new Map<number, ProcessPlace>();
  readonly #entries = new Map<ContainerCgroup, RememberedContainer>();
  readonly #byPath = new Map<string, RememberedContainer>();
  readonly #expiring = new Set<RememberedContainer>();
  /** Older containers that were not inspected since the burst began. */
  #left: Iterator<RememberedContainer> | undefined;
  /** When {@link look} was last called, in ms of `performance.now()`. */
  #calledAt = Infinity;

  /**
   * @param read lists the processes of a container. Its errors are ignored, because nobody can wait for a retry.
   * @param isLogUnread whether a part of the kernel's log is still to be read.
   */
  constructor(read: ReadProcesses, isLogUnread: () => boolean = () => false) {
    this.#read = read;
    this.#isLogUnread = isLogUnread;
  }

  /** Where in a container a process was last seen; `undefined` if it was never seen in one. */
  placeOf(pid: number): ProcessPlace | undefined {
    return this.#byPid.get(pid);
  }

  /**
   * Adds a container.
   *
   * @param when `found`: the container existed before the daemon, so its processes are not new.
   */
  appeared(container: ContainerCgroup, when: 'found' | 'started'): void {
    const entry: RememberedContainer = {
      container,
      pids: new Map(),
      lookedAt: -Infinity,
      isLarge: false,
      timer: undefined,
      removedAt: Infinity,
    };
    this.#entries.set(container, entry);
    this.#byPath.set(container.path, entry);
    if (when !== 'started') return;
    // On a busy machine discovery notices a container late, and it may be gone before a timer fires.
    this.#look(entry);
    this.#lookLater(entry, 0);
  }

  /** A container was removed. Its processes are remembered for a moment. */
  removed(container: ContainerCgroup): void {
    const entry = this.#entries.get(container);
    if (entry === undefined) return;
    this.#entries.delete(container);
    if (this.#byPath.get(container.path) === entry) this.#byPath.delete(container.path);
    clearTimeout(entry.timer);
    this.#expiring.add(entry);
    entry.removedAt = performance.now();
    this.#forgetLater(entry);
  }

  /**
   * Notes that processes are in a container, unless it already knows where they are.
   *
   * @param inode of the cgroup that is at the path now; `undefined`: there is none.
   */
  learn(path: string, inode: number | undefined, pids: readonly number[]): void {
    const entry = this.#byPath.get(path);
    if (entry === undefined || entry.isLarge) return;
    // Another container has taken the path, and discovery has not noticed.
    if (inode !== undefined && inode !== entry.container.inode) return;
    const now = performance.now();
    for (const pid of pids) {
      if (this.#byPid.has(pid)) continue;
      entry.pids.set(pid, now);
      this.#byPid.set(pid, { container: entry.container, cgroup: path });
    }
  }

  /** A burst has begun: inspect each container once. */
  beginBurst(): void {
    this.#left = this.#entries.values();
  }

  /**
   * Inspects some containers; in a burst, the rest as well. Call it as often as possible during a burst.
   *
   * @param young the containers that may be gone in a moment. Those without a known process come first: nothing would be known about
   *   their kills. Of these, the one that has waited longest.
   */
  look(young: readonly ContainerCgroup[]): void {
    const start = performance.now();
    const budget = Math.max(BUDGET_MS, (start - this.#calledAt) * BUDGET_SHARE);
    this.#calledAt = start;
    const isOver = (): boolean => performance.now() - start > budget;
    const isKnown = ({ pids }: RememberedContainer): number => (pids.size > 0 ? 1 : 0);
    const waiting = young
      .flatMap((container) => this.#entries.get(container) ?? [])
      .toSorted((a, b) => isKnown(a) - isKnown(b) || a.lookedAt - b.lookedAt);
    for (const entry of waiting) {
      if (isOver()) break;
      this.#look(entry);
    }
    while (this.#left !== undefined && !isOver()) {
      const { value, done } = this.#left.next();
      if (done === true) this.#left = undefined;
      else this.#look(value);
    }
  }

  [Symbol.dispose](): void {
    for (const { timer } of this.#entries.values()) clearTimeout(timer);
    for (const { timer } of this.#expiring) clearTimeout(timer);
  }

  #lookLater(entry: RememberedContainer, attempt: number): void {
    const age = LOOK_AT_MS[attempt];
    if (age === undefined) return;
    const delay = age - (LOOK_AT_MS[attempt - 1] ?? 0);
    entry.timer = setTimeout(() => {
      this.#look(entry);
      this.#lookLater(entry, attempt + 1);
    }, delay).unref();
  }

  #look(entry: RememberedContainer): void {
    if (entry.isLarge) return;
    const now = performance.now();
    entry.lookedAt = now;
    for (const [pid, seenAt] of entry.pids) if (now - seenAt > REMEMBER_ENDED_MS) this.#forgetProcess(entry, pid);
    for (const [cgroup, pids] of this.#processesOf(entry)) {
      const place = { container: entry.container, cgroup };
      for (const pid of pids) {
        entry.pids.set(pid, now);
        this.#byPid.set(pid, place);
      }
    }
    // Such a long list takes long to read, and a container with that many processes survives a kill.
    if (entry.pids.size > MAX_PROCESSES) {
      entry.isLarge = true;
      for (const pid of entry.pids.keys()) this.#forgetProcess(entry, pid);
    }
  }

  #processesOf({ container }: RememberedContainer): ReturnType<ReadProcesses> {
    try {
      return this.#read(container);
    } catch {
      return new Map();
    }
  }

  #forgetLater(entry: RememberedContainer): void {
    entry.timer = setTimeout(() => {
      const mayBeNamed = this.#isLogUnread() && performance.now() - entry.removedAt < REMEMBER_LONGEST_MS;
      if (mayBeNamed) this.#forgetLater(entry);
      else this.#forget(entry);
    }, REMEMBER_MS).unref();
  }

  #forget(entry: RememberedContainer): void {
    this.#expiring.delete(entry);
    for (const pid of entry.pids.keys()) this.#forgetProcess(entry, pid);
  }

  #forgetProcess(entry: RememberedContainer, pid: number): void {
    entry.pids.delete(pid);
    // Another container may have a process with that pid by now.
    if (this.#byPid.get(pid)?.container === entry.container) this.#byPid.delete(pid);
  }
}

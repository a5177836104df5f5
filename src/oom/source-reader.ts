import type { ContainerCgroup } from '../container.ts';
import type { SteadyClock } from '../kernel/steady-clock.ts';
import type { Attribution } from './attribution.ts';
import type { ContainerProcesses } from './container-processes.ts';
import type { CounterSnapshots } from './counter-snapshots.ts';
import type { KernelLog } from './kernel-log.ts';
import type { MemoryPlaces } from './memory-places.ts';

/** How often, and for how many ms, to repeat reading the counters if kills happened meanwhile. The next poll tries again. */
const MAX_TRIES = 5;
const MAX_TRYING_MS = 50;

/**
 * How long kills that only a counter shows wait for the rest of the kernel's log, in ms. Whoever can write to the log could keep its end
 * away for ever.
 */
const WAIT_FOR_LOG_MS = 30_000;

/** What the reader reads, and where it brings it. */
export interface SourceReaderOptions {
  readonly snapshots: CounterSnapshots;
  readonly attribution: Attribution;
  readonly processes: ContainerProcesses;
  readonly places: Pick<MemoryPlaces, 'discoveryPathOf'>;
  /** The inode of the cgroup that is at a path now; `undefined` if there is none. */
  readonly inodeOf: (path: string) => number | undefined;
  readonly clock: SteadyClock;
}

/** Reads the kernel's log and the counters in the right order, and hands over what they say to attribution. */
export class SourceReader {
  readonly #options: SourceReaderOptions;
  #kernelLog: KernelLog | undefined;
  #hasNews = false;
  /** The counters above containers have changed, and could not be used yet. */
  #areParentsDue = false;
  /** In ms of `performance.now()`. */
  #logReadAt = -Infinity;
  /** Since when a part of the kernel's log has been unread; `undefined`: it was read to its end. */
  #unreadSince: number | undefined;

  constructor(options: SourceReaderOptions) {
    this.#options = options;
  }

  /** Starts reading kills from the kernel's log. */
  follow(kernelLog: KernelLog): void {
    this.#kernelLog = kernelLog;
  }

  /** Whether the kernel's log is read. */
  get isLogUp(): boolean {
    return this.#kernelLog?.up === true;
  }

  /** Whether a part of the kernel's log has not been read yet. */
  get hasMore(): boolean {
    return this.#kernelLog?.hasMore === true;
  }

  /** When the kernel's log was last read, in ms of `performance.now()`. */
  get logReadAt(): number {
    return this.#logReadAt;
  }

  /** The kernel's log has reported a kill since the last {@link take}. */
  get hasNews(): boolean {
    return this.#hasNews;
  }

  /** Reads the kernel's log, for a time in ms. Then {@link hasMore} is true if there is more. */
  readLog(maxMs: number): void {
    const { attribution, processes, places, inodeOf } = this.#options;
    this.#logReadAt = performance.now();
    for (const kill of this.#kernelLog?.kills(maxMs) ?? []) {
      this.#hasNews = true;
      attribution.fromKmsg(kill, kill.beforeStart ? undefined : processes.placeOf(kill.pid));
      // A container that hit its limit is likely to hit it again, and the kernel may leave out the next report.
      if (kill.limitedBy !== undefined && !kill.beforeStart) {
        const path = places.discoveryPathOf(kill.limitedBy);
        processes.learn(path, inodeOf(path), kill.listed);
      }
    }
    this.#unreadSince = this.hasMore ? (this.#unreadSince ?? performance.now()) : undefined;
  }

  /** Whether the kernel's log may still say where a kill happened that a counter already has. */
  get isLogUnread(): boolean {
    return this.#unreadSince !== undefined && performance.now() - this.#unreadSince < WAIT_FOR_LOG_MS;
  }

  /**
   * Reads all sources.
   *
   * @returns whether all counters could be read at the same moment.
   */
  take(logMs: number): boolean {
    const end = performance.now() + MAX_TRYING_MS;
    let result = this.#try(logMs);
    for (let tries = 1; tries < MAX_TRIES && result === 'changed' && performance.now() < end; tries += 1) {
      result = this.#try(logMs);
    }
    this.#hasNews = false;
    return result === 'taken';
  }

  /** Reads the counter above a container before the container has a kill, so that the next reading shows what is new. */
  beginAbove(cgroup: ContainerCgroup): void {
    const { snapshots, attribution } = this.#options;
    const kills = attribution.above.isNewAbove(cgroup) ? snapshots.above(cgroup) : undefined;
    if (kills !== undefined) attribution.above.begin(cgroup, kills);
  }

  #try(logMs: number): 'taken' | 'changed' | 'unreadable' {
    const { snapshots, attribution, clock } = this.#options;
    const { above } = attribution;
    this.readLog(logMs);
    const snapshot = snapshots.take((isNews) => above.parents(isNews || this.#areParentsDue));
    if (snapshot === 'unreadable' || snapshot === 'changed') return snapshot;
    // The counters may have kills that the log has reported since it was read.
    this.readLog(logMs);
    for (const reading of snapshot.readings) attribution.fromCounter(reading, clock.now());
    attribution.settle(snapshot.isFirst ? undefined : clock.now(), this.isLogUnread);
    const { parents } = snapshot;
    // What the rest of the log names would look like a kill in the only container that is gone.
    this.#areParentsDue = parents !== undefined && this.hasMore;
    if (parents === undefined) above.noteNoKills();
    else if (!this.hasMore) attribution.settleParents(parents, (path) => snapshots.childrenOf(path), clock.now());
    return 'taken';
  }
}

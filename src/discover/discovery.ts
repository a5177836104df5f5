import { basename, resolve } from 'node:path';
import type { CgroupMatch, ContainerCgroup, Undecided } from '../container.ts';
import { parentOf } from '../kernel/paths.ts';
import type { Log } from '../log.ts';
import { CgroupTracker, isUndecided } from './cgroup-tracker.ts';
import { ContainerLimits } from './container-limits.ts';
import { EventQueue } from './event-queue.ts';
import { EventReconciler } from './event-reconciler.ts';
import { type ContainerListeners, ContainerSet, type Lifecycle } from './container-set.ts';
import type { DiscoveredContainers } from './discovered-containers.ts';
import type { Walk } from './walk.ts';
import type { WalkerMounts } from './walker.ts';
import { watchDirectory, type WatchDirectory } from './watch.ts';
import { Watches } from './watches.ts';

export interface DiscoveryOptions {
  /** The root directory of the hierarchy. */
  readonly root: string;
  /** The mount points below it, which are not entered; absent: there can be none. */
  readonly mounts?: WalkerMounts | undefined;
  /**
   * Classifies the directory at exactly this path below the root. While it is undecided, it is called again 100 ms, 1 s and 3 s
   * after the directory was first seen, and at each walk; at each walk also while the engine is a guess.
   */
  readonly classify: (path: string) => CgroupMatch | Undecided | undefined;
  /** Also called for containers that exist at startup. */
  readonly onAppeared: ContainerListeners['onAppeared'];
  readonly onRemoved: ContainerListeners['onRemoved'];
  /** Called for a container that has come and gone, and of which only the events of its cgroup are known. */
  readonly onUnseen?: (path: string) => void;
  readonly log: Log;
  /** Absent: none. */
  readonly limits?: ContainerLimits | undefined;
  /** Time between walks while the watch is complete. */
  readonly walkIntervalMs: number;
  /** Replaces chokidar in tests. */
  readonly watchDirectory?: WatchDirectory;
}

/** Time between walks while the watch is incomplete, and walks must find containers. */
const WALK_INTERVAL_WITHOUT_WATCH_MS = 1000;

/** How often to retry refused watches: with ENOSPC all are refused, and each attempt costs. */
const RETRY_INTERVAL_MS = 10_000;

/**
 * Finds the containers of a hierarchy and keeps finding them: it watches every directory that can get containers as children, and
 * walks periodically as the source of truth. Resolves once all existing containers are found and watched.
 *
 * @throws Error if the root is not a readable directory.
 */
export async function discoverContainers(options: DiscoveryOptions): Promise<DiscoveredContainers> {
  const discovery = new CgroupDiscovery(options);
  try {
    await discovery.start();
  } catch (error) {
    await discovery[Symbol.asyncDispose]();
    throw error;
  }
  return discovery;
}

class CgroupDiscovery implements DiscoveredContainers {
  readonly #root: string;
  readonly #log: Log;
  readonly #walkIntervalMs: number;
  readonly #onUnseen: DiscoveryOptions['onUnseen'];
  readonly #containerSet: ContainerSet;
  readonly #events = new EventQueue();
  readonly #watches: Watches;
  readonly #balance: EventReconciler;
  readonly #tracker: CgroupTracker;
  #starting = true;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #walks = 0;
  #blind = false;
  #retriedAt = performance.now();
  /** Set while events are known to be lost: the number of the last walk that noticed. */
  #lostAtWalk: number | undefined;
  /** When events were last known to be lost, or containers to be out of sight, in ms of `performance.now()`. */
  #upSince = -Infinity;
  #wasUp = true;
  #unseen: ReadonlyMap<string, unknown> = new Map();

  constructor(options: DiscoveryOptions) {
    this.#root = resolve(options.root);
    this.#log = options.log;
    this.#walkIntervalMs = options.walkIntervalMs;
    this.#onUnseen = options.onUnseen;
    this.#containerSet = new ContainerSet(options);
    this.#balance = new EventReconciler({
      events: this.#events,
      onUnseen: (path) => {
        // A chown right after the creation causes the same event.
        if (!this.#isTouched(path)) this.#countUnseen(path);
      },
      onHalf: (path) => {
        if (this.#tracker.inodeOf(path) === undefined) this.#countUnseen(path);
      },
      onLost: (path) => this.#noteLoss(path),
    });
    this.#watches = new Watches({
      root: this.#root,
      events: this.#events,
      watchDirectory: options.watchDirectory ?? watchDirectory,
      onName: (directory, name) => this.#onName(directory, name),
      onLive: (directory) => this.#onLive(directory),
      onFailed: (directory, error) => this.#onWatchFailed(directory, error),
    });
    this.#tracker = new CgroupTracker({
      root: this.#root,
      mounts: options.mounts,
      classify: options.classify,
      containerSet: this.#containerSet,
      limits: options.limits ?? new ContainerLimits({ nested: 0, perUser: 0 }, this.#log),
      events: this.#events,
      watches: this.#watches,
      balance: this.#balance,
      log: this.#log,
    });
  }

  get containers(): ReadonlyMap<string, ContainerCgroup> {
    return this.#containerSet.containers;
  }

  get lifecycle(): ReadonlyMap<string, Lifecycle> {
    return this.#containerSet.lifecycle;
  }

  get walkComplete(): boolean {
    return !this.#blind && [...this.#unseen.keys()].every((path) => this.#isInContainer(path));
  }

  get watchUp(): boolean {
    return !this.#blind && this.#lostAtWalk === undefined && !this.#watches.anyFailed;
  }

  territoryOf(path: string): string | undefined {
    return this.#tracker.territoryOf(path);
  }

  async start(): Promise<void> {
    const first = this.#tracker.walker.walk('');
    if (!first.directories.has('')) {
      throw new Error(`Cannot look for containers in ${JSON.stringify(this.#root)}`, { cause: first.unseen.get('') });
    }
    this.#tracker.reconcile(first, '', { atStart: true });
    await this.#watches.settled();
    this.#starting = false;
    // This walk finds containers that appeared or disappeared while the watches were being set up.
    this.walkNow();
  }

  walkNow(): void {
    if (this.#stopped) return;
    this.#walks += 1;
    const walked = this.#tracker.walker.walk('');
    this.#tellUnseen(walked);
    // A missing root means an unmounted hierarchy, not that all containers ended.
    this.#blind = !walked.directories.has('');
    if (!this.#blind) this.#tracker.reconcile(walked, '');
    else if (this.#wasUp)
      this.#log.warn({ directory: this.#root }, 'the cgroup hierarchy is gone; checking for it every second');
    this.#watches.markAllListed();
    if (this.#watches.anyFailed && performance.now() - this.#retriedAt >= RETRY_INTERVAL_MS) {
      this.#retriedAt = performance.now();
      this.#watches.retryFailed();
    }
    if (this.#lostAtWalk !== undefined) this.#recoverIfClean(this.#walks);
    this.#tellHealth();
    this.#schedule();
  }

  afterEvents(callback: () => void): void {
    // What was noticed settles after the pending events, or one round later if a round had already begun.
    this.#events.afterPending(() => this.#events.afterPending(callback));
  }

  certainSince(path: string): number | undefined {
    const since = this.watchUp ? this.#watches.listedAt(path) : undefined;
    return since === undefined ? undefined : Math.max(since, this.#upSince);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#tracker.stop();
    await this.#watches[Symbol.asyncDispose]();
  }

  #schedule(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    const whileDown = this.watchUp ? Infinity : WALK_INTERVAL_WITHOUT_WATCH_MS;
    this.#timer = setTimeout(() => this.walkNow(), Math.min(this.#walkIntervalMs, whileDown)).unref();
  }

  #onName(directory: string, name: string): void {
    if (this.#stopped) return;
    const path = `${directory}/${name}`;
    try {
      const seen = this.#tracker.walker.look(path);
      if (seen === 'other' || (seen === undefined && this.#isAboutItself(directory, name))) return;
      if (seen !== undefined && this.#tracker.isUnchanged(path, seen)) {
        this.#tracker.observe(path, seen);
        return;
      }
      const certainty = this.#watches.certaintyOf(directory) ?? 'uncertain';
      this.#balance.delivered(path, certainty, () => this.#tracker.observe(path, seen));
    } catch {
      // The directory is unreadable. The next walk fails too, and reports it.
    }
  }

  /**
   * A directory reports its own chown and chmod under its own name, and on most file systems except kernfs also its removal.
   */
  #isAboutItself(directory: string, name: string): boolean {
    return name === basename(this.#root + directory) && this.#tracker.inodeOf(`${directory}/${name}`) === undefined;
  }

  #isTouched(path: string): boolean {
    const seen = this.#tracker.walker.look(path);
    return seen !== undefined && seen !== 'other' && seen.touched;
  }

  #onLive(directory: string): void {
    // At startup, and when the hierarchy is mounted again, one walk serves all.
    if (this.#starting || this.#stopped || this.#blind) return;
    this.#tracker.reconcile(this.#tracker.walker.walk(directory), directory);
    this.#watches.markListed(directory);
    this.#tellHealth();
  }

  #onWatchFailed(directory: string, error: unknown): void {
    if (this.#wasUp)
      this.#log.warn(
        { cgroup: directory, error },
        'cannot watch a cgroup; scanning the whole tree every second instead',
      );
    this.#tellHealth();
  }

  #countUnseen(path: string): void {
    const found = this.#tracker.classify(path);
    const match = isUndecided(found) ? found.otherwise : found;
    if (match === undefined || match.infra) return;
    this.#containerSet.countUnseen(match);
    this.#onUnseen?.(path);
  }

  #noteLoss(path: string): void {
    if (this.#wasUp)
      this.#log.warn({ cgroup: path }, 'inotify event lost; scanning the whole tree every second instead');
    this.#lostAtWalk = this.#walks;
    this.#tellHealth();
  }

  /** Clears the loss if a walk found no change without an event. */
  #recoverIfClean(walkNumber: number): void {
    this.afterEvents(() => {
      if (this.#lostAtWalk === undefined || this.#lostAtWalk >= walkNumber) return;
      this.#lostAtWalk = undefined;
      this.#tellHealth();
    });
  }

  #tellHealth(): void {
    const up = this.watchUp;
    if (up === this.#wasUp) return;
    this.#wasUp = up;
    this.#upSince = performance.now();
    if (up) this.#log.info({}, 'inotify reports all cgroups again');
    this.#schedule();
  }

  #isInContainer(path: string): boolean {
    for (let above = parentOf(path); above !== ''; above = parentOf(above)) if (this.containers.has(above)) return true;
    return false;
  }

  #tellUnseen(walked: Walk): void {
    for (const [path, error] of walked.unseen) {
      // A container can make any number of these.
      if (this.#unseen.has(path) || this.#isInContainer(path)) continue;
      this.#log.warn({ cgroup: path, error }, 'cannot read a cgroup directory');
    }
    this.#unseen = walked.unseen;
  }
}

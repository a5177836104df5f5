import { basename, resolve } from 'node:path';
import type { CgroupMatch, ContainerCgroup, Undecided } from '../container.ts';
import type { Log } from '../log.ts';
import { CgroupTracker, isUndecided } from './cgroup-tracker.ts';
import { afterPendingInotifyEvents } from './pending-events.ts';
import { EventReconciler } from './event-reconciler.ts';
import { ContainerSet, type Lifecycle } from './container-set.ts';
import type { Walk } from './walk.ts';
import type { WalkerMounts } from './walker.ts';
import { watchDirectory, type WatchDirectory } from './watch.ts';
import { Watches } from './watches.ts';

/** Which containers there are, kept up to date until it is disposed of. */
export interface Discovery extends AsyncDisposable {
  /** By cgroup path. Without what an engine keeps beside its containers (`match.infra`). */
  readonly containers: ReadonlyMap<string, ContainerCgroup>;
  /**
   * By engine, from the first sight of it: containers started and removed since the daemon started. Those that were
   * there before are not counted as started, but as removed once they are; those too short-lived to be in
   * {@link containers} are counted as both.
   */
  readonly lifecycle: ReadonlyMap<string, Lifecycle>;
  /**
   * Whether the kernel tells of every container that comes and goes. If not (a watch could not be had, events were
   * lost), walks each second find those that live long enough.
   */
  readonly watchUp: boolean;
  /** Looks at the whole hierarchy now. */
  walkNow(): void;
}

export interface DiscoveryOptions {
  /** The directory of the hierarchy to look in. */
  readonly root: string;
  /** What is mounted below it, and is not entered; absent: nothing can be. */
  readonly mounts?: WalkerMounts | undefined;
  /**
   * Says of a path below the root what exactly that directory is. While it is undecided, it is asked again 100 ms and
   * 1 s after the directory was first seen, and at each walk.
   */
  readonly classify: (path: string) => CgroupMatch | Undecided | undefined;
  /** Called for the containers that are there at the start, too. */
  readonly onAppeared: (cgroup: ContainerCgroup) => void;
  readonly onRemoved: (cgroup: ContainerCgroup) => void;
  readonly log: Log;
  /** Between walks while the watch tells everything. */
  readonly walkIntervalMs: number;
  /** For tests. */
  readonly watchDirectory?: WatchDirectory;
}

/** While the watch does not tell everything, it is the walk that finds containers. */
const WALK_INTERVAL_WITHOUT_WATCH_MS = 1000;

/** How often a watch that the kernel refused is asked for again: with ENOSPC all will be refused, and each costs. */
const RETRY_INTERVAL_MS = 10_000;

/**
 * Finds the containers of a hierarchy and goes on finding them: a watch on every directory that can get containers as
 * children, and a walk now and then, which is the truth. Resolves once all that was there is found and watched.
 *
 * @throws Error if the root is not a directory that can be looked at.
 */
export async function discoverContainers(options: DiscoveryOptions): Promise<Discovery> {
  const discovery = new CgroupDiscovery(options);
  try {
    await discovery.start();
  } catch (error) {
    await discovery[Symbol.asyncDispose]();
    throw error;
  }
  return discovery;
}

class CgroupDiscovery implements Discovery {
  readonly #root: string;
  readonly #log: Log;
  readonly #walkIntervalMs: number;
  readonly #containerSet: ContainerSet;
  readonly #watches: Watches;
  readonly #balance: EventReconciler;
  readonly #tracker: CgroupTracker;
  #starting = true;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #walks = 0;
  #blind = false;
  #retriedAt = performance.now();
  /** Set while events are known to have been lost: the number of the last walk that noticed it. */
  #lostAtWalk: number | undefined;
  #wasUp = true;
  #unseen: ReadonlyMap<string, unknown> = new Map();

  constructor(options: DiscoveryOptions) {
    this.#root = resolve(options.root);
    this.#log = options.log;
    this.#walkIntervalMs = options.walkIntervalMs;
    this.#containerSet = new ContainerSet(options);
    this.#balance = new EventReconciler({
      onUnseen: (path) => {
        // What was made in the same moment and given to somebody tells of that alike.
        if (!this.#isTouched(path)) this.#countUnseen(path);
      },
      onHalf: (path) => {
        if (this.#tracker.inodeOf(path) === undefined) this.#countUnseen(path);
      },
      onLost: (path) => this.#noteLoss(path),
    });
    this.#watches = new Watches({
      root: this.#root,
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

  get watchUp(): boolean {
    return !this.#blind && this.#lostAtWalk === undefined && !this.#watches.anyFailed;
  }

  async start(): Promise<void> {
    const first = this.#tracker.walker.walk('');
    if (!first.directories.has('')) {
      throw new Error(`Cannot look for containers in ${JSON.stringify(this.#root)}`, { cause: first.unseen.get('') });
    }
    this.#tracker.reconcile(first, '', { atStart: true });
    await this.#watches.settled();
    this.#starting = false;
    // For what came and went while the watches were being set up.
    this.walkNow();
  }

  walkNow(): void {
    if (this.#stopped) return;
    this.#walks += 1;
    const walked = this.#tracker.walker.walk('');
    this.#tellUnseen(walked);
    // No root at all is a mount gone, not the end of all containers.
    this.#blind = !walked.directories.has('');
    if (!this.#blind) this.#tracker.reconcile(walked, '');
    else if (this.#wasUp)
      this.#log.warn({ directory: this.#root }, 'the cgroup hierarchy is gone; looking for it every second');
    this.#watches.markAllListed();
    if (this.#watches.anyFailed && performance.now() - this.#retriedAt >= RETRY_INTERVAL_MS) {
      this.#retriedAt = performance.now();
      this.#watches.retryFailed();
    }
    if (this.#lostAtWalk !== undefined) this.#recoverIfClean(this.#walks);
    this.#tellHealth();
    this.#schedule();
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
      // It cannot be looked at. The next walk will not be able to either, and says so.
    }
  }

  /**
   * A directory reports its own chown and chmod and, on most file systems though not on kernfs, its own end, under its
   * own name.
   */
  #isAboutItself(directory: string, name: string): boolean {
    return name === basename(this.#root + directory) && this.#tracker.inodeOf(`${directory}/${name}`) === undefined;
  }

  #isTouched(path: string): boolean {
    const seen = this.#tracker.walker.look(path);
    return seen !== undefined && seen !== 'other' && seen.touched;
  }

  #onLive(directory: string): void {
    // At the start one walk serves all.
    if (this.#starting || this.#stopped) return;
    this.#tracker.reconcile(this.#tracker.walker.walk(directory), directory);
    this.#watches.markListed(directory);
    this.#tellHealth();
  }

  #onWatchFailed(directory: string, error: unknown): void {
    if (this.#wasUp)
      this.#log.warn({ cgroup: directory, error }, 'cannot watch a cgroup; looking every second instead');
    this.#tellHealth();
  }

  #countUnseen(path: string): void {
    const found = this.#tracker.classify(path);
    const match = isUndecided(found) ? found.otherwise : found;
    if (match !== undefined && !match.infra) this.#containerSet.countUnseen(match);
  }

  #noteLoss(path: string): void {
    if (this.#wasUp)
      this.#log.warn({ cgroup: path }, 'inotify did not tell of a cgroup; looking every second for a while');
    this.#lostAtWalk = this.#walks;
    this.#tellHealth();
  }

  /** Takes the loss back if a walk met nothing that had not been told of. */
  #recoverIfClean(walkNumber: number): void {
    // What that walk noticed is on the balance, which settles when drained, or, begun before, one draining later.
    afterPendingInotifyEvents(() =>
      afterPendingInotifyEvents(() => {
        if (this.#lostAtWalk === undefined || this.#lostAtWalk >= walkNumber) return;
        this.#lostAtWalk = undefined;
        this.#tellHealth();
      }),
    );
  }

  #tellHealth(): void {
    const up = this.watchUp;
    if (up === this.#wasUp) return;
    this.#wasUp = up;
    if (up) this.#log.info({}, 'inotify tells of all cgroups again');
    this.#schedule();
  }

  #tellUnseen(walked: Walk): void {
    for (const [path, error] of walked.unseen) {
      if (!this.#unseen.has(path)) this.#log.warn({ cgroup: path, error }, 'cannot look into a cgroup');
    }
    this.#unseen = walked.unseen;
  }
}

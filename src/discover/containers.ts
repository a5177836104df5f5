import type { CgroupMatch, ContainerCgroup } from '../container.ts';
import type { Log } from '../log.ts';
import { EventBalance } from './event-balance.ts';
import { look, type Seen, type Walk, walk, wasLookedAt } from './walk.ts';
import { type WatchDirectory, watchDirectory } from './watch.ts';
import { Watches } from './watches.ts';

/** Until the watch works again, it is the walk that finds containers. */
const WALK_INTERVAL_WITHOUT_WATCH_MS = 1_000;

/** When a cgroup that cannot be classified without a process in it is asked about again, besides at each walk. */
const ASK_AGAIN_MS = [100, 1_000];

/** Which containers exist, from cgroupfs alone. */
export interface Discovery extends AsyncDisposable {
  /** By cgroup path. */
  readonly containers: ReadonlyMap<string, ContainerCgroup>;
  /** Containers that appeared and that were removed since the daemon started, by engine; none is lost. */
  readonly lifecycle: ReadonlyMap<string, { readonly started: number; readonly removed: number }>;
  /** Whether inotify tells of every cgroup that comes and goes. If not, the walk finds them a second later. */
  readonly watchUp: boolean;
  walkNow(): void;
}

export interface DiscoveryOptions {
  /** The directory of the hierarchy to look in. */
  readonly root: string;
  /** What the cgroup at exactly this path is; `later` if that shows only once a process is in it. */
  readonly classify: (path: string) => CgroupMatch | 'later' | undefined;
  readonly onAppeared: (cgroup: ContainerCgroup) => void;
  readonly onRemoved: (cgroup: ContainerCgroup) => void;
  readonly log: Log;
  readonly walkIntervalMs: number;
  /** For tests. */
  readonly watchDirectory?: WatchDirectory;
}

/**
 * Finds all containers, and goes on to find those that come. The walk is the truth, inotify the speed: what a walk finds
 * that inotify should have told of marks the watch as down. Containers that are there at the start are not counted as
 * started.
 */
export async function discoverContainers(options: DiscoveryOptions): Promise<Discovery> {
  const tracker = new Tracker(options);
  await tracker.start();
  return tracker;
}

class Tracker implements Discovery {
  readonly containers = new Map<string, ContainerCgroup>();
  readonly lifecycle = new Map<string, { started: number; removed: number }>();
  readonly #options: DiscoveryOptions;
  readonly #known = new Map<string, Seen>();
  readonly #undecided = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #watches: Watches;
  readonly #balance: EventBalance;
  #walkTimer: NodeJS.Timeout | undefined;
  #started = false;
  #eventsLost = false;
  #wasUp = true;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#balance = new EventBalance({
      onUnseen: (path) => this.#countUnseen(path),
      onLost: () => {
        this.#eventsLost = true;
        this.#healthChanged();
      },
    });
    this.#watches = new Watches({
      root: options.root,
      watchDirectory: options.watchDirectory ?? watchDirectory,
      onName: (directory, name) => this.#onName(directory, name),
      onLive: (directory) => {
        this.#reconcile(directory);
        this.#watches.markListed(directory);
      },
      onFailed: (directory, error) => {
        if (this.#wasUp)
          this.#options.log.warn({ directory, error }, 'cannot watch cgroups; the walk finds them instead');
        this.#healthChanged();
      },
    });
  }

  get watchUp(): boolean {
    return !this.#eventsLost && !this.#watches.anyFailed;
  }

  async start(): Promise<void> {
    this.#reconcile('');
    await this.#watches.settled();
    this.#started = true;
    this.#scheduleWalk();
  }

  walkNow(): void {
    this.#watches.retryFailed();
    const lostBefore = this.#eventsLost;
    this.#eventsLost = false;
    this.#reconcile('');
    if (lostBefore) this.#healthChanged();
    this.#scheduleWalk();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#walkTimer);
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#watches[Symbol.asyncDispose]();
  }

  #scheduleWalk(): void {
    clearTimeout(this.#walkTimer);
    const delay = this.watchUp ? this.#options.walkIntervalMs : WALK_INTERVAL_WITHOUT_WATCH_MS;
    this.#walkTimer = setTimeout(() => this.walkNow(), Math.min(delay, this.#options.walkIntervalMs)).unref();
  }

  #healthChanged(): void {
    const up = this.watchUp;
    if (up === this.#wasUp) return;
    this.#wasUp = up;
    if (up) this.#options.log.info({}, 'inotify tells of cgroups again');
    else this.#options.log.warn({}, 'inotify does not tell of all cgroups; looking every second instead');
    this.#scheduleWalk();
  }

  #onName(directory: string, name: string): void {
    const path = `${directory}/${name}`;
    const certainty = this.#watches.certaintyOf(directory) ?? 'uncertain';
    this.#balance.delivered(path, certainty, () => this.#observe(path));
  }

  /** Looks at one directory and notes what has changed. */
  #observe(path: string): void {
    try {
      const seen = look(this.#options.root, path);
      if (seen === 'other') return;
      this.#update(path, seen);
      // Children may have been made before a watch on it could be.
      if (seen !== undefined && !seen.leaf) this.#reconcile(path);
    } catch (error) {
      this.#options.log.debug({ path, error }, 'cannot look at a cgroup');
    }
  }

  /** Walks the tree from a directory on and notes what has changed there. */
  #reconcile(from: string): void {
    const walked: Walk = walk(this.#options.root, from);
    const below = `${from}/`;
    for (const path of this.#known.keys()) {
      const isHere = path === from || path.startsWith(below);
      if (isHere && !walked.directories.has(path) && wasLookedAt(walked, path)) this.#update(path, undefined);
    }
    for (const [path, seen] of walked.directories) this.#update(path, seen);
    for (const path of this.#undecided) this.#decide(path);
  }

  #update(path: string, seen: Seen | undefined): void {
    const known = this.#known.get(path);
    if (known !== undefined && seen?.inode !== known.inode) this.#disappear(path);
    if (seen === undefined) return;
    if (known?.inode === seen.inode) {
      this.#known.set(path, seen);
      if (!seen.leaf && this.containers.has(path)) this.#watches.add(path);
      return;
    }
    this.#appear(path, seen);
  }

  #appear(path: string, seen: Seen): void {
    this.#known.set(path, seen);
    this.#noticed(path);
    this.#undecided.add(path);
    this.#decide(path);
    if (!this.#undecided.has(path)) return;
    for (const delay of ASK_AGAIN_MS) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#decide(path);
      }, delay).unref();
      this.#timers.add(timer);
    }
  }

  #decide(path: string): void {
    const seen = this.#known.get(path);
    if (seen === undefined || !this.#undecided.has(path)) return;
    const match = this.#options.classify(path);
    if (match === 'later') return;
    this.#undecided.delete(path);
    // Parents are watched, not containers: those only if they have children, such as containers of their own.
    if (match === undefined || !seen.leaf) this.#watches.add(path);
    if (match === undefined || match.infra) return;
    const cgroup: ContainerCgroup = { path, inode: seen.inode, match, seenAt: performance.now() };
    this.containers.set(path, cgroup);
    this.#countersOf(match.engine).started += this.#started ? 1 : 0;
    this.#options.onAppeared(cgroup);
  }

  #disappear(path: string): void {
    this.#known.delete(path);
    this.#undecided.delete(path);
    this.#noticed(path);
    this.#watches.remove(path);
    const cgroup = this.containers.get(path);
    if (cgroup === undefined) return;
    this.containers.delete(path);
    this.#countersOf(cgroup.match.engine).removed += 1;
    this.#options.onRemoved(cgroup);
  }

  /** Tells the balance of a change that inotify has told of or will. */
  #noticed(path: string): void {
    if (path === '') return;
    const certainty = this.#watches.certaintyOf(path.slice(0, path.lastIndexOf('/')));
    if (certainty !== undefined) this.#balance.noticed(path, certainty);
  }

  /** A life too short to be looked at. */
  #countUnseen(path: string): void {
    const match = this.#options.classify(path);
    if (match === undefined || match === 'later' || match.infra) return;
    const counters = this.#countersOf(match.engine);
    counters.started += 1;
    counters.removed += 1;
  }

  #countersOf(engine: string): { started: number; removed: number } {
    const counters = this.lifecycle.get(engine) ?? { started: 0, removed: 0 };
    this.lifecycle.set(engine, counters);
    return counters;
  }
}

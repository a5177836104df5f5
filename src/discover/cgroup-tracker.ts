import type { CgroupMatch, Undecided } from '../container.ts';
import type { Log } from '../log.ts';
import type { EventQueue } from './event-queue.ts';
import type { EventReconciler } from './event-reconciler.ts';
import { type ContainerLimits, territoriesOf } from './container-limits.ts';
import type { ContainerSet } from './container-set.ts';
import { Tree, type Directory } from './tree.ts';
import { oldestFirst, wasLookedAt, type Seen, type Walk } from './walk.ts';
import { Walker, type WalkerMounts } from './walker.ts';
import type { Watches } from './watches.ts';

/** Ages at which a young directory is checked again, in addition to each walk. In ms. */
const LOOK_AGAIN_MS = [100, 1000, 3000];

/**
 * From this age on, in ms, the path alone classifies a cgroup. It is a little less than the second check, because
 * timers can fire early.
 */
const GIVE_UP_MS = 900;

/**
 * The same age while a runtime is, or may be, setting the cgroup up. Slow machines take long, and the name of a runtime
 * can be forged.
 */
const GIVE_UP_STARTING_MS = 60_000;

/** A container, or an unprivileged user, can create any number of cgroups. Beyond this number only walks find them. */
const MOST_WATCHES_INSIDE = 512;

/** What the tracker needs from the rest of discovery. */
export interface CgroupTrackerOptions {
  readonly root: string;
  /** The mount points below the root; `undefined`: there can be none. */
  readonly mounts: WalkerMounts | undefined;
  readonly classify: (path: string) => CgroupMatch | Undecided | undefined;
  readonly containerSet: ContainerSet;
  readonly limits: ContainerLimits;
  readonly events: Pick<EventQueue, 'afterPending'>;
  readonly watches: Pick<Watches, 'add' | 'remove' | 'has' | 'certaintyOf'>;
  readonly balance: Pick<EventReconciler, 'noticed'>;
  readonly log: Pick<Log, 'warn'>;
}

/** Tracks every directory, records what checks find, and decides which directories are watched. */
export class CgroupTracker {
  readonly #options: CgroupTrackerOptions;
  readonly #tree = new Tree();
  /** Reads directories, and does not enter mounts below the root. */
  readonly walker: Walker;
  #classifyFailed = false;

  constructor(options: CgroupTrackerOptions) {
    this.#options = options;
    const { root, mounts } = options;
    this.walker = new Walker({ root, mounts, pathOf: (inode) => this.#tree.pathOf(inode) });
  }

  /** The inode of a directory as last seen. */
  inodeOf(path: string): number | undefined {
    return this.#tree.get(path)?.inode;
  }

  /** The outermost cgroup around this one in which somebody other than the host's root creates cgroups. */
  territoryOf(path: string): string | undefined {
    const directory = this.#tree.get(path);
    return directory && territoriesOf(directory).at(-1)?.top.path;
  }

  /** Whether an event about a directory can only be a change of its owner, mode or times, because it existed all along. */
  isUnchanged(path: string, seen: Seen): boolean {
    const known = this.#tree.get(path);
    return known?.settled === true && known.inode === seen.inode;
  }

  /** Updates the directories at and below `from` with the result of a walk. */
  reconcile(walked: Walk, from: string, options?: { readonly atStart: boolean }): void {
    for (const [path, seen] of oldestFirst(walked)) this.#take(path, seen, options?.atStart ?? false);
    const top = this.#tree.get(from);
    if (top === undefined) return;
    for (const directory of this.#tree.below(top)) {
      if (!walked.directories.has(directory.path) && wasLookedAt(walked, directory.path)) this.#drop(directory);
    }
  }

  /** The same for one checked path. A new directory is walked. */
  observe(path: string, seen: Seen | undefined): void {
    const known = this.#tree.get(path);
    if (seen === undefined) {
      if (known !== undefined) this.#drop(known);
    } else if (seen.leaf || known?.inode === seen.inode) {
      this.#take(path, seen, false);
    } else {
      this.reconcile(this.walker.walk(path), path);
    }
  }

  /** Whether a path would be a container if it existed. */
  classify(path: string): CgroupMatch | Undecided | undefined {
    try {
      return this.#options.classify(path);
    } catch (error) {
      if (!this.#classifyFailed) this.#options.log.warn({ cgroup: path, error }, 'cannot classify a cgroup');
      this.#classifyFailed = true;
      return { undecided: true, otherwise: undefined, because: 'unconfirmed' };
    }
  }

  /** Stops the checks of young directories. */
  stop(): void {
    for (const directory of this.#tree.all()) clearTimeout(directory.timer);
  }

  #take(path: string, seen: Seen, atStart: boolean): void {
    const known = this.#tree.get(path);
    if (known?.inode === seen.inode) {
      // systemd creates a user's directory first and hands it over then.
      known.uid = seen.uid;
      this.#decide(known, seen);
      return;
    }
    if (known !== undefined) this.#drop(known);
    const directory = this.#tree.add(path, seen, { atStart });
    if (directory === undefined) return;
    this.#options.events.afterPending(() => (directory.settled = true));
    this.#noticed(directory);
    this.#decide(directory, seen);
    this.#lookAgain(directory, 0);
  }

  #drop(directory: Directory): void {
    for (const child of directory.children) this.#drop(child);
    // The directory may already have been removed with its parent.
    if (this.#tree.get(directory.path) !== directory) return;
    clearTimeout(directory.timer);
    this.#noticed(directory);
    this.#unwatch(directory);
    this.#tree.delete(directory);
    this.#options.limits.removed(directory);
    this.#options.containerSet.remove(directory.path);
  }

  /** Consumes the event of a directory that appeared or disappeared, which the watch on the parent has reported or will report. */
  #noticed({ path, parent }: Directory): void {
    const certainty = parent && this.#options.watches.certaintyOf(parent.path);
    if (certainty !== undefined) this.#options.balance.noticed(path, certainty);
  }

  /** Classifies a directory, and decides whether containers can appear below it. */
  #decide(directory: Directory, seen: Seen): void {
    const wasUndecided = directory.kind === 'undecided';
    if (wasUndecided) this.#identify(directory);
    else if (directory.isGuess) this.#correct(directory);
    else this.#count(directory);
    // Containers only if they have children: Docker in Docker, systemd in a container.
    const isLeaf = directory.kind !== 'undecided' && directory.kind !== 'other' && seen.leaf;
    if (!isLeaf) this.#watch(directory);
    else if (wasUndecided) this.#unwatch(directory);
  }

  #watch(directory: Directory): void {
    const { watches } = this.#options;
    if (watches.has(directory.path)) return;
    const around = territoriesOf(directory).map(({ top }) => top);
    if (around.some(({ watchesInside }) => watchesInside >= MOST_WATCHES_INSIDE)) return;
    for (const top of around) top.watchesInside += 1;
    directory.watchedIn = around;
    // Not before other containers were noticed, which may be gone in a moment.
    watches.add(directory.path, directory.kind === 'container' || around.length > 0 ? 'later' : 'now');
  }

  #unwatch(directory: Directory): void {
    this.#options.watches.remove(directory.path);
    for (const top of directory.watchedIn) top.watchesInside -= 1;
    directory.watchedIn = [];
  }

  #identify(directory: Directory): void {
    const { path, inode, seenAt } = directory;
    const { limits, containerSet } = this.#options;
    const found = this.classify(path);
    if (isUndecided(found)) {
      // An unconfirmed candidate inside a container is part of it.
      if (found.otherwise === undefined && outermostContainer(directory) !== undefined) directory.kind = 'other';
      if (found.otherwise === undefined || isWorthWaiting(found, directory)) return;
    }
    const match = isUndecided(found) ? found.otherwise : found;
    if (match === undefined) {
      directory.kind = 'other';
    } else if (match.infra) {
      directory.kind = 'infra';
    } else if (limits.admit(directory)) {
      directory.kind = 'container';
      directory.isGuess = match.engineGuessed === true;
      const how = limits.wasSurplus(path) ? 'promoted' : directory.atStart ? 'found' : 'started';
      const territory = this.territoryOf(path);
      containerSet.add({ path, inode, match: territory === undefined ? match : { ...match, territory }, seenAt }, how);
    } else {
      directory.kind = 'surplus';
    }
  }

  /** A container can become surplus when the directory around it turns out to be one, and a surplus one a container again. */
  #count(directory: Directory): void {
    const { limits, containerSet } = this.#options;
    if (directory.kind === 'surplus' && limits.hasRoom(directory)) {
      directory.kind = 'undecided';
      this.#identify(directory);
    } else if (directory.kind === 'container' && !limits.isCounted(directory) && !limits.admit(directory)) {
      directory.kind = 'surplus';
      containerSet.remove(directory.path);
    }
  }

  /**
   * Changes the engine of a container whose engine was a guess. On a slow machine, the first process that shows the
   * engine starts late.
   */
  #correct(directory: Directory): void {
    const found = this.classify(directory.path);
    if (isUndecided(found)) return;
    const { containerSet, limits } = this.#options;
    directory.isGuess = false;
    if (found?.infra === false && found.engine === containerSet.containers.get(directory.path)?.match.engine) {
      containerSet.settled(directory.path);
      return;
    }
    containerSet.correct(directory.path);
    limits.release(directory);
    directory.kind = 'undecided';
    this.#identify(directory);
  }

  /** A new container may soon get children, and an empty cgroup a process. */
  #lookAgain(directory: Directory, attempt: number): void {
    const { watches } = this.#options;
    const age = LOOK_AGAIN_MS[attempt];
    const young = directory.kind === 'container' && !directory.atStart && !watches.has(directory.path);
    if (age === undefined || (directory.kind !== 'undecided' && !young)) return;
    const timer = setTimeout(
      () => {
        const seen = this.#lookOrGiveUp(directory.path);
        if (seen === undefined || seen.inode !== directory.inode) return;
        if (seen.leaf || watches.has(directory.path)) this.#decide(directory, seen);
        else this.reconcile(this.walker.walk(directory.path), directory.path);
        this.#lookAgain(directory, attempt + 1);
      },
      Math.max(0, directory.seenAt + age - performance.now()),
    );
    directory.timer = timer.unref();
  }

  /** Leaves unreadable directories to the walk, which reports them. */
  #lookOrGiveUp(path: string): Seen | undefined {
    try {
      const seen = this.walker.look(path);
      return seen === 'other' ? undefined : seen;
    } catch {
      return undefined;
    }
  }
}

/** The outermost container that contains a directory, not the directory itself. */
function outermostContainer({ parent }: Directory): Directory | undefined {
  let found: Directory | undefined;
  for (let above = parent; above !== undefined; above = above.parent) if (above.kind === 'container') found = above;
  return found;
}

/** Whether a cgroup is not classified yet. */
export function isUndecided(found: CgroupMatch | Undecided | undefined): found is Undecided {
  return found !== undefined && 'undecided' in found;
}

function isWorthWaiting({ because }: Undecided, { seenAt, atStart }: Directory): boolean {
  return performance.now() - seenAt < patienceWith(because, atStart);
}

/**
 * The age from which the path alone decides, in ms. A directory from before the daemon is not about to be set up,
 * unless a runtime is working in it.
 */
function patienceWith(because: Undecided['because'], atStart: boolean): number {
  if (because === 'starting') return GIVE_UP_STARTING_MS;
  if (atStart) return 0;
  return because === 'empty' ? GIVE_UP_STARTING_MS : GIVE_UP_MS;
}

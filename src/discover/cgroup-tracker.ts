import type { CgroupMatch, Undecided } from '../container.ts';
import type { Log } from '../log.ts';
import { afterPendingInotifyEvents } from './pending-events.ts';
import type { EventReconciler } from './event-reconciler.ts';
import type { ContainerSet } from './container-set.ts';
import { Tree, type Directory } from './tree.ts';
import { wasLookedAt, type Seen, type Walk } from './walk.ts';
import { Walker, type WalkerMounts } from './walker.ts';
import type { Watches } from './watches.ts';

/** Ages at which a young directory is looked at again, besides at each walk. */
const LOOK_AGAIN_MS = [100, 1000];

/** From this age on, a cgroup is taken for what its path says. The last look is late enough, early as timers can be. */
const GIVE_UP_MS = 900;

/** The same while a runtime is at work in it: slow machines take long, and a name can be forged. */
const GIVE_UP_STARTING_MS = 60_000;

/** A container can make any number of cgroups in itself. What is beyond these is found by walks alone. */
const MOST_WATCHES_INSIDE = 512;

/** What the tracker needs of the rest of discovery. */
export interface CgroupTrackerOptions {
  readonly root: string;
  /** What is mounted below the root; `undefined`: nothing can be. */
  readonly mounts: WalkerMounts | undefined;
  readonly classify: (path: string) => CgroupMatch | Undecided | undefined;
  readonly containerSet: ContainerSet;
  readonly watches: Pick<Watches, 'add' | 'remove' | 'has' | 'certaintyOf'>;
  readonly balance: Pick<EventReconciler, 'noticed'>;
  readonly log: Pick<Log, 'warn'>;
}

/** Knows every directory, and takes over what looking at them shows. It says which of them are to be watched. */
export class CgroupTracker {
  readonly #options: CgroupTrackerOptions;
  readonly #tree = new Tree();
  /** Looks at directories, and enters no mount below the root. */
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

  /** Whether an event about a directory can only be of its owner, mode or times: it has been there all the time. */
  isUnchanged(path: string, seen: Seen): boolean {
    const known = this.#tree.get(path);
    return known?.settled === true && known.inode === seen.inode;
  }

  /** Brings what is known at and below `from` in line with what a walk of it found. */
  reconcile(walked: Walk, from: string, options?: { readonly atStart: boolean }): void {
    for (const [path, seen] of walked.directories) this.#take(path, seen, options?.atStart ?? false);
    const top = this.#tree.get(from);
    if (top === undefined) return;
    for (const directory of this.#tree.below(top)) {
      if (!walked.directories.has(directory.path) && wasLookedAt(walked, directory.path)) this.#drop(directory);
    }
  }

  /** The same for one path that was looked at; one that is new is walked. */
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

  /** Whether a path would be a container, were it there. */
  classify(path: string): CgroupMatch | Undecided | undefined {
    try {
      return this.#options.classify(path);
    } catch (error) {
      if (!this.#classifyFailed) this.#options.log.warn({ cgroup: path, error }, 'cannot tell what a cgroup is');
      this.#classifyFailed = true;
      return { undecided: true, otherwise: undefined, starting: false };
    }
  }

  /** Stops looking at young directories again. */
  stop(): void {
    for (const directory of this.#tree.all()) clearTimeout(directory.timer);
  }

  #take(path: string, seen: Seen, atStart: boolean): void {
    const known = this.#tree.get(path);
    if (known?.inode === seen.inode) {
      this.#decide(known, seen);
      return;
    }
    if (known !== undefined) this.#drop(known);
    const directory = this.#tree.add(path, seen, { atStart });
    if (directory === undefined) return;
    afterPendingInotifyEvents(() => (directory.settled = true));
    this.#noticed(directory);
    this.#decide(directory, seen);
    this.#lookAgain(directory, 0);
  }

  #drop(directory: Directory): void {
    for (const child of directory.children) this.#drop(child);
    // Unless it went with its parent already.
    if (this.#tree.get(directory.path) !== directory) return;
    clearTimeout(directory.timer);
    this.#noticed(directory);
    this.#unwatch(directory);
    this.#tree.delete(directory);
    this.#options.containerSet.remove(directory.path);
  }

  /** Uses up the event that the watch on the parent has given, or is to give, of a directory that came or went. */
  #noticed({ path, parent }: Directory): void {
    const certainty = parent && this.#options.watches.certaintyOf(parent.path);
    if (certainty !== undefined) this.#options.balance.noticed(path, certainty);
  }

  /** Works out what a directory is, and whether something can come up below it. */
  #decide(directory: Directory, seen: Seen): void {
    const wasUndecided = directory.kind === 'undecided';
    if (wasUndecided) this.#identify(directory);
    // Of containers only those with children: Docker in Docker, systemd in a container.
    const isLeaf = (directory.kind === 'container' || directory.kind === 'infra') && seen.leaf;
    if (!isLeaf) this.#watch(directory);
    else if (wasUndecided) this.#unwatch(directory);
  }

  #watch(directory: Directory): void {
    const { watches } = this.#options;
    if (watches.has(directory.path)) return;
    const around = outermostContainer(directory);
    if (around !== undefined) {
      if (around.watchesInside >= MOST_WATCHES_INSIDE) return;
      around.watchesInside += 1;
      directory.watchedIn = around;
    }
    watches.add(directory.path);
  }

  #unwatch(directory: Directory): void {
    this.#options.watches.remove(directory.path);
    if (directory.watchedIn === undefined) return;
    directory.watchedIn.watchesInside -= 1;
    directory.watchedIn = undefined;
  }

  #identify(directory: Directory): void {
    const { path, inode, seenAt } = directory;
    const found = this.classify(path);
    if (isUndecided(found)) {
      // A mere candidate inside a container is part of it.
      if (found.otherwise === undefined && outermostContainer(directory) !== undefined) directory.kind = 'other';
      if (found.otherwise === undefined || isWorthWaiting(found, directory)) return;
    }
    const match = isUndecided(found) ? found.otherwise : found;
    if (match === undefined) {
      directory.kind = 'other';
    } else if (match.infra) {
      directory.kind = 'infra';
    } else {
      directory.kind = 'container';
      this.#options.containerSet.add({ path, inode, match, seenAt }, directory.atStart ? 'found' : 'started');
    }
  }

  /** A new container may get children in a moment, and a cgroup without processes may get one. */
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
      directory.seenAt + age - performance.now(),
    );
    directory.timer = timer.unref();
  }

  /** What cannot be looked at is left to the walk, which reports it. */
  #lookOrGiveUp(path: string): Seen | undefined {
    try {
      const seen = this.walker.look(path);
      return seen === 'other' ? undefined : seen;
    } catch {
      return undefined;
    }
  }
}

/** The container that a directory is inside of, the one nearest to the root; not the directory itself. */
function outermostContainer({ parent }: Directory): Directory | undefined {
  let found: Directory | undefined;
  for (let above = parent; above !== undefined; above = above.parent) if (above.kind === 'container') found = above;
  return found;
}

/** Whether it cannot be told yet what a cgroup is. */
export function isUndecided(found: CgroupMatch | Undecided | undefined): found is Undecided {
  return found !== undefined && 'undecided' in found;
}

function isWorthWaiting({ starting }: Undecided, { seenAt, atStart }: Directory): boolean {
  const patience = starting ? GIVE_UP_STARTING_MS : atStart ? 0 : GIVE_UP_MS;
  return performance.now() - seenAt < patience;
}

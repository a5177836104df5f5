import { existsSync, type FSWatcher, watch } from 'node:fs';
import { EventFlood, TooManyEvents } from '../event-flood.ts';
import { errnoOf } from '../kernel/errno.ts';
import { parentOf } from '../kernel/paths.ts';

/** How often to retry a watch that could not be set up, in ms. */
const RETRY_MS = 10_000;

/** Why a file is not watched: the kernel refuses the watch, or the cgroup has no such file (yet). */
type Obstacle = 'refused' | 'missing';

interface EventWatch {
  /** The containers that it serves. */
  readonly users: Set<string>;
  watcher: FSWatcher | undefined;
  obstacle: Obstacle | undefined;
}

/** The facts and callbacks that the watches need. */
export interface EventWatchesOptions {
  /** The root directory of the memory hierarchy. */
  readonly root: string;
  readonly onEvent: () => void;
  /** The kernel refuses a watch: ENOSPC (`fs.inotify.max_user_watches`) or EMFILE (`max_user_instances`). Or {@link TooManyEvents}. */
  readonly onRefused: (error: unknown) => void;
  readonly retryMs?: number;
}

/**
 * Watches the `memory.events` of the cgroups that hold containers (cgroup v2). The kernel also changes that file for events in
 * the cgroups below. So one inotify watch on a parent serves all containers in it.
 */
export class EventWatches implements Disposable {
  readonly #options: EventWatchesOptions;
  readonly #entries = new Map<string, EventWatch>();
  readonly #flood = new EventFlood();
  #retry: NodeJS.Timeout | undefined;

  constructor(options: EventWatchesOptions) {
    this.#options = options;
  }

  /** Whether inotify reports every kill in a container. */
  get up(): boolean {
    for (const { obstacle } of this.#entries.values()) if (obstacle !== undefined) return false;
    return true;
  }

  /** Watches for a container. The root cgroup has no such file, so a container directly below it gets its own watch. */
  add(path: string): void {
    const target = watchedFor(path);
    const entry = this.#entries.get(target) ?? { users: new Set(), watcher: undefined, obstacle: undefined };
    this.#entries.set(target, entry);
    entry.users.add(path);
    if (entry.watcher === undefined) this.#open(target, entry);
  }

  /** Stops watching for a container. Does nothing for one that was not added. */
  remove(path: string): void {
    const target = watchedFor(path);
    const entry = this.#entries.get(target);
    if (entry === undefined) return;
    entry.users.delete(path);
    if (entry.users.size > 0) return;
    this.#entries.delete(target);
    entry.watcher?.close();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#retry);
    for (const { watcher } of this.#entries.values()) watcher?.close();
    this.#entries.clear();
  }

  #open(target: string, entry: EventWatch): void {
    const { root, onEvent } = this.#options;
    try {
      const fail = (error: unknown): void => {
        watcher.close();
        entry.watcher = undefined;
        this.#fail(entry, error);
      };
      const watcher = watch(`${root}${target}/memory.events`, { persistent: false }, () => {
        // A container that owns the file can change its mode all the time.
        if (this.#flood.note(target)) fail(new TooManyEvents());
        else onEvent();
      });
      watcher.on('error', fail);
      const isLate = entry.obstacle !== undefined;
      entry.watcher = watcher;
      entry.obstacle = undefined;
      // A kill may have happened before the watch existed.
      if (isLate) onEvent();
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') this.#fail(entry, error);
      // A removed cgroup has no more kills. A cgroup without the file has no memory controller.
      else entry.obstacle = existsSync(root + target) ? 'missing' : undefined;
      this.#retryLater();
    }
  }

  #fail(entry: EventWatch, error: unknown): void {
    const isFirst = ![...this.#entries.values()].some(({ obstacle }) => obstacle === 'refused');
    entry.obstacle = 'refused';
    if (isFirst) this.#options.onRefused(error);
    this.#retryLater();
  }

  #retryLater(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      for (const [target, entry] of this.#entries) if (entry.watcher === undefined) this.#open(target, entry);
    }, this.#options.retryMs ?? RETRY_MS).unref();
  }
}

function watchedFor(path: string): string {
  const parent = parentOf(path);
  return parent === '' ? path : parent;
}

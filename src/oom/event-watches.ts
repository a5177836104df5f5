import { type FSWatcher, watch } from 'node:fs';
import { errnoOf } from '../kernel/errno.ts';

/** How often a watch that the kernel refused is asked for again, in ms. */
const RETRY_MS = 10_000;

interface Entry {
  users: number;
  watcher: FSWatcher | undefined;
}

/**
 * Watches the `memory.events` of the cgroups that containers are in (cgroup v2). The kernel reports a change of that file
 * by inotify, also for each event further below, so one watch on a parent serves all containers in it.
 */
export class EventWatches implements Disposable {
  readonly #root: string;
  readonly #onEvent: () => void;
  readonly #onRefused: (error: unknown) => void;
  readonly #entries = new Map<string, Entry>();
  #refused = new Set<string>();
  #retry: NodeJS.Timeout | undefined;

  constructor(options: {
    readonly root: string;
    readonly onEvent: () => void;
    /** The kernel refuses a watch: ENOSPC (`fs.inotify.max_user_watches`) or EMFILE (`max_user_instances`). */
    readonly onRefused: (error: unknown) => void;
  }) {
    this.#root = options.root;
    this.#onEvent = options.onEvent;
    this.#onRefused = options.onRefused;
  }

  /** Whether every change is told of. */
  get up(): boolean {
    return this.#refused.size === 0;
  }

  /** Watches for a container. The root has no such file: what is right below it is watched itself. */
  add(path: string): void {
    const target = watchedFor(path);
    const entry = this.#entries.get(target);
    if (entry !== undefined) {
      entry.users += 1;
      return;
    }
    this.#entries.set(target, { users: 1, watcher: undefined });
    this.#open(target);
  }

  remove(path: string): void {
    const target = watchedFor(path);
    const entry = this.#entries.get(target);
    if (entry === undefined) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    this.#entries.delete(target);
    this.#refused.delete(target);
    entry.watcher?.close();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#retry);
    for (const { watcher } of this.#entries.values()) watcher?.close();
    this.#entries.clear();
  }

  #open(target: string): void {
    const entry = this.#entries.get(target);
    if (entry === undefined) return;
    try {
      const watcher = watch(`${this.#root}${target}/memory.events`, { persistent: false }, this.#onEvent);
      watcher.on('error', (error) => this.#refuse(target, error));
      entry.watcher = watcher;
      this.#refused.delete(target);
    } catch (error) {
      // Without the controller there is no file, and nothing to watch for.
      if (errnoOf(error) !== 'ENOENT') this.#refuse(target, error);
    }
  }

  #refuse(target: string, error: unknown): void {
    if (this.up) this.#onRefused(error);
    this.#refused.add(target);
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      for (const refused of this.#refused) this.#open(refused);
    }, RETRY_MS).unref();
  }
}

function watchedFor(path: string): string {
  const parent = path.slice(0, path.lastIndexOf('/'));
  return parent === '' ? path : parent;
}

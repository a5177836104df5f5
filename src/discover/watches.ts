import { errnoOf } from '../kernel/errno.ts';
import { TooManyEvents } from '../event-flood.ts';
import type { EventQueue } from './event-queue.ts';
import type { WatchTrust } from './event-reconciler.ts';
import type { Watch, WatchDirectory } from './watch.ts';

interface DirectoryWatch {
  state: 'opening' | 'live' | 'listed' | 'failed';
  /** When the directory was listed after the watch went live, in ms of `performance.now()`. */
  listedAt?: number;
  wanted: boolean;
  opened: Promise<void>;
  watch?: Watch;
  error?: unknown;
}

/** The watches on directories that have or may get containers as children, by path below the root. */
export class Watches implements AsyncDisposable {
  readonly #root: string;
  readonly #events: EventQueue;
  readonly #watchDirectory: WatchDirectory;
  readonly #onName: (directory: string, name: string) => void;
  readonly #onLive: (directory: string) => void;
  readonly #onFailed: (directory: string, error: unknown) => void;
  readonly #entries = new Map<string, DirectoryWatch>();
  readonly #failed = new Set<string>();
  readonly #closing = new Map<string, Promise<void>>();

  constructor(options: {
    root: string;
    events: EventQueue;
    watchDirectory: WatchDirectory;
    onName: (directory: string, name: string) => void;
    /** A watch is live. Earlier changes were missed: list the directory, then call {@link markListed}. */
    onLive: (directory: string) => void;
    onFailed: (directory: string, error: unknown) => void;
  }) {
    this.#root = options.root;
    this.#events = options.events;
    this.#watchDirectory = options.watchDirectory;
    this.#onName = options.onName;
    this.#onLive = options.onLive;
    this.#onFailed = options.onFailed;
  }

  has(path: string): boolean {
    return this.#entries.has(path);
  }

  /** How far the watch on a directory can be trusted to report changes; `undefined`: not at all. */
  certaintyOf(path: string): WatchTrust | undefined {
    switch (this.#entries.get(path)?.state) {
      case 'listed':
        return 'certain';
      case 'live':
        return 'uncertain';
      default:
        return undefined;
    }
  }

  /** Since when the watch on a directory is certain, in ms of `performance.now()`; `undefined`: it is not. */
  listedAt(path: string): number | undefined {
    const entry = this.#entries.get(path);
    return entry?.state === 'listed' ? entry.listedAt : undefined;
  }

  /** Whether a needed watch was refused. */
  get anyFailed(): boolean {
    return this.#failed.size > 0;
  }

  /** Resolves once no watch is being set up any more. */
  async settled(): Promise<void> {
    await Promise.all([...this.#entries.values()].map((entry) => entry.opened));
  }

  /** @param when `later`: when there are no events. Opening a watch takes longer than handling an event. */
  add(path: string, when: 'now' | 'later'): void {
    if (this.has(path)) return;
    const entry: DirectoryWatch = { state: 'opening', wanted: true, opened: Promise.resolve() };
    this.#entries.set(path, entry);
    // chokidar would share an open watch of the same name, although it is on an older directory.
    const closed = this.#closing.get(path);
    const open = (): Promise<void> => this.#open(path, entry, closed);
    entry.opened = when === 'now' ? open() : new Promise((resolve) => this.#events.later(() => resolve(open())));
  }

  /** The directory was listed after its watch went live: from now on each change must have an event. */
  markListed(path: string): void {
    const entry = this.#entries.get(path);
    if (entry?.state !== 'live') return;
    entry.state = 'listed';
    entry.listedAt = performance.now();
  }

  /** The same as {@link markListed}, for all directories. */
  markAllListed(): void {
    for (const path of this.#entries.keys()) this.markListed(path);
  }

  retryFailed(): void {
    for (const path of this.#failed) {
      this.remove(path);
      this.add(path, 'later');
    }
  }

  /** Closes the watch on a directory once all its events so far are delivered. */
  remove(path: string): void {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    this.#failed.delete(path);
    entry.wanted = false;
    const closed = this.#close(entry).then(() => {
      if (this.#closing.get(path) === closed) this.#closing.delete(path);
    });
    this.#closing.set(path, closed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const path of this.#entries.keys()) this.remove(path);
    await Promise.all(this.#closing.values());
  }

  async #open(path: string, entry: DirectoryWatch, closed: Promise<void> | undefined): Promise<void> {
    if (closed !== undefined) await closed;
    if (!entry.wanted) return;
    try {
      entry.watch = await this.#watchDirectory(this.#root + path, {
        onName: (name) => this.#note(path, entry, name),
        onError: (error) => this.#fail(path, entry, error),
      });
    } catch (error) {
      this.#fail(path, entry, error);
      return;
    }
    if (!entry.wanted) return;
    if (entry.state === 'failed') return void entry.watch.close();
    entry.state = 'live';
    this.#onLive(path);
  }

  #note(path: string, entry: DirectoryWatch, name: string): void {
    // Events of a failed watch no longer count; events of a watch that is being closed still do.
    if (entry.state === 'failed') return;
    const hasRoom = this.#events.push(path, () => {
      if (entry.state !== 'failed') this.#onName(path, name);
    });
    if (hasRoom) return;
    this.#fail(path, entry, new TooManyEvents());
    void entry.watch?.close();
  }

  #fail(path: string, entry: DirectoryWatch, error: unknown): void {
    if (!entry.wanted) return;
    entry.state = 'failed';
    this.#failed.add(path);
    // Removed before it was watched: the watch on its parent or the next walk notices.
    if (errnoOf(error) === 'ENOENT') this.remove(path);
    else this.#onFailed(path, error);
  }

  async #close(entry: DirectoryWatch): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#events.afterPending(resolve);
    });
    await entry.opened;
    await entry.watch?.close();
  }
}

import type { Seen } from './walk.ts';
import { parentOf } from '../kernel/paths.ts';

/** A directory of the hierarchy while it exists. */
export interface Directory {
  /** The path below the root. The root itself is `''`. */
  readonly path: string;
  readonly inode: number;
  readonly parent: Directory | undefined;
  readonly children: Set<Directory>;
  /** When the directory was first seen, in ms of `performance.now()`. */
  readonly seenAt: number;
  /** The directory existed before the daemon. */
  readonly atStart: boolean;
  /** The owner. */
  uid: number;
  /**
   * `undecided`: possibly a container; `surplus`: looks like one, but there are too many; `other`: not a container, but there may be
   * some below it.
   */
  kind: 'undecided' | 'container' | 'infra' | 'surplus' | 'other';
  /** For a container: its engine is a guess, which each walk checks again. */
  isGuess: boolean;
  /** All events from before it was first seen were delivered. */
  settled: boolean;
  /** The number of directories in it that have a watch, if others than the host's root create them. */
  watchesInside: number;
  /** The directories whose {@link watchesInside} includes its own watch. */
  watchedIn: readonly Directory[];
  /** The number of containers in it, if others than the host's root create them. */
  containersInside: number;
  /** The directories whose {@link containersInside} includes it. */
  countedIn: readonly Directory[];
  /** A log line has said that there are too many containers in it. */
  isSurplusLogged: boolean;
  /** The next check, while it is young. */
  timer: NodeJS.Timeout | undefined;
}

/** All known directories, containers and others, as a tree. */
export class Tree {
  readonly #directories = new Map<string, Directory>();
  readonly #paths = new Map<number, string>();

  get(path: string): Directory | undefined {
    return this.#directories.get(path);
  }

  /** The path under which a directory is known. */
  pathOf(inode: number): string | undefined {
    return this.#paths.get(inode);
  }

  /** Adds a directory; `undefined` if its parent is not known. */
  add(path: string, seen: Seen, options: { readonly atStart: boolean }): Directory | undefined {
    const parent = path === '' ? undefined : this.#directories.get(parentOf(path));
    if (path !== '' && parent === undefined) return undefined;
    const directory: Directory = {
      path,
      inode: seen.inode,
      parent,
      children: new Set(),
      seenAt: performance.now(),
      atStart: options.atStart,
      uid: seen.uid,
      kind: path === '' ? 'other' : 'undecided',
      isGuess: false,
      settled: false,
      watchesInside: 0,
      watchedIn: [],
      containersInside: 0,
      countedIn: [],
      isSurplusLogged: false,
      timer: undefined,
    };
    this.#directories.set(path, directory);
    this.#paths.set(seen.inode, path);
    parent?.children.add(directory);
    return directory;
  }

  /** Removes a directory that has no children left. */
  delete(directory: Directory): void {
    this.#directories.delete(directory.path);
    if (this.#paths.get(directory.inode) === directory.path) this.#paths.delete(directory.inode);
    directory.parent?.children.delete(directory);
  }

  /** A directory and all below it, parents first. */
  below(directory: Directory): Directory[] {
    return [directory, ...[...directory.children].flatMap((child) => this.below(child))];
  }

  /** All known directories. */
  all(): Iterable<Directory> {
    return this.#directories.values();
  }
}

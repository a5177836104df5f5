import { closeSync, constants, lstatSync, openSync } from 'node:fs';
import { FSWatcher } from 'chokidar';

/** A live watch on one directory. */
export interface Watch {
  close(): Promise<void>;
}

/**
 * Watches one directory and resolves once the watch is live: what happened before may have gone unseen.
 *
 * @throws the system error if the kernel refuses: ENOSPC (`fs.inotify.max_user_watches` is used up), EMFILE
 *   (`max_user_instances`), EACCES; ENOENT if the directory is gone.
 */
export type WatchDirectory = (
  directory: string,
  listeners: {
    /** Something called so was made in the directory or removed from it. */
    readonly onName: (name: string) => void;
    /** The watch broke: no more is to be expected of it. */
    readonly onError: (error: unknown) => void;
  },
) => Promise<Watch>;

/**
 * chokidar without its own listings. At every event it would read the directory and stat each child, to work out what
 * happened: 90 ms of CPU beside 1,000 containers, and at most once a second, so that it never sees a directory which
 * lives 100 ms. Its `raw` events say all we need, so every listing is declared throttled away.
 */
class UnlistedWatcher extends FSWatcher {
  override _throttle(): false {
    return false;
  }
}

/** {@link WatchDirectory} by chokidar. One watcher for each directory: only so does `ready` say which one is live. */
export const watchDirectory: WatchDirectory = async (directory, { onName, onError }) => {
  // chokidar takes a backslash for a separator, and systemd's names are full of them (`my\x2dbox.scope`). Such a
  // directory is watched by the name of a descriptor, which stays open as long as the watch: chokidar shares the
  // watches of equal names.
  const descriptor = directory.includes('\\')
    ? openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY)
    : undefined;
  const target = descriptor === undefined ? directory : `/proc/self/fd/${descriptor}`;

  let failure: unknown;
  let live = false;
  const watcher = new UnlistedWatcher({
    depth: 0,
    ignoreInitial: true,
    followSymlinks: descriptor !== undefined,
    atomic: false,
    // Without, chokidar leaves the errors of its watches unhandled.
    persistent: true,
  });
  watcher.on('error', (error) => {
    failure ??= error;
    if (live) onError(error);
  });
  watcher.on('raw', (event, name, details) => {
    // 'rename' is the word of fs.watch for both mkdir and rmdir; 'change' is a write to a file.
    if (event === 'rename' && watchedPathOf(details) === target) onName(name);
  });
  async function close(): Promise<void> {
    await watcher.close();
    if (descriptor !== undefined) closeSync(descriptor);
  }

  // Closed earlier than `ready`, chokidar could lose a watch that it is just setting up.
  await new Promise<void>((resolve) => {
    watcher.once('ready', resolve);
    watcher.add(target);
  });
  try {
    if (failure !== undefined) throw failure;
    // Where there is no such directory, chokidar says nothing and waits for it in the parent.
    lstatSync(directory);
  } catch (error) {
    await close();
    throw error;
  }
  live = true;
  return { close };
};

function watchedPathOf(details: unknown): unknown {
  return typeof details === 'object' && details !== null && 'watchedPath' in details ? details.watchedPath : undefined;
}

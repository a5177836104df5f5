import { closeSync, constants, lstatSync, openSync } from 'node:fs';
import { FSWatcher } from 'chokidar';
import { EventFlood, TooManyEvents } from '../event-flood.ts';

/** A live watch on one directory. */
export interface Watch {
  /** Can be called again. */
  close(): Promise<void>;
}

/**
 * Watches one directory and resolves once the watch is live. Earlier changes may have been missed.
 *
 * @throws the system error if the kernel refuses: ENOSPC (`fs.inotify.max_user_watches` is exhausted), EMFILE
 *   (`max_user_instances`), EACCES; ENOENT if the directory is gone.
 */
export type WatchDirectory = (
  directory: string,
  listeners: {
    /** An entry with this name was created in the directory or removed from it. */
    readonly onName: (name: string) => void;
    /** The watch failed and reports nothing any more. */
    readonly onError: (error: unknown) => void;
  },
) => Promise<Watch>;

/**
 * chokidar without its own listings. At an event it would list the directory and stat every child, up to once a second, which
 * costs 70 times the CPU beside 1,000 containers. The `raw` events are enough, so all listings are throttled away. See
 * docs/decisions/006.
 */
class UnlistedWatcher extends FSWatcher {
  override _throttle(): false {
    return false;
  }
}

/** All watches share one inotify descriptor. */
const flood = new EventFlood();

/** {@link WatchDirectory} with chokidar. One watcher for each directory: only then does `ready` tell which watch is live. */
export const watchDirectory: WatchDirectory = async (directory, { onName, onError }) => {
  // A watch costs far more than this look, and a short-lived container may be gone.
  lstatSync(directory);
  // chokidar treats a backslash as a separator, and systemd's names are full of them (`my\x2dbox.scope`). Such a directory is
  // watched through the path of a descriptor, which stays open as long as the watch: chokidar shares watches of equal names.
  let descriptor = directory.includes('\\')
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
    // Otherwise chokidar leaves errors of its watches unhandled.
    persistent: true,
  });
  const fail = (error: unknown): void => {
    failure ??= error;
    if (live) onError(error);
  };
  async function close(): Promise<void> {
    await watcher.close();
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  }

  // If closed before `ready`, chokidar could leak a watch that it is setting up.
  await new Promise<void>((resolve) => {
    watcher.on('error', fail);
    watcher.on('raw', (event, name, details) => {
      if (flood.note(directory)) {
        // Takes the watch from the kernel at once. chokidar has set it up if it reports events.
        void watcher.close();
        fail(new TooManyEvents());
        resolve();
        return;
      }
      // fs.watch reports mkdir and rmdir as 'rename', and a write to a file as 'change'.
      if (event === 'rename' && watchedPathOf(details) === target) onName(name);
    });
    watcher.once('ready', resolve);
    watcher.add(target);
  });
  try {
    if (failure !== undefined) throw failure;
    // If the directory does not exist, chokidar silently waits for it in the parent.
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

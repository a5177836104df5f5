import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { isAbsence } from '../kernel/errno.ts';
import { parentOf } from '../kernel/paths.ts';

/** The result of checking a directory. */
export interface Seen {
  /** Identifies a cgroup together with the path: a path can be reused, an inode not (kernfs counts up). */
  readonly inode: number;
  /** The directory certainly has no child directories. */
  readonly leaf: boolean;
  /** The owner, mode or times of the directory were changed after its creation. */
  readonly touched: boolean;
  /** The owner. */
  readonly uid: number;
  /** The number of the file system. */
  readonly device: number;
}

/** The name of a directory is not UTF-8, so that no path leads to it. */
export class UnreadableName extends Error {
  constructor() {
    super('Its name is not UTF-8');
  }
}

/** All directories of a tree at one moment. */
export interface Walk {
  /** By path below the root, which itself is `''`; parents come before their children. */
  readonly directories: ReadonlyMap<string, Seen>;
  /** Unreadable paths with the error. Nothing is known about them and everything below. */
  readonly unseen: ReadonlyMap<string, unknown>;
}

/**
 * Checks one path below `root`; `undefined` if it does not exist, `'other'` if it is not a directory.
 *
 * @throws the system error for anything but absence.
 */
export function look(root: string, path: string): Seen | 'other' | undefined {
  let stats: Stats | undefined;
  try {
    stats = lstatSync(root + path, { throwIfNoEntry: false });
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
  if (stats === undefined) return undefined;
  // In kernfs, as in ext4, xfs and tmpfs, a directory has 2 links plus one for each child directory, so a leaf is
  // recognised without listing it. Other file systems (btrfs, overlayfs) always report 1.
  if (!stats.isDirectory()) return 'other';
  // Creating and removing children changes both times, and so does its own creation.
  const { ino: inode, nlink, ctimeMs, mtimeMs, uid, dev: device } = stats;
  return { inode, leaf: nlink === 2, touched: ctimeMs !== mtimeMs, uid, device };
}

/**
 * Finds all directories at and below `from`, a path below `root`. It stats each directory, and lists only those with children: a
 * thousand containers in one parent cost one listing. It notes unreadable directories and continues. It does not enter other
 * file systems.
 *
 * @param isMountPoint whether a path below the root is a mount point, which is skipped.
 */
export function walk(root: string, from: string, isMountPoint: (path: string) => boolean = () => false): Walk {
  const directories = new Map<string, Seen>();
  const unseen = new Map<string, unknown>();
  const toList: string[] = [];
  let device: number | undefined;

  function visit(path: string): void {
    try {
      const seen = look(root, path);
      if (seen === undefined || seen === 'other') return;
      device ??= seen.device;
      if (seen.device !== device) return;
      directories.set(path, seen);
      if (!seen.leaf) toList.push(path);
    } catch (error) {
      unseen.set(path, error);
    }
  }

  visit(from);
  for (let path = toList.pop(); path !== undefined; path = toList.pop()) {
    try {
      for (const entry of readdirSync(root + path, { withFileTypes: true })) {
        if (!entry.isDirectory()) continue;
        const child = `${path}/${entry.name}`;
        if (isMountPoint(child)) continue;
        visit(child);
        // Node has replaced the bytes of the name that are not UTF-8, so the path leads nowhere.
        if (entry.name.includes('\ufffd') && !directories.has(child)) unseen.set(child, new UnreadableName());
      }
    } catch (error) {
      if (isAbsence(error)) directories.delete(path);
      else unseen.set(path, error);
    }
  }
  return { directories, unseen };
}

/**
 * The directories of a walk from the oldest to the newest, but parents before their children. kernfs counts inodes up, so what
 * somebody adds later never comes before what was there.
 */
export function* oldestFirst({ directories }: Walk): Generator<readonly [path: string, seen: Seen]> {
  const left = new Map([...directories].toSorted(([, a], [, b]) => a.inode - b.inode));
  function* take(path: string): Generator<readonly [path: string, seen: Seen]> {
    const seen = left.get(path);
    if (seen === undefined) return;
    left.delete(path);
    if (path !== '') yield* take(parentOf(path));
    yield [path, seen];
  }
  for (const path of left.keys()) yield* take(path);
}

/** Whether a walk could tell if `path` exists. */
export function wasLookedAt(walked: Walk, path: string): boolean {
  for (const unseen of walked.unseen.keys()) {
    if (path === unseen || path.startsWith(`${unseen}/`)) return false;
  }
  return true;
}

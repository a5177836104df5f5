import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { isAbsence } from '../kernel/errno.ts';

/** What one look at a directory tells. */
export interface Seen {
  /** With the path, the identity of a cgroup: a path can be reused, its inode not (kernfs counts them up). */
  readonly inode: number;
  /** It surely has no child directories. */
  readonly leaf: boolean;
  /** Its owner, mode or times were changed after it was made. */
  readonly touched: boolean;
  /** The number of the file system. */
  readonly device: number;
}

/** All directories of a tree at one moment. */
export interface Walk {
  /** By path below the root, which itself is `''`; parents come before their children. */
  readonly directories: ReadonlyMap<string, Seen>;
  /** What could not be looked at, and why: nothing is known of these paths and of what is below them. */
  readonly unseen: ReadonlyMap<string, unknown>;
}

/**
 * Looks at one directory below `root`; `undefined` if there is nothing, `'other'` if it is no directory.
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
  // In kernfs, as in ext4, xfs and tmpfs, a directory's links are 2 and one for each child directory, so a leaf is
  // known without listing it. Other file systems (btrfs, overlayfs) always say 1.
  if (!stats.isDirectory()) return 'other';
  // Children that come and go change both times, and so does its making.
  return { inode: stats.ino, leaf: stats.nlink === 2, touched: stats.ctimeMs !== stats.mtimeMs, device: stats.dev };
}

/**
 * Finds all directories at and below `from`, which is a path below `root`. It takes one stat for each directory, and a
 * listing only of those with children: a thousand containers in one parent are one listing. A directory that cannot be
 * looked into is noted, and the walk goes on. It does not enter other file systems.
 *
 * @param isMountPoint whether something is mounted on a path below the root, which is left out then.
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
        if (!isMountPoint(child)) visit(child);
      }
    } catch (error) {
      if (isAbsence(error)) directories.delete(path);
      else unseen.set(path, error);
    }
  }
  return { directories, unseen };
}

/** Whether a walk could tell if `path` exists. */
export function wasLookedAt(walked: Walk, path: string): boolean {
  for (const unseen of walked.unseen.keys()) {
    if (path === unseen || path.startsWith(`${unseen}/`)) return false;
  }
  return true;
}

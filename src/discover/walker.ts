import { isOnCgroupFileSystem } from '../kernel/cgroup-file-system.ts';
import type { MountPoints } from '../kernel/mount-points.ts';
import { look, walk, type Seen, type Walk } from './walk.ts';

/** What a walker needs to know about mounts. */
export type WalkerMounts = Pick<MountPoints, 'has' | 'refresh' | 'refreshIfOld'>;

/**
 * Reads each directory of one hierarchy once: a mount of the hierarchy below itself would show every container twice. Such a mount
 * is recognised by an inode that another directory already has.
 */
export class Walker {
  readonly #root: string;
  readonly #mounts: WalkerMounts | undefined;
  readonly #pathOf: (inode: number) => string | undefined;
  /** The number of the file system that the root is on. */
  #device: number | undefined;

  constructor(options: {
    readonly root: string;
    /** `undefined`: there can be no mounts. */
    readonly mounts: WalkerMounts | undefined;
    /** The path under which a directory is already known. */
    readonly pathOf: (inode: number) => string | undefined;
  }) {
    this.#root = options.root;
    this.#mounts = options.mounts;
    this.#pathOf = options.pathOf;
  }

  /** See {@link look}. A mount point is `'other'`. */
  look(path: string): Seen | 'other' | undefined {
    if (this.#isMountPoint(path)) return 'other';
    const seen = look(this.#root, path);
    if (seen === undefined || seen === 'other' || this.#mounts === undefined) return seen;
    if (this.#isForeign(seen)) return 'other';
    const isRepeated = this.#isElsewhere(path, seen.inode) && this.#mounts.refresh() && this.#isMountPoint(path);
    return isRepeated ? 'other' : seen;
  }

  /** See {@link walk}. Nothing if the hierarchy is not mounted at the root any more. */
  walk(from: string): Walk {
    if (from === '') this.#mounts?.refreshIfOld();
    const walked = this.#walk(from);
    if (from === '' && this.#isUnmounted(walked)) return { directories: new Map(), unseen: new Map() };
    if (from === '') this.#device = walked.directories.get('')?.device ?? this.#device;
    return this.#hasRepeated(walked) && this.#mounts?.refresh() === true ? this.#walk(from) : walked;
  }

  #walk(from: string): Walk {
    const nothing = { directories: new Map(), unseen: new Map() };
    if (this.#isMountPoint(from)) return nothing;
    const walked = walk(this.#root, from, (path) => this.#isMountPoint(path));
    const top = walked.directories.get(from);
    return from !== '' && top !== undefined && this.#isForeign(top) ? nothing : walked;
  }

  /**
   * Whether the root is what was under the mount, or is now over it: mostly an empty directory, which is no hierarchy without
   * containers. A hierarchy that was mounted again may have another number.
   */
  #isUnmounted({ directories }: Walk): boolean {
    const top = directories.get('');
    return top !== undefined && this.#isForeign(top) && !isOnCgroupFileSystem(this.#root);
  }

  #isForeign({ device }: Seen): boolean {
    return this.#device !== undefined && device !== this.#device;
  }

  #isMountPoint(path: string): boolean {
    return path !== '' && this.#mounts?.has(this.#root, path) === true;
  }

  #hasRepeated({ directories }: Walk): boolean {
    const inodes = new Set<number>();
    for (const [path, { inode }] of directories) {
      if (inodes.has(inode) || this.#isElsewhere(path, inode)) return true;
      inodes.add(inode);
    }
    return false;
  }

  /** Whether the same directory still exists at another path, so that it was not renamed. */
  #isElsewhere(path: string, inode: number): boolean {
    const known = this.#pathOf(inode);
    if (known === undefined || known === path) return false;
    const seen = look(this.#root, known);
    return seen !== undefined && seen !== 'other' && seen.inode === inode;
  }
}

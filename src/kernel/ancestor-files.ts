import type { CgroupFiles, Controller } from './cgroup-files.ts';
import type { KernelFiles } from './kernel-files.ts';
import { isAtOrBelow, parentOf } from './paths.ts';

/** The cgroups whose limits hold for a container in the hierarchy of one controller, from its init up to the root. */
export interface CgroupLevels {
  /**
   * From the cgroup that holds the init process to the container's own (its `files`). In most containers these are the
   * same cgroup. Empty if the init is in no cgroup of the container.
   */
  readonly inside: readonly CgroupFiles[];
  /** The cgroups above, the root last (its path is empty). The same array for all containers in one parent. */
  readonly above: readonly CgroupFiles[];
}

/** A container can nest cgroups inside its own to any depth. Only the outermost ones are read. */
const MOST_INSIDE = 8;

/** The files of the cgroups above and inside of containers. Many containers share a parent, so each is opened once. */
export class AncestorFiles {
  readonly #kernel: KernelFiles;
  readonly #byPath = new Map<string, CgroupFiles>();
  readonly #chains = new Map<string, readonly CgroupFiles[]>();
  /** The levels of containers without cgroups inside: nearly all. The same object as long as nothing changes. */
  readonly #flat = new WeakMap<
    CgroupFiles,
    { readonly own: string; readonly parent: string; readonly levels: CgroupLevels }
  >();
  readonly #used = new Set<string>();

  constructor(kernel: KernelFiles) {
    this.#kernel = kernel;
  }

  /**
   * The levels whose limits hold for a container.
   *
   * On cgroup v2, a missing file means that this level sets no limit. On v1, every cgroup except the root has all files
   * of its controller, so a missing file means that the limit is unknown.
   *
   * @returns `undefined` if the kernel does not have the controller, or it is not known where the container is in its
   *   hierarchy.
   */
  levels(files: CgroupFiles, controller: Controller): CgroupLevels | undefined {
    const init = files.initPathIn(controller);
    if (init === undefined) return undefined;
    const own = files.pathIn(controller);
    if (own === undefined || !isAtOrBelow(init, own)) return { inside: [], above: this.#chainFrom(init) };
    if (init === own) return this.#flatLevels(files, own);
    const above = this.#chainFrom(parentOf(own));
    const inner = this.#chainFrom(outermost(init, own));
    return { inside: [...inner.slice(0, inner.length - above.length - 1), files], above };
  }

  /** Closes files that were not used since the last call. */
  prune(): void {
    const inUse = new Set([...this.#used].flatMap((path) => this.#chains.get(path) ?? []));
    for (const [path, files] of this.#byPath) {
      if (inUse.has(files)) continue;
      files.close();
      this.#byPath.delete(path);
      this.#chains.delete(path);
    }
    this.#used.clear();
  }

  close(): void {
    this.#used.clear();
    this.prune();
  }

  /** The cgroup at `path`, its parent, … and last the root. */
  #chainFrom(path: string): readonly CgroupFiles[] {
    this.#used.add(path);
    const known = this.#chains.get(path);
    if (known !== undefined && !known.some((files) => files.gone)) return known;
    const files = this.#filesOf(path);
    const chain = path === '' ? [files] : [files, ...this.#chainFrom(parentOf(path))];
    this.#chains.set(path, chain);
    return chain;
  }

  #flatLevels(files: CgroupFiles, own: string): CgroupLevels {
    const known = this.#flat.get(files);
    const parent = known?.own === own ? known.parent : parentOf(own);
    const above = this.#chainFrom(parent);
    if (known?.own === own && known.levels.above === above) return known.levels;
    const levels = { inside: [files], above };
    this.#flat.set(files, { own, parent, levels });
    return levels;
  }

  #filesOf(path: string): CgroupFiles {
    const known = this.#byPath.get(path);
    if (known !== undefined && !known.gone) return known;
    const files = this.#kernel.cgroup(path);
    this.#byPath.set(path, files);
    return files;
  }
}

/** The cgroup at `path`. If it is nested too deeply, its ancestor `MOST_INSIDE` levels below `own`. */
function outermost(path: string, own: string): string {
  const names = path.slice(own.length + 1).split('/', MOST_INSIDE);
  return `${own}/${names.join('/')}`;
}

import type { CgroupFiles } from './cgroup-files.ts';
import type { KernelFiles } from './kernel-files.ts';

/** The files of the cgroups above containers. Many containers share a parent, so each is opened once. */
export class AncestorFiles {
  readonly #kernel: KernelFiles;
  readonly #byPath = new Map<string, CgroupFiles>();
  readonly #chains = new Map<string, readonly CgroupFiles[]>();
  readonly #used = new Set<string>();

  constructor(kernel: KernelFiles) {
    this.#kernel = kernel;
  }

  /** The parent of the cgroup at `path`, its parent, … and last the root, whose path is empty. */
  above(path: string): readonly CgroupFiles[] {
    if (path === '') return [];
    const parent = path.slice(0, path.lastIndexOf('/'));
    this.#used.add(parent);
    const known = this.#chains.get(parent);
    if (known !== undefined && !known.some((files) => files.gone)) return known;
    const chain = [this.#filesOf(parent), ...this.above(parent)];
    this.#chains.set(parent, chain);
    return chain;
  }

  /** Closes what was not asked for since the last call. */
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

  #filesOf(path: string): CgroupFiles {
    const known = this.#byPath.get(path);
    if (known !== undefined && !known.gone) return known;
    const files = this.#kernel.cgroup(path);
    this.#byPath.set(path, files);
    return files;
  }
}

import { statSync } from 'node:fs';
import { ownPath, pathBelowMount, pathIn } from '../kernel/cgroup-places.ts';
import { unseenAsUndefined } from '../kernel/errno.ts';
import type { KernelFiles } from '../kernel/kernel-files.ts';
import { isAtOrBelow, parentOf } from '../kernel/paths.ts';
import { parseProcessCgroups } from '../kernel/process-cgroups.ts';

/** How many removed containers are remembered: the kernel's log may report their last kill later. */
const MAX_REMOVED = 1_000;

/** How many processes of a container are checked for their place. */
const MAX_ASKED = 3;

/**
 * Where containers are in the memory hierarchy. On cgroup v1 this path may differ from the one that discovery has found. The
 * kernel's log uses the path in the memory hierarchy. All paths are below the root of their hierarchy.
 */
export class MemoryPlaces {
  readonly #kernel: KernelFiles;
  readonly #containerOf: (path: string) => string | undefined;
  /** The paths of containers in the memory hierarchy, by their path in the hierarchy of discovery; `undefined` while unknown. */
  readonly #known = new Map<string, string | undefined>();
  readonly #removed = new Set<string>();

  /** @param containerOf the cgroup of the innermost container that a cgroup is, or is inside of, by its path alone. */
  constructor(kernel: KernelFiles, containerOf: (path: string) => string | undefined) {
    this.#kernel = kernel;
    this.#containerOf = containerOf;
  }

  /** Adds a container by its path in the hierarchy of discovery. */
  add(path: string): void {
    this.#removed.delete(path);
    this.#known.set(path, undefined);
  }

  /** Marks a container as removed. */
  remove(path: string): void {
    this.#removed.delete(path);
    this.#removed.add(path);
    for (const oldest of this.#removed) {
      if (this.#removed.size <= MAX_REMOVED) break;
      this.#removed.delete(oldest);
      this.#known.delete(oldest);
    }
  }

  /** The path of a container in the memory hierarchy; the path of discovery unless another one is known. */
  memoryPathOf(path: string): string {
    const { discovery } = this.#kernel.layout;
    const hierarchy = this.#kernel.layout.hierarchyOf('memory');
    if (hierarchy === undefined || hierarchy === discovery) return path;
    const known = this.#known.get(path) ?? this.#find(path);
    if (known !== undefined && this.#known.has(path)) this.#known.set(path, known);
    return known ?? path;
  }

  /**
   * The path in the hierarchy of discovery of a cgroup that the kernel's log names.
   *
   * The innermost container around the cgroup counts. A container that ended before its place was read, or that discovery
   * has not recognised yet, is recognised by its name. The outermost cgroup with that name counts, because a container can
   * create cgroups of any name inside its own.
   */
  discoveryPathOf(logged: string): string {
    const hierarchy = this.#kernel.layout.hierarchyOf('memory');
    const path = (hierarchy && pathBelowMount(hierarchy, logged)) ?? logged;
    let innermost: { readonly from: string; readonly to: string } | undefined;
    for (const [container, memoryPath = container] of this.#known) {
      if (!isAtOrBelow(path, memoryPath)) continue;
      if (innermost === undefined || memoryPath.length > innermost.from.length) {
        innermost = { from: memoryPath, to: container };
      }
    }
    innermost ??= this.#byName(path) ?? this.#undiscovered(path);
    return innermost === undefined ? path : innermost.to + path.slice(innermost.from.length);
  }

  #byName(path: string): { readonly from: string; readonly to: string } | undefined {
    let outermost: { readonly from: string; readonly to: string } | undefined;
    for (const [container, known] of this.#known) {
      if (known !== undefined) continue;
      const from = ownPath(path, container);
      if (from === undefined || (outermost !== undefined && outermost.from.length <= from.length)) continue;
      // The place of a container with processes is known for certain.
      const memoryPath = this.memoryPathOf(container);
      if (this.#known.get(container) === undefined || memoryPath === from) outermost = { from, to: container };
    }
    return outermost;
  }

  #undiscovered(path: string): { readonly from: string; readonly to: string } | undefined {
    const { discovery } = this.#kernel.layout;
    if (this.#kernel.layout.hierarchyOf('memory') === discovery) return undefined;
    const from = this.#outermostContainer(path);
    for (let to = from ?? ''; to !== ''; to = withoutFirstName(to)) {
      if (isThere(discovery.root + to)) return { from: from ?? to, to };
    }
    return undefined;
  }

  #outermostContainer(path: string): string | undefined {
    let found: string | undefined;
    for (let container = this.#containerOf(path); container !== undefined;) {
      found = container;
      container = this.#containerOf(parentOf(container));
    }
    return found;
  }

  /** The kernel's own answer to where a container is: a directory at its path, or else the cgroup of one of its processes. */
  #find(path: string): string | undefined {
    const hierarchy = this.#kernel.layout.hierarchyOf('memory');
    if (hierarchy === undefined) return undefined;
    if (isThere(hierarchy.root + path)) return path;
    return unseenAsUndefined(() => {
      const processes = this.#kernel.cgroup(path).processes().slice(0, MAX_ASKED);
      for (const pid of processes) {
        const text = this.#kernel.proc(`${pid}/cgroup`);
        const place = text === undefined ? undefined : pathIn(hierarchy, parseProcessCgroups(text));
        const own = place === undefined ? undefined : ownPath(place, path);
        if (own !== undefined) return own;
      }
      return undefined;
    });
  }
}

function isThere(directory: string): boolean {
  return unseenAsUndefined(() => statSync(directory, { throwIfNoEntry: false })) !== undefined;
}

/** `/b/c` for `/a/b/c`; empty for a path with one name. */
function withoutFirstName(path: string): string {
  const slash = path.indexOf('/', 1);
  return slash < 0 ? '' : path.slice(slash);
}

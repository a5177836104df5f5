import type { CgroupMatch, Life, Names } from '../container.ts';
import type { NameSource } from './name-source.ts';

/** How long to delay the export of a new container, so that it does not first appear under its id. */
const WAIT_FOR_NAME_MS = 2_000;

/** The names of a container that no engine has named in time. */
export const NO_NAMES: Names = {};

/** Whether these include the container's own name, not only that of its pod. */
export function isNamed({ name, containerInPod }: Names): boolean {
  return name !== undefined || containerInPod !== undefined;
}

/** The names of containers, from the engines that may know them. */
export class Naming {
  readonly #sources: readonly NameSource[];

  constructor(sources: readonly NameSource[]) {
    this.#sources = sources;
  }

  /**
   * Asks for the names of a container.
   *
   * @param cgroup the path of its cgroup; `undefined` if it is gone.
   */
  want(match: CgroupMatch, cgroup?: string): void {
    const { podUid, podmanPod } = match;
    for (const source of this.#sourcesFor(match)) source.want(match.id, { podUid, podmanPod, cgroup });
  }

  forget(match: CgroupMatch): void {
    for (const source of this.#sourcesFor(match)) source.forget(match.id);
  }

  /** The names known so far; `undefined` if they may still come after a wait of `waitedMs`. */
  namesOf(match: CgroupMatch, waitedMs: number): Names | undefined {
    const isWaiting = waitedMs < WAIT_FOR_NAME_MS;
    let mayCome = false;
    let betterMayCome = false;
    for (const source of this.#sourcesFor(match)) {
      const names = source.namesOf(match.id);
      // An earlier source knows more, such as the image, unless this one is an engine of its own.
      const isEngine = source.running !== undefined;
      if (names !== undefined && (isEngine || !(betterMayCome && isWaiting))) return names;
      if (source.up !== undefined) mayCome = true;
      if (source.up === true) betterMayCome = true;
    }
    if (mayCome && isWaiting) return undefined;
    return this.#podOf(match) ?? NO_NAMES;
  }

  /** What an engine says about the life of a container; `undefined` if no engine knows it. */
  lifeOf(match: CgroupMatch): Life | undefined {
    for (const source of this.#sourcesFor(match)) {
      const life = source.lifeOf?.(match.id);
      if (life !== undefined) return life;
    }
    return undefined;
  }

  /** The source of these names, as in `isolation_source_up`. */
  sourceOf({ id }: CgroupMatch, names: Names): string | undefined {
    return this.#sources.find((source) => source.namesOf(id) === names || source.podOf?.(id) === names)?.name;
  }

  #podOf(match: CgroupMatch): Names | undefined {
    for (const source of this.#sourcesFor(match)) {
      const names = source.podOf?.(match.id);
      if (names !== undefined) return names;
    }
    return undefined;
  }

  /** The engine that lists a container with this id. */
  engineOf(id: string): string | undefined {
    return this.#sources.find((source) => source.engine !== undefined && source.namesOf(id) !== undefined)?.engine;
  }

  #sourcesFor(match: CgroupMatch): readonly NameSource[] {
    return this.#sources.filter((source) => source.mayKnow(match));
  }
}

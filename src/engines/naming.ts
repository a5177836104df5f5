import { type CgroupMatch, isMadeByOthers, type Life, type Names } from '../container.ts';
import { KnownOwners } from './known-owners.ts';
import type { NameSource } from './name-source.ts';

/** How long to delay the export of a new container, so that it does not first appear under its id. */
const WAIT_FOR_NAME_MS = 2_000;

/** The names of a container that no engine has named in time. */
export const NO_NAMES: Names = {};

/** Whether these include the container's own name, not only that of its pod. */
export function isNamed({ name, containerInPod }: Names): boolean {
  return name !== undefined || containerInPod !== undefined;
}

/**
 * The names of containers, from the engines that may know them. Whoever may create cgroups can give one the id of another's container,
 * which is in the path of that one's cgroup. Such a cgroup gets neither the names of that container, also if that one has ended, nor may it
 * change or end what sources know of it.
 */
export class Naming {
  readonly #sources: readonly NameSource[];
  /** The live containers of each id, nearly always one. */
  readonly #live = new Map<string, Set<CgroupMatch>>();
  readonly #gone = new KnownOwners();
  /** Engines that have named a container of the host's root, so that all of theirs are the host's root's. */
  readonly #enginesOfRoot = new Set<NameSource>();

  constructor(sources: readonly NameSource[]) {
    this.#sources = sources;
  }

  /**
   * Asks for the names of a container.
   *
   * @param cgroup the path of its cgroup; `undefined` if it is gone.
   */
  want(match: CgroupMatch, cgroup?: string): void {
    const { id, podUid, podmanPod } = match;
    if (cgroup !== undefined) this.#live.set(id, (this.#live.get(id) ?? new Set()).add(match));
    if (this.#isImpostor(match)) return;
    for (const source of this.#sourcesFor(match)) source.want(match.id, { podUid, podmanPod, cgroup });
  }

  forget(match: CgroupMatch): void {
    const isImpostor = this.#isImpostor(match);
    const sources = this.#sourcesFor(match);
    const live = this.#live.get(match.id);
    const wasLive = live?.delete(match) === true;
    if (live?.size === 0) this.#live.delete(match.id);
    if (isImpostor) return;
    // One of others with a name that no source knows can be anything.
    const isKnown = !isMadeByOthers(match) || sources.some((source) => source.namesOf(match.id) !== undefined);
    if (wasLive && isKnown) this.#gone.remember(match);
    const owners = [...(live ?? [])].filter((other) => !this.#isImpostor(other));
    for (const source of sources) if (!owners.some((other) => source.mayKnow(other))) source.forget(match.id);
  }

  /** The ids of the live containers that can be those of a source. */
  liveIdsOf(source: NameSource): ReadonlySet<string> {
    const ids = new Set<string>();
    for (const [id, live] of this.#live) {
      if ([...live].some((match) => !this.#isImpostor(match) && this.#sourcesFor(match).includes(source))) ids.add(id);
    }
    return ids;
  }

  /** The names known so far; `undefined` if they may still come after a wait of `waitedMs`. */
  namesOf(match: CgroupMatch, waitedMs: number): Names | undefined {
    if (this.#isImpostor(match)) return NO_NAMES;
    const isWaiting = waitedMs < WAIT_FOR_NAME_MS;
    let mayCome = false;
    let betterMayCome = false;
    for (const source of this.#sourcesFor(match)) {
      const names = source.namesOf(match.id);
      // An earlier source knows more, such as the image, unless this one is an engine of its own.
      const isEngine = source.running !== undefined;
      if (names !== undefined && isEngine && this.#live.get(match.id)?.has(match) && !isMadeByOthers(match)) {
        this.#enginesOfRoot.add(source);
      }
      if (names !== undefined && (isEngine || !(betterMayCome && isWaiting))) return names;
      if (source.up !== undefined) mayCome = true;
      if (source.up === true) betterMayCome = true;
    }
    if (mayCome && isWaiting) return undefined;
    return this.#podOf(match) ?? NO_NAMES;
  }

  /** What an engine says about the life of a container; `undefined` if no engine knows it. */
  lifeOf(match: CgroupMatch): Life | undefined {
    if (this.#isImpostor(match)) return undefined;
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

  /** Whether a container elsewhere has the same id: a live one of the host's root, the last one that was known, or the first live one. */
  #isImpostor(match: CgroupMatch): boolean {
    const live = [...(this.#live.get(match.id) ?? [])];
    const owner = live.find((other) => !isMadeByOthers(other)) ?? this.#gone.get(match.id) ?? live[0];
    return owner !== undefined && owner !== match && !isOfRoot(match) && !isFromSamePlace(match, owner);
  }

  #sourcesFor(match: CgroupMatch): readonly NameSource[] {
    const isRoots = this.#isRoots(match);
    return this.#sources.filter((source) => source.mayKnow(match) && (isRoots || !this.#enginesOfRoot.has(source)));
  }

  /** Whether the host's root has made it. Only of a cgroup that discovery has found is it known for certain. */
  #isRoots(match: CgroupMatch): boolean {
    const { id } = match;
    const wasFound = this.#live.get(id)?.has(match) === true || this.#gone.get(id) === match;
    return wasFound ? !isMadeByOthers(match) : isOfRoot(match);
  }
}

/** Not inside a container nor in a user's slice, as far as the path says. */
function isOfRoot(match: CgroupMatch): boolean {
  return !isMadeByOthers(match) && match.ownerUid === undefined;
}

/** Whether both were made by the same. The territory of a container that was only seen in the kernel's log is not known. */
function isFromSamePlace(match: CgroupMatch, live: CgroupMatch): boolean {
  const isSameTerritory = match.territory === undefined || match.territory === live.territory;
  return isSameTerritory && match.ownerUid === live.ownerUid && match.outer?.id === live.outer?.id;
}

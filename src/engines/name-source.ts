import type { CgroupMatch, Life, Names } from '../container.ts';

/** Where a container is. */
export interface Whereabouts {
  readonly podUid?: string | undefined;
  readonly podmanPod?: string | undefined;
  /** The path of its cgroup; `undefined` if it is gone. */
  readonly cgroup?: string | undefined;
}

/** The containers of an engine that have ended and that it keeps. */
export interface EndedContainers {
  /** The label `engine` of all of them. */
  readonly engine: string;
  /** Without those beyond a limit. */
  readonly containers: readonly { readonly id: string; readonly names: Names; readonly life: Life }[];
  /** How many there are, with those beyond the limit. */
  readonly count: number;
}

/** Something that knows the names of containers. It never blocks: it answers from its cache. */
export interface NameSource extends AsyncDisposable {
  /** The label value, as in `isolation_source_up{source="docker"}`. With several of a kind, its host follows a colon. */
  readonly name: string;
  /** The engine of all containers that it names; absent if it names those of several. */
  readonly engine?: string | undefined;
  /** Whether it answers; `undefined` where its default sockets have never existed, or belong to something else. */
  readonly up: boolean | undefined;
  /** Whether the source has looked for the engine at least once. Until then, `up` means nothing. */
  readonly tried: boolean;
  /** How often each limit on the engine's resource use was reached, by limit. */
  readonly limitHits: ReadonlyMap<string, number>;
  /** The ids of containers that the engine reports as running; absent if the source is no engine. */
  readonly running?: ReadonlySet<string>;
  /** `false` if its list was longer than a limit, so that others may run. */
  readonly listsAllRunning?: boolean;
  /** Absent if the source is no engine, or if it has not listed them. While the engine does not answer, as it last said. */
  readonly ended?: EndedContainers | undefined;
  /** Whether it can name a container of this kind at all. */
  mayKnow(match: CgroupMatch): boolean;
  /** The names known so far; the same object as long as nothing changes. */
  namesOf(id: string): Names | undefined;
  /** What an engine says about the life of a container; the same object as long as nothing changes. */
  lifeOf?(id: string): Life | undefined;
  /** The names of a container's pod, where the source knows no more. */
  podOf?(id: string): Names | undefined;
  /** Adds a container that has appeared, and requests its names. */
  want(id: string, where?: Whereabouts): void;
  /** Removes a container that is gone. */
  forget(id: string): void;
}

import type { CgroupMatch, Names } from '../container.ts';

/** Something that knows what containers are called. It never holds anything up: what it knows is in its cache. */
export interface NameSource extends AsyncDisposable {
  /** As in `isolation_source_up{source="docker"}`. */
  readonly name: string;
  /** Whether it answers; `undefined` where it does not apply: its default sockets have never been there, or are something else's. */
  readonly up: boolean | undefined;
  /** Whether it has been looked for the engine once; until then `up` says nothing. */
  readonly tried: boolean;
  /** Whether it can name a container of this kind at all. */
  mayKnow(match: CgroupMatch): boolean;
  /** What it knows of a container by now; the same object as long as nothing changes. */
  namesOf(id: string): Names | undefined;
  /** A container has appeared: find out its names. */
  want(id: string): void;
  /** It is gone. */
  forget(id: string): void;
}

import { type CgroupMatch, isMadeByOthers } from '../container.ts';

/** The maximum number of ids whose container is remembered after its end: of the host's root, and of others. */
const MOST = 10_000;

/**
 * The last container of each id that is gone. Its engine may still know its name, and whoever may create cgroups could take that name by
 * giving one the id. Others, who can create any number of cgroups, cannot make the exporter forget the containers of the host's root.
 */
export class KnownOwners {
  /** The earliest first. */
  readonly #ofRoot = new Map<string, CgroupMatch>();
  readonly #ofOthers = new Map<string, CgroupMatch>();

  get(id: string): CgroupMatch | undefined {
    return this.#ofRoot.get(id) ?? this.#ofOthers.get(id);
  }

  remember(match: CgroupMatch): void {
    const { id } = match;
    const owners = isMadeByOthers(match) ? this.#ofOthers : this.#ofRoot;
    owners.delete(id);
    owners.set(id, match);
    const [oldest] = owners.keys();
    if (owners.size > MOST && oldest !== undefined) owners.delete(oldest);
  }
}

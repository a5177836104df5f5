import { type CgroupMatch, isMadeByOthers, makerOf } from '../container.ts';
import { Makers } from '../makers.ts';

/** The maximum number of ids whose container is remembered after its end: of the host's root, and of others. */
const MOST = 2_000;

/**
 * The last container of each id that is gone. Its engine may still know its name, and whoever may create cgroups could take that name by
 * giving one the id. Others, who can create any number of cgroups, cannot make the exporter forget the containers of the host's root.
 */
export class KnownOwners {
  /** The earliest first. */
  readonly #ofRoot = new Map<string, CgroupMatch>();
  readonly #ofOthers = new Map<string, CgroupMatch>();
  readonly #makers = new Makers<string>();

  get(id: string): CgroupMatch | undefined {
    return this.#ofRoot.get(id) ?? this.#ofOthers.get(id);
  }

  remember(match: CgroupMatch): void {
    const { id } = match;
    if (isMadeByOthers(match)) {
      this.#ofOthers.set(id, match);
      this.#makers.add(id, makerOf(match));
      const surplus = this.#makers.size > MOST ? this.#makers.first() : undefined;
      if (surplus !== undefined) this.#forget(surplus);
      return;
    }
    this.#ofRoot.delete(id);
    this.#ofRoot.set(id, match);
    const [oldest] = this.#ofRoot.keys();
    if (this.#ofRoot.size > MOST && oldest !== undefined) this.#ofRoot.delete(oldest);
  }

  #forget(id: string): void {
    this.#ofOthers.delete(id);
    this.#makers.delete(id);
  }
}

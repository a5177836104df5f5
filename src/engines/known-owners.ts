import { type CgroupMatch, isMadeByOthers, makerOf } from '../container.ts';
import { Makers } from '../makers.ts';

/** The maximum number of ids whose container is remembered after its end. */
const MOST = 4_000;

/**
 * The last container of each id that is gone. Its engine may still know its name, and whoever may create cgroups could take that name by
 * giving one the id. Others, who can create any number of cgroups, cannot make the exporter forget the containers of the host's root.
 */
export class KnownOwners {
  readonly #owners = new Map<string, CgroupMatch>();
  readonly #makers = new Makers<string>();

  get(id: string): CgroupMatch | undefined {
    return this.#owners.get(id);
  }

  remember(match: CgroupMatch): void {
    const { id } = match;
    const before = this.#owners.get(id);
    const isOthers = isMadeByOthers(match);
    if (isOthers && before !== undefined && !isMadeByOthers(before)) return;
    this.#owners.set(id, match);
    this.#makers.add(id, isOthers ? makerOf(match) : '');
    const surplus = this.#makers.size > MOST ? this.#makers.first() : undefined;
    if (surplus === undefined) return;
    this.#owners.delete(surplus);
    this.#makers.delete(surplus);
  }
}

import { type Container, makerOf } from '../container.ts';
import type { Encoder } from '../exposition/encode.ts';
import { Makers } from '../makers.ts';
import { idOf } from './labels.ts';

/**
 * How long a container that is gone keeps its `container_last_seen`, in seconds. cAdvisor's samples have time stamps, so
 * Prometheus still finds the last one for 5 minutes, and alerts such as `time() - container_last_seen > 60` rely on it.
 */
const KEPT_S = 300;

/** The maximum number of such containers. Whoever made most loses the oldest first. */
const MOST_KEPT = 1_000;

/** The family, for the documentation. */
export const LAST_SEEN = {
  name: 'container_last_seen',
  type: 'gauge',
  help: 'When the exporter last saw the container, in seconds since the Unix epoch.',
  ours: ['isolation_container_info'],
  differs: 'Stays for 5 minutes after the container is gone, as Prometheus shows it for cAdvisor.',
} as const;

interface Seen {
  readonly labels: string;
  /** In Unix seconds. */
  readonly at: number;
  readonly maker: string;
}

/** When each container was last seen, by its `id`. */
export class Presence {
  /** Those that were seen last come last. */
  readonly #seen = new Map<string, Seen>();

  /** Writes the family. @param now in Unix seconds */
  encode(containers: ReadonlyMap<Container, string>, now: number, encoder: Encoder): void {
    const before = new Set(this.#seen.keys());
    for (const [container, labels] of containers) {
      const id = idOf(container);
      before.delete(id);
      this.#seen.delete(id);
      this.#seen.set(id, { labels, at: Math.floor(now), maker: makerOf(container.cgroup.match) });
    }
    this.#forget(before, now);
    encoder.family(LAST_SEEN);
    for (const { labels, at } of this.#seen.values()) encoder.sample(labels, at);
  }

  #forget(gone: Iterable<string>, now: number): void {
    const kept = new Makers<string>();
    for (const id of gone) {
      const { at, maker } = this.#seen.get(id) ?? { at: -Infinity, maker: '' };
      if (now - at > KEPT_S) this.#seen.delete(id);
      else kept.add(id, maker);
    }
    for (let id = kept.first(); id !== undefined && kept.size > MOST_KEPT; id = kept.first()) {
      kept.delete(id);
      this.#seen.delete(id);
    }
  }
}

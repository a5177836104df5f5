import type { Container } from '../container.ts';
import type { Encoder } from '../exposition/encode.ts';
import { idOf } from './labels.ts';

/**
 * How long a container that is gone keeps its `container_last_seen`, in seconds. cAdvisor's samples have time stamps, so
 * Prometheus still finds the last one for 5 minutes, and alerts such as `time() - container_last_seen > 60` rely on it.
 */
const KEPT_S = 300;

/** The maximum number of such containers. */
const MOST_KEPT = 1_000;

/** The family, for the documentation. */
export const LAST_SEEN = {
  name: 'container_last_seen',
  type: 'gauge',
  help: 'When the exporter last saw the container, in seconds since the Unix epoch.',
  ours: ['isolation_container_info'],
  differs: 'Stays for 5 minutes after the container is gone, as Prometheus shows it for cAdvisor.',
} as const;

/** When each container was last seen, by its `id`. */
export class Presence {
  readonly #seen = new Map<string, { readonly labels: string; readonly at: number }>();

  /** Writes the family. @param now in Unix seconds */
  encode(containers: ReadonlyMap<Container, string>, now: number, encoder: Encoder): void {
    for (const [container, labels] of containers) {
      const id = idOf(container);
      // Last in the order: the map forgets from the front.
      this.#seen.delete(id);
      this.#seen.set(id, { labels, at: Math.floor(now) });
    }
    encoder.family(LAST_SEEN);
    let surplus = this.#seen.size - containers.size - MOST_KEPT;
    for (const [id, { labels, at }] of this.#seen) {
      if (now - at > KEPT_S || surplus > 0) this.#seen.delete(id);
      else encoder.sample(labels, at);
      surplus -= 1;
    }
  }
}

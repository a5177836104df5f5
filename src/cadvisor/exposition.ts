import type { Scrape } from '../collectors/collector.ts';
import type { CadvisorLabels } from '../config/options.ts';
import type { Pieces } from '../exposition/buffers.ts';
import { Encoder } from '../exposition/encode.ts';
import { Failures } from '../exposition/failures.ts';
import { LineCache } from '../exposition/line-cache.ts';
import { encodeReadings } from '../exposition/scrape.ts';
import type { SeriesLabels } from '../exposition/series-labels.ts';
import type { Log } from '../log.ts';
import { views } from './index.ts';
import { labelsIn } from './labels.ts';
import type { CadvisorView } from './view.ts';
import { Presence } from './presence.ts';

/** Whether anything could not be read, as cAdvisor says it. */
export const SCRAPE_ERROR = {
  name: 'container_scrape_error',
  type: 'gauge',
  help: '1 if something could not be read in this scrape, 0 otherwise.',
  ours: ['isolation_scrape_collector_success'],
  differs: 'Also 1 if one value of one container could not be read, or if the time of the scrape ran out.',
} as const;

/** Renders the readings of the collectors under cAdvisor's names. */
export class CadvisorExposition {
  /** The enabled collectors that it has views of. */
  readonly collectors: readonly string[];
  readonly #views: readonly CadvisorView[];
  readonly #labels: SeriesLabels;
  readonly #failures: Failures;
  readonly #cache = new LineCache();
  readonly #presence = new Presence();

  /** @param options.collectors the enabled collectors: a view reads what its collector reads. */
  constructor(options: { readonly collectors: readonly string[]; readonly labels: CadvisorLabels; readonly log: Log }) {
    this.#views = views.filter(({ name }) => options.collectors.includes(name));
    this.collectors = [...new Set(this.#views.map(({ name }) => name))];
    this.#labels = labelsIn(options.labels);
    this.#failures = new Failures(options.log);
  }

  /**
   * Renders one exposition, in text: OpenMetrics has no counters without `_total`.
   *
   * @param look calls its argument with the data of a scrape made now.
   */
  async scrape(
    request: { readonly collect?: readonly string[]; readonly exclude?: readonly string[]; readonly deadline?: number },
    look: (deadline: number, use: (scrape: Scrape) => Promise<void>) => Promise<void>,
  ): Promise<Pieces> {
    const { collect, exclude, deadline = Infinity } = request;
    const chosen = this.#views.filter(
      ({ name }) => (collect?.includes(name) ?? true) && exclude?.includes(name) !== true,
    );
    const source = this.#cache.take('text', chosen);
    const encoder = new Encoder('text', source.pieces);
    await look(deadline, async (scrape) => {
      this.#presence.encode(this.#labels.ofContainers(scrape.containers), Date.now() / 1000, encoder);
      const outcomes = await encodeReadings({
        collectors: chosen,
        scrape,
        encoder,
        failures: this.#failures,
        deadline,
        lines: source.lines,
        seriesLabels: this.#labels,
      });
      encoder.family(SCRAPE_ERROR);
      encoder.sample('', outcomes.every(({ success }) => success) ? 0 : 1);
    });
    const pieces = encoder.finish();
    this.#cache.keep('text', source, pieces);
    return pieces;
  }
}

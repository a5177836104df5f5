import { collectors } from '../../src/collectors/index.ts';
import { parseExposition } from '../exposition.ts';
import { Encoder } from '../../src/exposition/encode.ts';
import { createOwnMetrics } from '../../src/exposition/own-metrics.ts';
import { RUNS_EXPORTER } from '../../src/exposition/own-container.ts';
import { readVersion } from '../../src/version.ts';
import { DEFAULTS } from './interpolate.ts';

const TARGET = ['job', 'instance'];
const IDENTITY = ['engine', 'namespace', 'pod', 'container'];

/** Labels that `--container.labels` chooses: the one that boards group by as they come. */
const CHOSEN: Readonly<Record<string, readonly string[]>> = { isolation_container_labels_info: [DEFAULTS.team_label] };

/** Metrics that Prometheus itself adds for a target in each scrape. */
const OF_PROMETHEUS = [
  'up',
  'scrape_duration_seconds',
  'scrape_samples_scraped',
  'scrape_samples_post_metric_relabeling',
  'scrape_series_added',
];

/** The labels that series of a metric can have in Prometheus. */
export type Families = ReadonlyMap<string, ReadonlySet<string>>;

/** The families that the collectors export. The boards must show all of them. */
export function collectorFamilies(): Families {
  return new Map(
    collectors.flatMap(({ scope, families }) =>
      families.map((family) => {
        const own = 'labels' in family ? family.labels : (CHOSEN[family.name] ?? []);
        return [family.name, new Set([...TARGET, ...(scope === 'host' ? [] : IDENTITY), ...own])] as const;
      }),
    ),
  );
}

/** The families that boards may query: of the collectors, of scrapes, of the exporter and its process, of Prometheus. */
export async function allFamilies(): Promise<Families> {
  const encoder = new Encoder('text');
  const state = {
    probes: { stuck: 0 },
    eventLoop: { longestSeconds: 0, totalSeconds: 0 },
    acceptFile: { readAt: 0, counts: new Map([['active', 0]]) },
  };
  await createOwnMetrics({ ...readVersion(), revision: 'abc' }, state).encode(encoder);
  const own = parseExposition(Buffer.concat(encoder.finish()).toString(), 'text').flatMap(({ samples }) => samples);
  return new Map([
    ...collectorFamilies(),
    ...['isolation_scrape_collector_success', 'isolation_scrape_collector_duration_seconds'].map(
      (name) => [name, new Set([...TARGET, 'collector'])] as const,
    ),
    [RUNS_EXPORTER.name, new Set([...TARGET, ...IDENTITY])] as const,
    ...own.map(({ name, labels }) => [name, new Set([...TARGET, ...Object.keys(labels)])] as const),
    ...OF_PROMETHEUS.map((name) => [name, new Set(TARGET)] as const),
  ]);
}

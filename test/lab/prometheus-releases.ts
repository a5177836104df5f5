import { join } from 'node:path';
import { goDirectory } from './go-tools.ts';
import { newerDebianProgram } from './newer-debian.ts';

/** The programs of one release of Prometheus. */
export interface PrometheusRelease {
  /** The name of the release in test names. */
  readonly name: string;
  readonly prometheus: string;
  readonly promtool: string;
  /** The server's feature flags that change the results of queries and scrapes, if this release has them. */
  readonly features: readonly string[];
  /** Settings in `global` of the configuration that do the same. */
  readonly globals: Readonly<Record<string, unknown>>;
}

const FEATURES = ['type-and-unit-labels', 'created-timestamp-zero-ingestion', 'promql-delayed-name-removal'];

/** The default since Prometheus 3, unless a global setting of an older one says otherwise. */
const UTF8 = { metric_name_validation_scheme: 'utf8' };

export const NEWEST_MODULE = 'github.com/prometheus/prometheus@v0.316.0';

/** The oldest release that the rules support: that of Debian 12. */
export const OLDEST: PrometheusRelease = {
  name: 'Prometheus 2.42',
  prometheus: 'prometheus',
  promtool: 'promtool',
  features: [],
  globals: {},
};

/** The release with long-term support. */
export const LTS: PrometheusRelease = {
  name: 'Prometheus 3.5',
  prometheus: newerDebianProgram('prometheus'),
  promtool: newerDebianProgram('promtool'),
  features: [...FEATURES, 'native-histograms'],
  globals: UTF8,
};

export const NEWEST: PrometheusRelease = {
  name: 'Prometheus 3.16',
  prometheus: join(goDirectory(NEWEST_MODULE), 'prometheus'),
  promtool: join(goDirectory(NEWEST_MODULE), 'promtool'),
  features: [...FEATURES, 'openmetrics2', 'zstd-scrape', 'concurrent-rule-eval'],
  globals: { ...UTF8, scrape_native_histograms: true },
};

/** The names of all releases that are tested, the oldest first. */
export const TESTED_RELEASES = [OLDEST, LTS, NEWEST].map(({ name }) => name);

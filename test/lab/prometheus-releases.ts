import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe } from 'vitest';
import { goDirectory, goTools, hasGo } from './go-tools.ts';
import { describeLive } from './live.ts';
import { newerDebianProgram } from './newer-debian.ts';
import type { Part } from './parts.ts';

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

const NEWEST_MODULE = 'github.com/prometheus/prometheus@v0.316.0';

/** The oldest release that the rules support: that of Debian 12. */
export const OLDEST: PrometheusRelease = {
  name: 'Prometheus 2.42',
  prometheus: 'prometheus',
  promtool: 'promtool',
  features: [],
  globals: {},
};

/** The release with long-term support. */
const LTS: PrometheusRelease = {
  name: 'Prometheus 3.5',
  prometheus: newerDebianProgram('prometheus'),
  promtool: newerDebianProgram('promtool'),
  features: [...FEATURES, 'native-histograms'],
  globals: UTF8,
};

const NEWEST: PrometheusRelease = {
  name: 'Prometheus 3.16',
  prometheus: join(goDirectory(NEWEST_MODULE), 'prometheus'),
  promtool: join(goDirectory(NEWEST_MODULE), 'promtool'),
  features: [...FEATURES, 'openmetrics2', 'zstd-scrape', 'concurrent-rule-eval'],
  globals: { ...UTF8, scrape_native_histograms: true },
};

/** The names of all releases that are tested, the oldest first. */
export const TESTED_RELEASES = [OLDEST, LTS, NEWEST].map(({ name }) => name);

/**
 * A suite for each release: the oldest, the one with long-term support, and the newest. Building the newest takes
 * minutes, so it only runs with `LAB=all`, or if an earlier run has built it.
 *
 * @param needs the parts that the suite needs besides Prometheus.
 */
export function describeOnReleases(
  name: string,
  suite: (release: PrometheusRelease) => void,
  needs: readonly Part[] = [],
): void {
  describeLive(`${name}, ${OLDEST.name}`, [...needs, 'prometheus'], () => suite(OLDEST));
  describeLive(`${name}, ${LTS.name}`, [...needs, 'newer-debian'], () => suite(LTS));
  const isBuilt = existsSync(NEWEST.prometheus);
  const why =
    process.env['LAB'] === 'off'
      ? 'LAB=off'
      : isBuilt || (hasGo && process.env['LAB'] === 'all')
        ? undefined
        : 'takes long to build; LAB=all does, with Go';
  if (why !== undefined) {
    describe.skip(`${name}, ${NEWEST.name} [skipped: ${why}]`, () => suite(NEWEST));
    return;
  }
  describeLive(`${name}, ${NEWEST.name}`, needs, () => {
    // Builds without service discovery, which is most of the code.
    beforeAll(
      () => goTools(NEWEST_MODULE, ['cmd/prometheus', 'cmd/promtool'], `-tags remove_all_sd -ldflags '-s -w'`),
      1_800_000,
    );
    suite(NEWEST);
  });
}

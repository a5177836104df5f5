import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe } from 'vitest';
import { goDirectory, goTools, hasGo } from './go-tools.ts';
import { describeLive } from './live.ts';
import { newerDebianProgram } from './newer-debian.ts';

/** The programs of one release of Prometheus. */
export interface PrometheusRelease {
  /** The name of the release in test names. */
  readonly name: string;
  readonly prometheus: string;
  readonly promtool: string;
  /** The server's feature flags that change the results of queries and scrapes, if this release has them. */
  readonly features: readonly string[];
}

const NEWEST_MODULE = 'github.com/prometheus/prometheus@v0.316.0';

/** The oldest release that the rules support: that of Debian 12. */
export const OLDEST: PrometheusRelease = {
  name: 'Prometheus 2.42',
  prometheus: 'prometheus',
  promtool: 'promtool',
  features: [],
};

/** The release with long-term support. */
const LTS: PrometheusRelease = {
  name: 'Prometheus 3.5',
  prometheus: newerDebianProgram('prometheus'),
  promtool: newerDebianProgram('promtool'),
  features: ['type-and-unit-labels', 'created-timestamp-zero-ingestion', 'promql-delayed-name-removal'],
};

const NEWEST: PrometheusRelease = {
  name: 'Prometheus 3.16',
  prometheus: join(goDirectory(NEWEST_MODULE), 'prometheus'),
  promtool: join(goDirectory(NEWEST_MODULE), 'promtool'),
  features: [...LTS.features, 'openmetrics2', 'zstd-scrape', 'concurrent-rule-eval'],
};

/**
 * A suite for each release: the oldest, the one with long-term support, and the newest. Building the newest takes
 * minutes, so it only runs with `LAB=all`, or if an earlier run has built it.
 */
export function describeOnReleases(name: string, suite: (release: PrometheusRelease) => void): void {
  describeLive(`${name}, ${OLDEST.name}`, ['prometheus'], () => suite(OLDEST));
  describeLive(`${name}, ${LTS.name}`, ['newer-debian'], () => suite(LTS));
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
  describe(`${name}, ${NEWEST.name}`, () => {
    // Builds without service discovery, which is most of the code.
    beforeAll(
      () => goTools(NEWEST_MODULE, ['cmd/prometheus', 'cmd/promtool'], `-tags remove_all_sd -ldflags '-s -w'`),
      1_800_000,
    );
    suite(NEWEST);
  });
}

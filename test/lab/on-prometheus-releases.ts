import { existsSync } from 'node:fs';
import { beforeAll, describe } from 'vitest';
import { goTools, hasGo } from './go-tools.ts';
import { describeLive } from './live.ts';
import type { Part } from './parts.ts';
import { LTS, NEWEST, NEWEST_MODULE, OLDEST, type PrometheusRelease } from './prometheus-releases.ts';

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

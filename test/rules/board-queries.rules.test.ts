import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { Encoder } from '../../src/exposition/encode.ts';
import { createOwnMetrics } from '../../src/exposition/own-metrics.ts';
import { readVersion } from '../../src/version.ts';
import { boardFiles, targetsOf } from '../dashboards/board-files.ts';
import { type Choice, interpolate } from '../dashboards/interpolate.ts';
import { host } from '../lab/host.ts';
import { describeOnReleases, OLDEST } from '../lab/prometheus-releases.ts';
import { within } from '../live/docker-containers.ts';
import { type Prometheus, startConfiguredPrometheus } from '../live/prometheus.ts';
import { type Served, serve } from '../lab/served.ts';

const GOLDEN = new URL('../golden/', import.meta.url);
const HOSTS = readdirSync(GOLDEN);

/** What the exporter says of a captured host, and of itself. Counters grow with each scrape, no two at the same rate. */
async function expositionOf(name: string, host: number): Promise<(scrapes: number) => string> {
  const folder = new URL(`${name}/`, GOLDEN);
  const encoder = new Encoder('text');
  const state = { probes: { stuck: 0 }, eventLoop: { longestSeconds: 0, totalSeconds: 0 } };
  await createOwnMetrics({ ...readVersion(), revision: 'abc' }, state).encode(encoder);
  const files = readdirSync(folder).filter((file) => file.endsWith('.prom'));
  const text = [
    Buffer.concat(encoder.finish()).toString(),
    ...files.map((file) => readFileSync(new URL(file, folder), 'utf8')),
    'isolation_scrape_collector_duration_seconds{collector="cpu"} 0.01',
  ]
    .map((part) => `${part.trimEnd()}\n`)
    .join('');
  return (scrapes) =>
    text.replaceAll(/^(\w+_total(?:\{.*\})?) (\S+)$/gm, (_, series: string, value: string, at: number) => {
      return `${series} ${Number(value) + scrapes * (1 + host + at / text.length)}`;
    });
}

const boards = boardFiles();

describeOnReleases('queries of boards', (release) => {
  let targets: readonly Served[] = [];
  let oldest: Prometheus;
  let prometheus: Prometheus;
  let containers: readonly string[];
  let range: Omit<Choice, 'values'>;

  beforeAll(async () => {
    targets = await Promise.all(HOSTS.map(async (name, at) => serve(await expositionOf(name, at))));
    const config = {
      global: { scrape_interval: '1s' },
      scrape_configs: [
        {
          job_name: 'isolation-exporter',
          static_configs: [{ targets: targets.map(({ address }) => address) }],
        },
      ],
    };
    const files = { 'prometheus.yml': stringify(config) };
    const from = Date.now() / 1000;
    oldest = await startConfiguredPrometheus(host, files);
    prometheus =
      release === OLDEST
        ? oldest
        : await startConfiguredPrometheus(host, files, { release, features: release.features });
    for (const each of [oldest, prometheus]) {
      const scrapes = 'min(count_over_time(isolation_exporter_build_info[1m])) and count(up == 1) == 3';
      await within(host, 'scrapes', async () => ((await each.value(scrapes)) ?? 0) >= 4);
    }
    const infos = await oldest.labels('isolation_container_info');
    containers = [...new Set(infos.map(({ container = '' }) => container))].toSorted();
    range = { from, to: Date.now() / 1000, scrapeInterval: 1 };
  });
  afterAll(async () => {
    if (prometheus !== oldest) await prometheus?.[Symbol.asyncDispose]();
    await oldest?.[Symbol.asyncDispose]();
    for (const target of targets) await target[Symbol.asyncDispose]();
  });

  /** The label sets of an answer, without what a feature flag adds. */
  const seriesOf = async (from: Prometheus, expr: string) =>
    (await from.labels(expr))
      .map((labels) => Object.entries(labels).filter(([label]) => label !== '__type__' && label !== '__unit__'))
      .map((labels) => JSON.stringify(labels.toSorted()))
      .toSorted();

  describe.each(boards)('$name', ({ name, panels, dashboard }) => {
    test('finds the same series as on the oldest release', async () => {
      // Alphabetically first, in the middle and last: of several hosts.
      const chosen = [0, 0.5, 1].map((at) => containers[Math.floor(at * (containers.length - 1))] ?? '');
      const choices = name === 'container' ? chosen.map((container) => ({ container })) : [{}];
      let found = 0;
      for (const values of choices) {
        for (const { expr, interval } of [
          ...panels.flatMap(targetsOf),
          ...(dashboard.annotations.list ?? []).map(({ expr = '', step }) => ({ expr, interval: step })),
        ]) {
          const query = interpolate(expr, { ...range, values }, interval);
          const series = await seriesOf(prometheus, query);
          const expected = await seriesOf(oldest, query);
          // Of equal values any can be among the highest.
          if (query.includes('topk(')) expect(series.length, query).toBe(expected.length);
          else expect(series, query).toEqual(expected);
          found += series.length;
        }
      }
      expect(found).toBeGreaterThan(20);
    });
  });
});

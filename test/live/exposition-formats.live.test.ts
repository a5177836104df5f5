import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Docker, LAB_IMAGE, startDocker } from '../lab/docker.ts';
import { type Exporter, startExporter } from '../lab/exporter.ts';
import { host } from '../lab/host.ts';
import { eventually } from '../lab/machine.ts';
import { describeOnReleases } from '../lab/on-prometheus-releases.ts';
import { OLDEST } from '../lab/prometheus-releases.ts';
import { untilComplete } from './docker-containers.ts';
import { type Prometheus, startConfiguredPrometheus } from './prometheus.ts';

/** The scrape settings of each job, by name. `since`: the first release with the setting. */
const JOBS: Readonly<Record<string, { readonly since: number; readonly settings: object }>> = {
  defaults: { since: 2.42, settings: {} },
  'OpenMetrics 1.0 only': { since: 3, settings: { scrape_protocols: ['OpenMetricsText1.0.0'] } },
  'OpenMetrics 2.0 first': {
    since: 3.16,
    settings: { scrape_protocols: ['OpenMetricsText2.0.0', 'OpenMetricsText1.0.0'] },
  },
  'OpenMetrics 2.0 only': { since: 3.16, settings: { scrape_protocols: ['OpenMetricsText2.0.0'] } },
  'text 1.0.0 only': { since: 3, settings: { scrape_protocols: ['PrometheusText1.0.0'] } },
  'text 0.0.4 only': { since: 3, settings: { scrape_protocols: ['PrometheusText0.0.4'] } },
  'protobuf only': { since: 3, settings: { scrape_protocols: ['PrometheusProto'] } },
  'escaping with dots': { since: 3.5, settings: { metric_name_escaping_scheme: 'dots' } },
  'escaping with values': { since: 3.5, settings: { metric_name_escaping_scheme: 'values' } },
};

let docker: Docker;
let exporter: Exporter;
let withCreated: Exporter;

describeOnReleases('formats of the exposition', (release) => {
  const version = Number(/\d+\.\d+/.exec(release.name)?.[0].replace(/\.(\d)$/, '.0$1'));
  const jobs = Object.entries(JOBS).filter(([, { since }]) => version >= since);
  let prometheus: Prometheus;

  beforeAll(async () => {
    docker = await startDocker(host);
    await docker.run('--name', 'counted', '--network', 'none', LAB_IMAGE, 'sh', '-c', 'while :; do :; done');
    const flags = [`--docker.host=unix://${docker.socket}`];
    exporter = await startExporter(host, { flags });
    withCreated = await startExporter(host, { flags: [...flags, '--web.created-timestamps'] });
    for (const each of [exporter, withCreated]) await untilComplete(host, each, ['counted']);
    const config = {
      // On a busy machine a scrape takes longer than a second, which is then its timeout.
      global: { scrape_interval: '5s' },
      scrape_configs: [
        ...jobs.map(([job_name, { settings }]) => jobOf(job_name, exporter, settings)),
        jobOf('created', withCreated, {}),
      ],
    };
    const files = { 'prometheus.yml': stringify(config) };
    prometheus = await startConfiguredPrometheus(host, files, { release, features: release.features });
    await eventually(
      'each job is scraped twice',
      async () =>
        ((await prometheus.value('min(count_over_time(up[1m]))')) ?? 0) >= 2 &&
        (await prometheus.value('count(up == 1)')) === jobs.length + 1
          ? true
          : undefined,
      { timeoutMs: 60_000 },
    );
  });
  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]();
    await withCreated?.[Symbol.asyncDispose]();
    await exporter?.[Symbol.asyncDispose]();
    await docker?.[Symbol.asyncDispose]();
  });

  test.each(jobs)('%s gets all series under their own names', async (job) => {
    expect(await prometheus.value(`up{job="${job}"}`)).toBe(1);
    const count = (query: string) => prometheus.value(`count(${query})`);
    expect(await count(`isolation_container_cpu_usage_seconds_total{job="${job}",container="counted"}`)).toBe(1);
    expect(await count(`isolation_exporter_build_info{job="${job}"}`)).toBe(1);
    expect(await count(`{__name__=~"isolation.*",job="${job}"}`)).toBe(
      await count(`{__name__=~"isolation.*",job="defaults"}`),
    );
  });

  test('nothing is stored of created timestamps unless they are asked for', async () => {
    expect(await prometheus.value(`count({__name__=~".+_created",job!="created"})`)).toBeUndefined();
  });

  test.skipIf(release === OLDEST)('no family takes the unit of another', async () => {
    const units = await prometheus.labels('group by (__unit__) ({__name__=~"isolation.*"})');
    expect(units).toEqual([{}]);
    const types = await prometheus.labels('group by (__type__) ({__name__=~"isolation_container_cpu_.*_total"})');
    expect(types).toEqual([{ __type__: 'counter' }]);
  });

  test.skipIf(release === OLDEST)('start timestamps are ingested as the zero from which a counter began', async () => {
    expect(await prometheus.value(`count({__name__=~".+_created",job="created"})`)).toBeUndefined();
    const first = (job: string) =>
      prometheus.value(
        `min_over_time(isolation_container_cpu_usage_seconds_total{container="counted",job="${job}"}[1h])`,
      );
    expect(await first('created')).toBe(0);
    expect(await first('defaults')).toBeGreaterThan(0);
  });

  test.skipIf(release !== OLDEST)('a Prometheus that ingests no start timestamps stores each as a series', async () => {
    const created = 'isolation_container_cpu_usage_seconds_created{container="counted"}';
    const started = 'isolation_container_start_time_seconds{container="counted",job="created"}';
    expect(await prometheus.value(`${created} - ignoring (__name__) ${started}`)).toBe(0);
    expect(await prometheus.value(`isolation_host_oom_kills_created`)).toBeGreaterThan(1e9);
    expect(await prometheus.value(`process_cpu_seconds_created`)).toBeGreaterThan(1e9);
  });
});

function jobOf(job_name: string, { address }: Exporter, settings: object): object {
  return { job_name, ...settings, static_configs: [{ targets: [address] }] };
}

import { afterAll, beforeAll, expect, test } from 'vitest';
import { boardFiles, targetsOf } from '../dashboards/board-files.ts';
import { interpolate } from '../dashboards/interpolate.ts';
import { host } from '../lab/host.ts';
import { describeOnReleases } from '../lab/on-prometheus-releases.ts';
import { within } from '../live/docker-containers.ts';
import { type Prometheus, startConfiguredPrometheus } from '../live/prometheus.ts';
import { expositionOf, HOSTS } from './golden-expositions.ts';
import { rules } from './rule-files.ts';

/** Seconds between two scrapes, and their number: more than the 10 minutes that rules look back. */
const INTERVAL = 15;
const SCRAPES = 61;

const CONFIG = `
global: { scrape_interval: 1s }
scrape_configs: [{ job_name: other, static_configs: [{ targets: ['127.0.0.1:1'] }] }]
`;

/** A container that was OOM-killed, whatever the captured hosts have. */
const KILLED = 'engine="docker",container="killed"';
const MORE = (at: number, end: number): string => `# TYPE isolation_container_last_oom_kill_timestamp_seconds gauge
isolation_container_last_oom_kill_timestamp_seconds{${KILLED}} ${end - 100}
# TYPE isolation_exporter_clock_timestamp_seconds gauge
isolation_exporter_clock_timestamp_seconds ${at + 0.01}
# TYPE isolation_oom_kills_unattributed_total counter
isolation_oom_kills_unattributed_total ${at}
# TYPE isolation_host_oom_kills_total counter
isolation_host_oom_kills_total ${at}
`;

/** What a server with the feature type-and-unit-labels has stored of scrapes until `end`: the type is a label. */
async function historyUntil(end: number): Promise<string> {
  const lines: string[] = [];
  for (const [number, name] of HOSTS.entries()) {
    const exposition = await expositionOf(name, number);
    for (let scrape = 0; scrape < SCRAPES; scrape += 1) {
      const at = end - (SCRAPES - 1 - scrape) * INTERVAL;
      const types = new Map<string, string>();
      const seen = new Set<string>();
      for (const line of `${MORE(at, end)}${exposition(scrape)}`.split('\n')) {
        const [, family = '', type = ''] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
        if (family !== '') types.set(family, type);
        const [, metric, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
        if (metric === undefined) continue;
        const own = `__type__="${types.get(metric) ?? 'unknown'}",job="isolation-exporter",instance="host-${number}"`;
        const series = `${metric}{${own}${labels === '' ? '' : `,${labels}`}}`;
        if (!seen.has(series)) lines.push(`${series} ${value} ${at}`);
        seen.add(series);
      }
    }
  }
  return `${[...lines, ...rebooted(end)].join('\n')}\n# EOF\n`;
}

/** A host that was away for 20 minutes, and has had as many kills since its reboot as before. */
function rebooted(end: number): readonly string[] {
  const target = 'job="isolation-exporter",instance="rebooted"';
  const scrape = (at: number, boot: string) => [
    `isolation_host_oom_kills_total{__type__="counter",${target}} 1 ${at}`,
    `isolation_oom_kills_unattributed_total{__type__="counter",${target}} 1 ${at}`,
    `isolation_host_info{__type__="info",${target},boot_id="${boot}"} 1 ${at}`,
  ];
  return [scrape(end - 1200, 'a'), scrape(end - INTERVAL, 'b'), scrape(end, 'b')].flat();
}

describeOnReleases('a server that stores the types of metrics as labels', (release) => {
  let prometheus: Prometheus;
  let end: number;

  beforeAll(async () => {
    end = Math.floor(Date.now() / 1000 / INTERVAL) * INTERVAL - INTERVAL;
    prometheus = await startConfiguredPrometheus(
      host,
      { 'prometheus.yml': CONFIG },
      { release, features: release.features, history: await historyUntil(end) },
    );
    const hosts = 'count(isolation_exporter_clock_timestamp_seconds)';
    await within(host, 'the samples', async () => (await prometheus.labels(hosts, end)).length === 1);
  });
  afterAll(() => prometheus?.[Symbol.asyncDispose]());

  test.each(rules)('evaluates $alert without an error', async ({ expr }) => {
    await prometheus.labels(expr, end);
  });

  test.each(['IsolationContainerOOMKilled', 'IsolationHostOOMKill', 'IsolationOOMKillUnattributed'])(
    'fires %s, once for each host',
    async (name) => {
      const found = await prometheus.labels(rules.find(({ alert }) => alert === name)?.expr ?? '', end);
      const ofOne = found.filter(({ container = 'killed' }) => container === 'killed');
      const others = name === 'IsolationContainerOOMKilled' ? [] : ['rebooted'];
      expect(ofOne.map(({ instance }) => instance).toSorted()).toEqual([
        ...HOSTS.map((_, at) => `host-${at}`),
        ...others,
      ]);
    },
  );

  test.each(boardFiles())('answers all queries of $name', async ({ panels, dashboard }) => {
    const choice = { from: end - 600, to: end, scrapeInterval: INTERVAL, values: { container: 'killed' } };
    for (const { expr, interval } of [
      ...panels.flatMap(targetsOf),
      ...(dashboard.annotations.list ?? []).map(({ expr = '', step }) => ({ expr, interval: step })),
    ])
      await prometheus.labels(interpolate(expr, choice, interval), end);
  });
});

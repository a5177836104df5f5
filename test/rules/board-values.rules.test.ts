import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { boardFiles, targetsOf } from '../dashboards/board-files.ts';
import { type Choice, interpolate } from '../dashboards/interpolate.ts';
import { host } from '../lab/host.ts';
import { describeLive } from '../lab/live.ts';
import { within } from '../live/docker-containers.ts';
import { type QueryApi, type Prometheus, startConfiguredPrometheus } from '../live/prometheus.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from '../live/victoria-metrics.ts';
import { expositionOf, HOSTS } from './golden-expositions.ts';

/** Seconds between two scrapes, and their number. */
const INTERVAL = 15;
const SCRAPES = 41;

const CONFIG = `
global: { scrape_interval: 1s }
scrape_configs: [{ job_name: other, static_configs: [{ targets: ['127.0.0.1:1'] }] }]
`;

/** The range of the boards, in seconds: without the beginning. */
const RANGE = (SCRAPES - 6) * INTERVAL;

/** The last host is first seen in the middle of the range, and the exporter on the first is restarted. */
const FIRST_SEEN = Math.floor(SCRAPES / 2);
const RESTARTED = SCRAPES - 2;
const FROM_ZERO = /^isolation_container(_starts|s_started|s_removed)_total$/;

const SAMPLE = /^(\w+)(?:\{(.*)\})? (\S+)$/gm;

interface Point {
  readonly series: string;
  readonly value: number;
  readonly at: number;
}

/** What two servers have stored of the same scrapes, until `end`. */
async function historyUntil(end: number): Promise<readonly Point[]> {
  const points: Point[] = [];
  for (const [number, name] of HOSTS.entries()) {
    const exposition = await expositionOf(name, number);
    for (let scrape = number === HOSTS.length - 1 ? FIRST_SEEN : 0; scrape < SCRAPES; scrape += 1) {
      const at = end - (SCRAPES - 1 - scrape) * INTERVAL;
      const add = (metric: string, labels: string, value: number) => {
        const all = ['job="isolation-exporter"', `instance="host-${number}"`, ...(labels === '' ? [] : [labels])];
        points.push({ series: `${metric}{${all.join(',')}}`, value, at });
      };
      add('up', '', 1);
      add('scrape_duration_seconds', '', 0.02);
      for (const [, metric = '', labels = '', value] of exposition(scrape).matchAll(SAMPLE)) {
        const restarted = number === 0 && scrape >= RESTARTED;
        if (restarted && FROM_ZERO.test(metric)) add(metric, labels, 1);
        else add(metric, labels, Number(value) + (restarted && metric === 'process_start_time_seconds' ? 1000 : 0));
      }
    }
  }
  return points;
}

describeLive('boards on VictoriaMetrics', ['prometheus', 'newer-debian'], () => {
  let prometheus: Prometheus;
  let victoria: VictoriaMetrics;
  let containers: readonly string[];
  let end: number;

  beforeAll(async () => {
    end = Math.floor(Date.now() / 1000 / INTERVAL) * INTERVAL - INTERVAL;
    const points = await historyUntil(end);
    const lines = (scale: number) =>
      points.map(({ series, value, at }) => `${series} ${value} ${at * scale}\n`).join('');
    prometheus = await startConfiguredPrometheus(host, { 'prometheus.yml': CONFIG }, { history: `${lines(1)}# EOF\n` });
    victoria = await startVictoriaMetrics(host, CONFIG);
    await victoria.load(lines(1000));
    const hosts = `count(up{job="isolation-exporter"})`;
    for (const each of [prometheus, victoria]) {
      await within(host, 'the samples', async () => (await each.value(hosts)) === HOSTS.length);
    }
    const infos = await prometheus.labels('isolation_container_info');
    const all = [...new Set(infos.map(({ container = '' }) => container))].toSorted();
    // Alphabetically first, in the middle and last: of several hosts.
    containers = [0, 0.5, 1].map((at) => all[Math.floor(at * (all.length - 1))] ?? '');
  });
  afterAll(async () => {
    await victoria?.[Symbol.asyncDispose]();
    await prometheus?.[Symbol.asyncDispose]();
  });

  const valuesOf = async (from: QueryApi, query: string): Promise<Readonly<Record<string, number>>> => {
    const { result } = (await from.ask(`query?query=${encodeURIComponent(query)}&time=${end}`)) as {
      readonly result: readonly {
        readonly metric: Readonly<Record<string, string>>;
        readonly value: [number, string];
      }[];
    };
    const entries = result.map(({ metric, value }) => [
      JSON.stringify(Object.entries(metric).toSorted()),
      Number(value[1]),
    ]);
    return Object.fromEntries(entries.toSorted()) as Record<string, number>;
  };

  describe.each(boardFiles())('$name', ({ name, panels, dashboard }) => {
    test('shows the same numbers as on Prometheus', async () => {
      const range: Omit<Choice, 'values'> = { from: end - RANGE, to: end, scrapeInterval: INTERVAL };
      const choices = name === 'container' ? containers.map((container) => ({ container })) : [{}];
      const odd: unknown[] = [];
      let found = 0;
      for (const values of choices) {
        for (const { expr, interval } of [
          ...panels.flatMap(targetsOf),
          ...(dashboard.annotations.list ?? []).map(({ expr = '', step }) => ({ expr, interval: step })),
        ]) {
          const query = interpolate(expr, { ...range, values }, interval);
          const [expected, got] = [await valuesOf(prometheus, query), await valuesOf(victoria, query)];
          found += Object.keys(got).length;
          // Of equal values any can be among the highest.
          const keysOf = (values: typeof got) => (query.includes('topk(') ? Object.values(values).toSorted() : values);
          const [one, other] = [keysOf(expected), keysOf(got)];
          const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
          const differ = [...keys].filter((key) => !isAbout(Reflect.get(one, key), Reflect.get(other, key)));
          if (differ.length > 0)
            odd.push([query, differ.map((key) => [key, Reflect.get(one, key), Reflect.get(other, key)])]);
        }
      }
      expect(odd).toEqual([]);
      expect(found).toBeGreaterThan(20);
    });
  });
});

/** Prometheus extrapolates rates, VictoriaMetrics does not. */
function isAbout(expected: number | undefined, got: number | undefined): boolean {
  if (expected === undefined || got === undefined) return expected === got;
  return expected === got || Math.abs(expected - got) <= 0.1 * Math.max(Math.abs(expected), Math.abs(got));
}

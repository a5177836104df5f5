import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { docQueries } from '../code-blocks.ts';
import { boardFiles, targetsOf } from '../dashboards/board-files.ts';
import { type Choice, interpolate } from '../dashboards/interpolate.ts';
import { host } from '../lab/host.ts';
import { within } from '../live/docker-containers.ts';
import type { QueryApi } from '../live/prometheus.ts';
import { describeOnScrapers, OLDEST_SCRAPER, type Scraper } from '../live/victoria-metrics.ts';
import { expositionOf, HOSTS } from './golden-expositions.ts';
import { configOf, type Served, serve } from '../lab/served.ts';

const boards = boardFiles();

/** After this time a scrape has ended, and its samples can be queried: its timeout and the time in VictoriaMetrics' buffer. */
const SETTLED_S = 4;

/** All targets are up, with enough scrapes for rates over four seconds, and for rare events to have happened. */
const COMPLETE = `count(up == 1) == ${HOSTS.length} and min(count_over_time(isolation_exporter_build_info[4s])) >= 3
  and min(count_over_time(isolation_exporter_build_info[1m])) >= 6`;

describeOnScrapers('queries of boards', (kind) => {
  let targets: readonly Served[] = [];
  let oldest: Scraper;
  let scraper: Scraper;
  let containers: readonly string[];
  let range: Omit<Choice, 'values'>;
  /** When to ask each of them: it had missed no scrape just before. */
  const askedAt = new Map<QueryApi, number>();

  beforeAll(async () => {
    targets = await Promise.all(HOSTS.map(async (name, at) => serve(await expositionOf(name, at))));
    const from = Date.now() / 1000;
    oldest = await OLDEST_SCRAPER.start(host, configOf(targets));
    scraper = kind === OLDEST_SCRAPER ? oldest : await kind.start(host, configOf(targets));
    for (const each of [oldest, scraper]) {
      await within(host, 'scrapes', async () => {
        const at = Date.now() / 1000 - SETTLED_S;
        const isComplete = (await each.labels(COMPLETE, at)).length > 0;
        if (isComplete) askedAt.set(each, at);
        return isComplete;
      });
    }
    const infos = await oldest.labels('isolation_container_info', askedAt.get(oldest));
    containers = [...new Set(infos.map(({ container = '' }) => container))].toSorted();
    range = { from, to: Date.now() / 1000, scrapeInterval: 1 };
  });
  afterAll(async () => {
    if (scraper !== oldest) await scraper?.[Symbol.asyncDispose]();
    await oldest?.[Symbol.asyncDispose]();
    for (const target of targets) await target[Symbol.asyncDispose]();
  });

  /** The label sets of an answer, without what a feature flag adds, and without a name that VictoriaMetrics keeps. */
  const seriesOf = async (from: QueryApi, expr: string) =>
    (await from.labels(expr, askedAt.get(from)))
      .map((labels) => Object.entries(labels).filter(([label]) => !label.startsWith('__')))
      .map((labels) => JSON.stringify(labels.toSorted()))
      .toSorted();

  /** Returns how many series both find. */
  async function expectSameSeries(query: string): Promise<number> {
    const series = await seriesOf(scraper, query);
    const expected = await seriesOf(oldest, query);
    // Of equal values any can be among the highest.
    if (query.includes('topk(')) expect(series.length, query).toBe(expected.length);
    else expect(series, query).toEqual(expected);
    return series.length;
  }

  test('the queries of documents find the same series as on the oldest release', async () => {
    let answered = 0;
    for (const { query: text } of docQueries()) {
      if ((await expectSameSeries(text.replaceAll(/="\$\w+"/g, '=~".*"'))) > 0) answered += 1;
    }
    // The others look for problems that these hosts do not have.
    expect(answered).toBeGreaterThan((2 / 3) * docQueries().length);
  });

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
          found += await expectSameSeries(interpolate(expr, { ...range, values }, interval));
        }
      }
      expect(found).toBeGreaterThan(20);
    });

    // Grafana asks the one or the other, by its version.
    test('offers the same choices in its variables', async () => {
      let choices = 0;
      for (const { definition = '' } of dashboard.templating.list ?? []) {
        const [, query, label = ''] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? [];
        if (query === undefined) continue;
        const match = `match[]=${encodeURIComponent(interpolate(query, { ...range, values: {} }))}&start=${Math.floor(range.from)}&end=${Math.ceil(range.to)}`;
        const expected = (await oldest.ask(`label/${label}/values?${match}`)) as readonly string[];
        choices += expected.length;
        expect(await scraper.ask(`label/${label}/values?${match}`), definition).toEqual(expected);
        const series = (await scraper.ask(`series?${match}`)) as readonly Readonly<Record<string, string>>[];
        const values = new Set(series.flatMap((labels) => labels[label] ?? []));
        expect([...values].toSorted(), definition).toEqual(expected);
      }
      // A job, and the hosts.
      expect(choices).toBeGreaterThan(HOSTS.length);
    });
  });
});

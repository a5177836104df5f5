import { stringify } from 'yaml';
import { type Behaviour, CONDITIONS } from './conditions.ts';
import { rules } from './rule-files.ts';

/** Seconds between two scrapes. */
export const INTERVALS = [15, 30, 60, 120] as const;

/** Which scrapes fail: one of so many, or none. */
export const FAILURES = { none: undefined, '1 in 9': 9, '1 in 4': 4, '1 in 3': 3 } as const;
export type Failing = keyof typeof FAILURES;

/** The share of an hour in which an alert fires, in percent, by the alert. */
export type Shares = Readonly<Record<string, { holds: number; not: number }>>;

const EVALUATION = 15;
const HOUR = 3600;

/** The alert about failed scrapes themselves: without any, its condition does not hold. */
export const FLAPPING = 'IsolationExporterScrapesFailing';
const DOWN = 'IsolationExporterDown';
const ABSENT = 'IsolationExporterAbsent';
/** Until its window of 45 minutes is full. */
const FLAPPING_SINCE = 45 * 60;

/**
 * A file for `promtool test rules`, or `vmalert-tool unittest`, that asks in how many evaluations of an hour each alert fires. The hour begins with the end of
 * its `for`, counted from the second scrape that should have found its condition. Each alert has an exporter of its own for which the condition
 * holds, and one for which it does not; the same scrapes of all fail. The file expects nothing to fire, so that promtool
 * prints what does: {@link sharesIn} reads it.
 */
export function sharesFile(interval: number, failing: Failing, language: 'promql' | 'metricsql' = 'promql'): string {
  const every = FAILURES[failing];
  const fails = (index: number) => every !== undefined && index % every === 1;
  const count = Math.ceil(Math.max(...rules.map(({ alert }) => endOf(alert, interval))) / interval) + 1;
  const scrapes = (valueOf: (index: number) => number | string) =>
    Array.from({ length: count }, (_, index) => valueOf(index)).join(' ');
  const up = (instance: string, succeeds: (index: number) => boolean) => ({
    series: `up{job="isolation-exporter",instance="${instance}"}`,
    values: scrapes((index) => (succeeds(index) ? 1 : 0)),
  });
  const exporter = (instance: string, behaviours: readonly Behaviour[]) => [
    up(instance, (index) => !fails(index)),
    ...behaviours.map(({ metric, labels = '', at }) => ({
      series: `${metric}{job="isolation-exporter",instance="${instance}",${labels}}`,
      values: scrapes((index) => (fails(index) ? 'stale' : (at(index * interval) ?? '_'))),
    })),
  ];
  const series = Object.entries(CONDITIONS).flatMap(([alert, { holds, not }]) => [
    ...exporter(`${alert} holds`, holds),
    ...exporter(`${alert} not`, not),
  ]);
  const question = (alert: string) => ({
    expr: `count_over_time(ALERTS{alertname="${alert}",alertstate="firing",instance=~"|${alert} .*"}[1h])`,
    eval_time: `${endOf(alert, interval)}s`,
    exp_samples: [],
  });
  return stringify({
    rule_files: ['alerts.yml'],
    evaluation_interval: `${EVALUATION}s`,
    tests: [
      {
        interval: `${interval}s`,
        input_series: [
          ...series,
          up(`${DOWN} holds`, () => false),
          up(`${DOWN} not`, (index) => !fails(index)),
          up(`${FLAPPING} holds`, (index) => !fails(index)),
          // One outage of a quarter of an hour.
          up(`${FLAPPING} not`, (index) => Math.floor((index * interval) / (15 * 60)) !== 3),
        ],
        [`${language}_expr_test`]: rules.map(({ alert }) => question(alert)),
      },
      {
        interval: `${interval}s`,
        input_series: [{ series: 'up{job="other",instance="h1"}', values: `1x${count}` }],
        [`${language}_expr_test`]: [question(ABSENT)],
      },
    ],
  });
}

/** A series and its value, as both tools print them: `{alertname="…", …} 2.4E+02`. */
const GOT = /\{([^}]*)\} ([\d.]+(?:E\+\d+)?)/g;

/** What promtool or vmalert-tool printed about such a file. */
export function sharesIn(said: string): Shares {
  const shares = Object.fromEntries(rules.map(({ alert }) => [alert, { holds: 0, not: 0 }]));
  if (/\berr: /.test(said)) throw new Error(said);
  for (const [, labels = '', evaluations = ''] of said.replaceAll('\\"', '"').matchAll(GOT)) {
    const [, alert = ''] = /alertname="(\w+)"/.exec(labels) ?? [];
    const share = shares[alert];
    if (share === undefined) throw new Error(`there is no alert ${alert}`);
    const kind = /instance="\w+ not"/.test(labels) ? 'not' : 'holds';
    share[kind] = Math.floor((100 * Number(evaluations) * EVALUATION) / HOUR);
  }
  return shares;
}

/** Just after the last evaluation of the hour. */
function endOf(alert: string, interval: number): number {
  const seconds = (text = '0m') => Number(text.replace('m', '')) * 60;
  const since = alert === FLAPPING ? FLAPPING_SINCE : (CONDITIONS[alert]?.since ?? 0);
  return since + interval + seconds(rules.find((rule) => rule.alert === alert)?.for) + HOUR + 7;
}

import { type Panel, VariableType } from '@grafana/grafana-foundation-sdk/dashboard';
import { describe, expect, test } from 'vitest';
import { boardFiles, targetsOf } from './dashboards/board-files.ts';
import { analyse } from './dashboards/promql.ts';

// The rules of Grafana's dashboard-linter with --strict. The linter itself runs in live/dashboard-linter.live.test.ts, with Go.
const files = boardFiles();

/** Units that the linter knows and the dashboards use. */
const UNITS = ['none', 'short', 'bytes', 'percentunit', 's', 'cps', 'binBps', 'dateTimeFromNow', 'bool_yes_no'];

/** The linter has fewer rules for other kinds. */
const WITH_UNIT = ['stat', 'table', 'timeseries', 'gauge'];

describe.each(files)('$name', ({ dashboard, panels }) => {
  const variable = (name: string) => dashboard.templating.list?.find((each) => each.name === name);

  test('template-datasource-rule', () => {
    const sources = dashboard.templating.list?.filter(({ type }) => type === VariableType.Datasource) ?? [];
    expect(sources).toMatchObject([{ name: 'datasource', label: 'Data source', query: 'prometheus' }]);
  });

  test.each([
    ['job', 'Job'],
    ['instance', 'Instance'],
  ])('template-%s-rule', (name, label) => {
    expect(variable(name)).toMatchObject({
      type: 'query',
      datasource: { uid: '$datasource' },
      label,
      multi: true,
      allValue: '.+',
    });
  });

  test('template-label-promql-rule, template-on-time-change-reload-rule', () => {
    for (const { query, refresh } of dashboard.templating.list?.filter(({ type }) => type === VariableType.Query) ??
      []) {
      const [, selector = ''] = /^label_values\((.+), \w+\)$/.exec(typeof query === 'string' ? query : '') ?? [];
      expect(() => analyse(selector, anyLabel)).not.toThrow();
      expect(refresh).toBe(2);
    }
  });

  test('uneditable-dashboard', () => {
    expect(dashboard.editable).toBe(false);
  });

  test.each(panels.map((panel) => [panel.title ?? '', panel] as const))('rules of panels: %s', (_title, panel) => {
    expect(panel.datasource?.uid).toBe('$datasource');
    expect(panel.title).not.toBe('');
    expect(panel.description).not.toBe('');
    if (WITH_UNIT.includes(panel.type)) expect(UNITS).toContain(panel.fieldConfig?.defaults.unit);
    expect(targetsOf(panel).length).toBeGreaterThan(0);
  });

  test.each(queriesOf(panels))('rules of targets: %s %s', (_title, _refId, expr) => {
    const { selectors } = analyse(expr, anyLabel);
    // The linter accepts more. The difference of two samples knows about resets (`eventsIn` of grafana/queries.ts).
    const difference = ['max_over_time', 'min_over_time', 'resets', 'increase'];
    const ofDifference = (metric: string) => {
      const calls = selectors.filter((selector) => selector.metric === metric).map(({ call }) => call ?? '');
      return difference.every((call) => calls.includes(call)) ? difference : [];
    };
    for (const { metric, matchers, range, call } of selectors) {
      expect(matchers).toContainEqual({ label: 'job', operator: '=~', value: '$job' });
      expect(matchers).toContainEqual({ label: 'instance', operator: '=~', value: '$instance' });
      if (call === 'rate' || call === 'irate') expect(range).toBe('$__rate_interval');
      if (metric.endsWith('_total')) expect(['rate', 'irate', 'increase', ...ofDifference(metric)]).toContain(call);
    }
  });
});

function queriesOf(panels: readonly Panel[]): [title: string, refId: string, expr: string][] {
  return panels.flatMap((panel) =>
    targetsOf(panel).map(({ refId, expr }): [string, string, string] => [panel.title ?? '', refId, expr]),
  );
}

/** Labels are not checked here. */
function anyLabel(): ReadonlySet<string> {
  return new Set();
}

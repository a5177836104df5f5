import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Panel, VariableType } from '@grafana/grafana-foundation-sdk/dashboard';
import { beforeAll, describe, expect, it, test } from 'vitest';
import { BOARDS } from '../grafana/boards.ts';
import { render } from '../grafana/dashboard.ts';
import { boardFiles, targetsOf } from './dashboards/board-files.ts';
import { allFamilies, collectorFamilies, type Families } from './dashboards/families.ts';
import { ALL_VALUES, type Choice, interpolate } from './dashboards/interpolate.ts';
import { NOT_SHOWN } from './dashboards/not-shown.ts';
import { analyse } from './dashboards/promql.ts';
import { neededCollectors } from './rules/needed-collectors.ts';

const PROMTOOL = '/usr/bin/promtool';
const files = boardFiles();
const allPanels = files.flatMap(({ panels }) => panels);
const uids = files.map(({ dashboard }) => dashboard.uid);
let families: Families;

beforeAll(async () => {
  families = await allFamilies();
});

function labelsOf(metric: string): ReadonlySet<string> {
  const labels = families.get(metric);
  if (labels === undefined) throw new Error(`the exporter has no ${metric}`);
  return labels;
}

// After a change: npm run dashboards
describe('the files', () => {
  it('match the sources', () => {
    const made = Object.entries(BOARDS).map(([name, board]) => [name, render(board)]);
    expect(Object.fromEntries(files.map(({ name, text }) => [name, text]))).toEqual(Object.fromEntries(made));
  });

  it('have unique uids and titles', () => {
    expect(new Set(uids).size).toBe(files.length);
    expect(new Set(files.map(({ dashboard }) => dashboard.title)).size).toBe(files.length);
  });

  it('name no specific data source', () => {
    for (const { text } of files) {
      const named = [...text.matchAll(/"uid": "([^"]+)"/g)].map(([, uid = '']) => uid);
      expect(named.filter((uid) => uid !== '$datasource' && !uids.includes(uid))).toEqual([]);
    }
  });
});

describe.each(files)('$name', ({ dashboard, panels, rows, text }) => {
  it('has unique ids', () => {
    const ids = [...panels, ...rows].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => id !== undefined && id > 0)).toBe(true);
  });

  it('has unique panel titles', () => {
    const titles = panels.map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it('places its panels on the grid without overlap', () => {
    const places = [...panels, ...rows].map(({ title, gridPos }) => ({ title, ...gridPos! }));
    for (const { title, x, y, w, h } of places) {
      expect(x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= 24, title).toBe(true);
    }
    // Panels of a folded row overlap the next row, which moves down when the row opens.
    const folded = rows.filter(({ collapsed }) => collapsed).map((row) => row.panels.map(({ title }) => title));
    for (const [index, one] of places.entries()) {
      for (const other of places.slice(index + 1)) {
        const apart = [one, other].some(({ title }) => folded.some((titles) => titles.includes(title)));
        const sameRow = folded.some((titles) => titles.includes(one.title) && titles.includes(other.title));
        if (apart && !sameRow) continue;
        const overlap =
          one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h;
        expect(overlap, `${one.title} over ${other.title}`).toBe(false);
      }
    }
  });

  it('links to existing dashboards', () => {
    const targets = [...text.matchAll(/"url": "\/d\/([^?"]*)/g)].map(([, uid]) => uid);
    expect(targets.filter((uid) => !uids.includes(uid))).toEqual([]);
    for (const link of dashboard.links ?? []) {
      const found = files.filter((file) => link.tags.every((tag) => file.dashboard.tags?.includes(tag)));
      expect(found).toHaveLength(files.length);
    }
  });

  it('passes only variables that the linked dashboard has', () => {
    for (const [, uid, query = ''] of text.matchAll(/"url": "\/d\/([^?"]*)\?([^"]*)"/g)) {
      const there = files.find((file) => file.dashboard.uid === uid)?.dashboard.templating.list ?? [];
      const given = [...query.matchAll(/var-(\w+)=|\$\{(\w+):queryparam\}/g)].map(([, one, other]) => one ?? other);
      expect(given.filter((name) => !there.some((variable) => variable.name === name))).toEqual([]);
    }
  });

  it('uses only variables that it defines', () => {
    const own = (dashboard.templating.list ?? []).map(({ name }) => name);
    const used = [...text.matchAll(/\$(?:\{([A-Za-z_]+)|([A-Za-z_]+))/g)].map(([, one, other]) => one ?? other ?? '');
    expect([...new Set(used)].filter((name) => !name.startsWith('__') && !own.includes(name))).toEqual([]);
  });

  it('has the variables with several values that interpolate() knows', () => {
    for (const { type, name, multi, allValue } of dashboard.templating.list ?? []) {
      if (type === VariableType.Query)
        expect([name, multi, allValue]).toEqual([name, name in ALL_VALUES, ALL_VALUES[name]]);
    }
  });

  it('uses existing metrics in variables and annotations', () => {
    const queries = (dashboard.templating.list ?? []).map(({ definition }) => definition ?? '').filter(Boolean);
    for (const definition of queries) {
      const [, query = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? [];
      expect(analyse(query, labelsOf).labels, definition).toContain(label);
    }
    for (const { expr = '', textFormat = '', tagKeys = '' } of dashboard.annotations.list ?? []) {
      const { labels } = analyse(expr, labelsOf);
      const shown = [...placeholders(textFormat), ...tagKeys.split(',')];
      expect(shown.filter((label) => !labels.has(label))).toEqual([]);
    }
  });
});

describe.each(files.flatMap(({ name, panels }) => panels.map((panel) => ({ board: name, title: panel.title, panel }))))(
  '$board: $title',
  ({ panel }) => {
    const targets = targetsOf(panel);

    test('describes its meaning, its source and what to do', () => {
      expect(panel.description).toMatch(/^[A-Z][^]*\.\n\nSource: [^]*\.($|\n\n)/);
      // Exactly the panels that can turn red need advice.
      const judges = /"(red|orange)"/.test(JSON.stringify(panel.fieldConfig)) && !isOnlyALimit(panel);
      if (judges) expect(panel.description).toContain('When red or orange: ');
    });

    test.each(targets)('$refId queries existing metrics and labels', ({ expr }) => {
      const { selectors, grouped } = analyse(expr, labelsOf);
      for (const { metric, matchers } of selectors) {
        expect(matchers.filter(({ label }) => !labelsOf(metric).has(label))).toEqual([]);
      }
      expect(grouped.filter(({ label, known }) => !known.has(label)).map(({ label }) => label)).toEqual([]);
    });

    test('shows labels that its series have', () => {
      for (const { expr, legendFormat = '' } of targets) {
        const { labels } = analyse(expr, labelsOf);
        expect(placeholders(legendFormat).filter((label) => !labels.has(label))).toEqual([]);
      }
      const linked = [...JSON.stringify(panel.fieldConfig).matchAll(/\$\{__field\.labels\.(\w+)/g)];
      for (const { expr } of targets) {
        const { labels } = analyse(expr, labelsOf);
        expect(linked.filter(([, label = '']) => !labels.has(label))).toEqual([]);
      }
    });

    test('has overrides only for shown series', () => {
      const names = panel.type === 'table' ? headersOf(panel) : targets.map(({ legendFormat = '' }) => legendFormat);
      for (const { matcher } of panel.fieldConfig?.overrides ?? []) {
        if (matcher.id === 'byFrameRefID') expect(targets.map(({ refId }) => refId)).toContain(matcher.options);
        else if (panel.type === 'table') expect(names).toContain(matcher.options);
        else expect(names.some((name) => couldBe(name, String(matcher.options)))).toBe(true);
      }
    });

    if (panel.type !== 'table') return;
    test('has queries whose rows can be merged', () => {
      // Their rows differ in the metric name.
      const named = targets.filter(({ expr }) => analyse(expr, labelsOf).labels.has('__name__'));
      expect(named.length).toBeLessThanOrEqual(1);
    });

    test('has only columns from its queries', () => {
      const given = new Set(targets.flatMap(({ expr }) => [...analyse(expr, labelsOf).labels]));
      for (const { refId } of targets) given.add(targets.length > 1 ? `Value #${refId}` : 'Value');
      const { renameByName = {} } = organizeOf(panel);
      expect(Object.keys(renameByName).filter((field) => !given.has(field))).toEqual([]);
      const linked = [...JSON.stringify(panel.fieldConfig).matchAll(/\$\{__data\.fields\.(\w+)/g)];
      const shown = Object.keys(renameByName);
      expect(linked.filter(([, field = '']) => !shown.includes(field))).toEqual([]);
      const sorted = (panel.options as { sortBy: { displayName: string }[] }).sortBy;
      expect(sorted.filter(({ displayName }) => !headersOf(panel).includes(displayName))).toEqual([]);
    });
  },
);

// The grammar above accepts type errors, such as the rate of an instant vector.
test.skipIf(!existsSync(PROMTOOL))('promtool accepts all queries', () => {
  const range = { from: 0, to: 21_600, scrapeInterval: 15 };
  const odd = String.raw`a.b\d's "x" (+)`;
  const choices: readonly Choice[] = [
    { ...range, values: { container: 'web' } },
    { ...range, values: { container: odd, namespace: odd, pod: ['', odd], instance: ['h1:1', 'h2:1'] } },
  ];
  const queries = choices.flatMap((choice) =>
    files.flatMap(({ panels, dashboard }) => [
      ...panels.flatMap(targetsOf).map(({ expr, interval }) => interpolate(expr, choice, interval)),
      ...(dashboard.annotations.list ?? []).map(({ expr = '', step }) => interpolate(expr, choice, step)),
    ]),
  );
  const rules = queries.map((expr, index) => ({ record: `board:query:${index}`, expr }));
  const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-boards-'));
  const file = join(directory, 'rules.yml');
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'boards', rules }] }));
  const { status, stdout, stderr } = spawnSync(PROMTOOL, ['check', 'rules', file], { encoding: 'utf8' });
  rmSync(directory, { recursive: true });
  expect(status, `${stdout}${stderr}`).toBe(0);
  expect(stdout).toContain(`${queries.length} rules found`);
});

// With all jobs selected, the matchers include every other target of Prometheus.
test('queries generic metrics for the exporters only', () => {
  const exprs = files.flatMap(({ panels, dashboard }) => [
    ...panels.flatMap(targetsOf).map(({ expr }) => expr),
    ...(dashboard.annotations.list ?? []).map(({ expr = '' }) => expr),
  ]);
  const common = exprs.filter((expr) => metricsOf(expr).some((metric) => !metric.startsWith('isolation_')));
  expect(common.length).toBeGreaterThan(0);
  for (const expr of common) expect(expr).toMatch(/ and on \(job(?:, instance)?\) .*isolation_exporter_build_info\{/);
});

// docs/dashboards.md says so.
test.each(files)('$name finds what it shows without a collector, except the container', ({ name, dashboard }) => {
  const needed = neededCollectors([JSON.stringify(dashboard.templating)]);
  expect(needed).toEqual(name === 'container' ? ['info'] : []);
});

describe('every metric of the exporter', () => {
  const asked = new Set(allPanels.flatMap((panel) => targetsOf(panel)).flatMap(({ expr }) => metricsOf(expr)));

  it.each([...collectorFamilies().keys()])('%s is on a dashboard, or excluded on purpose', (metric) => {
    expect(asked.has(metric)).toBe(!(metric in NOT_SHOWN));
  });

  it('that is excluded exists', () => {
    expect(Object.keys(NOT_SHOWN).filter((metric) => !collectorFamilies().has(metric))).toEqual([]);
  });
});

function metricsOf(expr: string): readonly string[] {
  return [...expr.matchAll(/([a-z][a-z0-9_]*)\{/g)].map(([, metric = '']) => metric);
}

function placeholders(format: string): string[] {
  return [...format.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label = '']) => label);
}

/** Whether a legend with placeholders can produce a name. */
function couldBe(legend: string, name: string): boolean {
  const literal = legend.split(/\{\{\s*\w+\s*\}\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${literal.join('.*')}$`).test(name);
}

/** A limit is a red line, not a judgement of the values below it. */
function isOnlyALimit(panel: Panel): boolean {
  const { defaults, overrides } = panel.fieldConfig ?? { defaults: {}, overrides: [] };
  const others = overrides.filter(({ properties }) => !properties.some(({ id }) => id === 'custom.lineStyle'));
  return !/"(red|orange)"/.test(JSON.stringify([defaults, others]));
}

function organizeOf(panel: Panel): { readonly renameByName?: Readonly<Record<string, string>> } {
  return panel.transformations?.find(({ id }) => id === 'organize')?.options ?? {};
}

function headersOf(panel: Panel): string[] {
  return Object.values(organizeOf(panel).renameByName ?? {});
}

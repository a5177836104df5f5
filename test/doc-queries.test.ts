import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { beforeAll, expect, test } from 'vitest';
import { docQueries } from './code-blocks.ts';
import { allFamilies, type Families } from './dashboards/families.ts';

const PROMTOOL = '/usr/bin/promtool';
const queries = docQueries();
let families: Families;

beforeAll(async () => {
  families = await allFamilies();
});

test('the documents have queries', () => {
  expect(queries.length).toBeGreaterThan(40);
});

test.each(queries.map(({ file, query }) => [file, query] as const))('in %s: %s', (_, query) => {
  const problems: string[] = [];
  const labels: string[] = [];
  const metrics: string[] = [];
  parser.parse(query).iterate({
    enter({ name, type, from, to }) {
      const text = query.slice(from, to);
      if (type.isError) problems.push(`no PromQL at ${from}`);
      else if (name === 'LabelName') labels.push(text);
      else if (name === 'Identifier') metrics.push(text);
    },
  });
  for (const [, pattern = ''] of query.matchAll(/__name__=~"([^"]*)"/g)) {
    const found = [...families.keys()].filter((family) => new RegExp(`^(?:${pattern})$`).test(family));
    if (found.length === 0) problems.push(`no metric matches ${pattern}`);
    metrics.push(...found);
  }
  expect(problems).toEqual([]);
  expect(metrics.length).toBeGreaterThan(0);
  expect(metrics.filter((metric) => !families.has(metric))).toEqual([]);
  const known = new Set([
    '__name__',
    '__type__',
    '__unit__',
    ...metrics.flatMap((metric) => [...(families.get(metric) ?? [])]),
  ]);
  expect(labels.filter((label) => !known.has(label))).toEqual([]);
});

test.skipIf(!existsSync(PROMTOOL))('promtool accepts all queries', () => {
  const directory = mkdtempSync(join(tmpdir(), 'isolation-exporter-queries-'));
  const file = join(directory, 'rules.yml');
  const rules = queries.map(({ query }, index) => ({ record: `doc:query:${index}`, expr: query }));
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'docs', rules }] }));
  const { status, stdout, stderr } = spawnSync(PROMTOOL, ['check', 'rules', file], { encoding: 'utf8' });
  rmSync(directory, { recursive: true });
  expect(status, `${stdout}${stderr}`).toBe(0);
  expect(stdout).toContain(`${queries.length} rules found`);
});

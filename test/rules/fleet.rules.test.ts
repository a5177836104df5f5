import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readFileSync } from 'node:fs';
import { host } from '../lab/host.ts';
import { describeOnReleases } from '../lab/on-prometheus-releases.ts';
import { PROMETHEUS_FOLDER } from './rule-files.ts';

describeOnReleases('what is shipped for a fleet', (release) => {
  const promtool = async (words: string) => {
    const { stdout, stderr, code } = await host.run(`cd ${PROMETHEUS_FOLDER}/fleet && ${release.promtool} ${words}`);
    return { code, said: stdout + stderr };
  };

  test.each(['remote-write-mimir.yml', 'remote-write-thanos.yml'])('%s is valid', async (file) => {
    const { code, said } = await promtool(`check config --lint-fatal ${file}`);
    expect(code, said).toBe(0);
    expect(said).toContain('2 rule files found');
  });

  test('records what the tests say', async () => {
    expect(await promtool('check rules --lint=all --lint-fatal rules.yml')).toMatchObject({ code: 0 });
    const { code, said } = await promtool('test rules tests/rules_test.yml');
    expect(code, said).toBe(0);
  });

  test('has a test of each rule', () => {
    const read = (path: string): unknown => parse(readFileSync(`${PROMETHEUS_FOLDER}/fleet/${path}`, 'utf8'));
    const { groups } = read('rules.yml') as { groups: { rules: { record: string }[] }[] };
    const { tests } = read('tests/rules_test.yml') as { tests: { promql_expr_test: { expr: string }[] }[] };
    const tested = tests.flatMap((one) => one.promql_expr_test.map(({ expr }) => expr)).join('\n');
    for (const { record } of groups.flatMap(({ rules }) => rules)) expect(tested).toContain(record);
  });
});

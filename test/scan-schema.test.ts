import { expect, test } from 'vitest';
import { findings } from '../src/findings/index.ts';
import { baselineOf } from '../src/scan/baseline.ts';
import { compareWith, type ScanReport } from '../src/scan/comparison.ts';
import { renderJson } from '../src/scan/json.ts';
import { checkedBy } from '../src/scan/standard.ts';
import { containerReport, hostReport, unknownContainer } from './reports.ts';
import { renderScanSchema, scanErrors } from './scan-schema.ts';

const version = { name: 'isolation-exporter', version: '1.2.3', revision: undefined };
const parsed = (report: ScanReport): unknown => JSON.parse(renderJson(report, version));

test('docs/scan.schema.json is current', async () => {
  await expect(renderScanSchema()).toMatchFileSnapshot('../docs/scan.schema.json');
});

test('every kind of output is valid', () => {
  const labels = { engine: 'containerd', namespace: 'shop', pod: 'cart-1', container: 'app' };
  const place = { scope: 'shared', path: '/x' } as const;
  const web = containerReport('web', {
    memory: { limit: 5, limited: false, used: 1, limiters: [{ ...place, limit: 5, used: undefined }] },
    pids: { limit: Infinity, limited: false, used: 1, limiters: [{ ...place, limit: 5, used: 1 }] },
    life: { health: 'unhealthy' },
  });
  const all = Object.fromEntries(findings.map(({ id }) => [id, 'yes'] as const));
  const report = hostReport(web, containerReport('app', { labels }, all), unknownContainer('dark'));
  const baseline = baselineOf([containerReport('web', {}, all), containerReport('old', {}, all)]);
  const compared = { ...report, ...compareWith(baseline, report.containers, { file: 'b', scope: 'all' }) };
  expect(scanErrors(parsed(hostReport()))).toEqual([]);
  expect(scanErrors(parsed(report))).toEqual([]);
  expect(scanErrors(parsed(compared))).toEqual([]);
  expect(scanErrors(parsed(checkedBy('pss-restricted', compared)))).toEqual([]);
  expect(scanErrors(parsed(checkedBy('cis-docker', report)))).toEqual([]);
});

test('the check can fail', () => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const json = parsed(hostReport(containerReport('web'))) as object;
  expect(scanErrors({ ...json, made: 'up' })).toEqual([
    ' must NOT have additional properties {"additionalProperty":"made"}',
  ]);
  expect(scanErrors({ ...json, cgroup: 'v3' })).toHaveLength(1);
  expect(scanErrors({ ...json, containers: [{}] }).length).toBeGreaterThan(3);
});

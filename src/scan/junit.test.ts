import { describe, expect, test } from 'vitest';
import { junitErrors } from '../../test/junit-schema.ts';
import { ACCEPTANCE, accepting, containerReport, hostReport, unknownContainer } from '../../test/reports.ts';
import { findings } from '../findings/index.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { renderJunit } from './junit.ts';

const version = { name: 'isolation-exporter', version: '1.2.3', revision: undefined };
const render = (...containers: readonly ContainerReport[]): string => renderJunit(hostReport(...containers), version);

const web = containerReport('web', {}, { privileged: 'yes', net_raw: 'yes', ulimits_raised: 'unknown' });
const hostile = containerReport(
  'a"b\'\n\u001b[31m\u202e<script>]]>&amp;\uffff',
  { image: '<i>\u0000', failure: new Error('EACCES \u0007<b>') },
  { privileged: 'yes', net_raw: 'unknown' },
);

describe('JUnit XML', () => {
  test('is valid by the schema', async () => {
    expect(await junitErrors(render())).toEqual([]);
    expect(await junitErrors(render(web, hostile, unknownContainer('dark')))).toEqual([]);
    // The check can fail.
    expect(await junitErrors(render(web).replace('tests="', 'made="up" tests="'))).not.toEqual([]);
  });

  test('has a suite for each container and a test for each finding, with their numbers', () => {
    const xml = render(web, unknownContainer('dark'));
    const all = findings.length;
    expect(xml).toContain(`<testsuites name="isolation-exporter" tests="${2 * all}" failures="2" errors="0">`);
    expect(xml).toContain(
      `<testsuite name="docker/web" tests="${all}" failures="2" errors="0" skipped="1" time="0" timestamp="2026-01-02T03:04:05">`,
    );
    expect(xml).toContain(`<testsuite name="docker/dark" tests="${all}" failures="0" errors="0" skipped="${all}" `);
    expect(xml.match(/<testcase /g)).toHaveLength(2 * all);
    expect(xml.match(/<failure /g)).toHaveLength(2);
    expect(xml.match(/<skipped /g)).toHaveLength(1 + all);
  });

  test('says of a failure what it is and how to fix it', () => {
    expect(render(web)).toMatch(
      /<testcase name="privileged" classname="docker\/web" time="0">\n *<failure message="critical: Privileged container" type="critical">It has all capabilities.*\n\nHow to fix it:\ndocker run: remove --privileged;.*\ncompose: .*\nKubernetes: .*<\/failure>\n *<\/testcase>/,
    );
  });

  test('says why a finding was skipped', () => {
    expect(render(unknownContainer('dark'))).toContain(
      `<skipped message="Could not be checked: NET_RAW (EACCES: permission denied, readlink '/proc/7/ns/net')"/>`,
    );
  });

  test('skips what somebody has accepted, with the reason', async () => {
    const reason = { ...ACCEPTANCE, reason: 'a <b> & "c"' };
    const xml = render(accepting(web, { privileged: reason, ulimits_raised: ACCEPTANCE }));
    expect(await junitErrors(xml)).toEqual([]);
    expect(xml).toContain(` failures="1" errors="0" skipped="2" `);
    expect(xml).toContain('<skipped message="Accepted: Privileged container. Reason: a &lt;b');
    expect(xml.match(/<failure /g)).toHaveLength(1);
    expect(xml.match(/<skipped message="Accepted: /g)).toHaveLength(2);
  });

  test('names the pod', () => {
    const labels = { engine: 'containerd', namespace: 'shop', pod: 'cart-1', container: 'app' };
    expect(render(containerReport('app', { labels }))).toContain('<testsuite name="containerd/shop/cart-1/app" ');
  });
});

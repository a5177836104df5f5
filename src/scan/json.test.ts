import { expect, test } from 'vitest';
import {
  ACCEPTANCE,
  accepting,
  containerReport,
  hostReport,
  quota,
  unknownContainer,
  use,
} from '../../test/reports.ts';
import type { ContainerReport } from '../report/container-report.ts';
import { renderJson } from './json.ts';

const version = { name: 'isolation-exporter', version: '1.2.3', revision: undefined };

interface Scan {
  readonly containers: readonly (Readonly<Record<string, unknown>> & {
    readonly findings: readonly { readonly id: string; readonly severity: string; readonly answer: string }[];
  })[];
}

const scanOf = (...containers: readonly ContainerReport[]): Scan =>
  JSON.parse(renderJson(hostReport(...containers), version));

test('names the program and the host', () => {
  expect(scanOf()).toMatchObject({
    name: 'isolation-exporter',
    version: '1.2.3',
    time: '2026-01-02T03:04:05.000Z',
    kernel: '6.1.0',
    cgroup: 'v2',
    sources: { cgroup_watch: true, host_namespaces: true },
    containers: [],
  });
});

test('has no number of containers that share a namespace if it is unknown', () => {
  const [web] = scanOf(
    containerReport('web', {
      namespaces: [
        { kind: 'net', peers: 'not host' },
        { kind: 'ipc', peers: 0 },
      ],
    }),
  ).containers;
  expect(web?.['namespaces']).toEqual({ net: { host: 'no' }, ipc: { host: 'no', otherContainers: 0 } });
});

test('has all facts of a container', () => {
  const web = containerReport('web', { pids: use(Infinity, 3) }, { privileged: 'yes', net_raw: 'unknown' });
  const [{ findings, ...facts } = { findings: [] }] = scanOf(web).containers;
  expect(facts).toEqual({
    engine: 'docker',
    container: 'web',
    namedBy: 'docker',
    id: '0123456789abcdef'.repeat(4),
    image: 'lab:1',
    runtime: 'runc',
    sandbox: 'oci',
    started: '2023-11-14T22:13:20.000Z',
    level: { number: 2, name: 'standard', certain: true },
    namespaces: {
      pid: { host: 'no', otherContainers: 0 },
      net: { host: 'no', otherContainers: 0 },
      mnt: { host: 'no', otherContainers: 0 },
      uts: { host: 'no', otherContainers: 0 },
      ipc: { host: 'no', otherContainers: 0 },
      user: { host: 'yes' },
      cgroup: { host: 'no', otherContainers: 0 },
    },
    memory: { limited: 'yes', limitBytes: 67_108_864, workingSetBytes: 16_777_216, otherLimits: [] },
    cpu: {
      limited: 'yes',
      limitCores: 0.5,
      periods: 200,
      throttledPeriods: 50,
      throttledSeconds: 2.5,
      otherLimits: [],
    },
    pids: { limited: 'no', current: 3, otherLimits: [] },
    oom: { events: 2, kills: 2, lastKill: '2026-01-02T03:00:05.000Z' },
  });
  expect(findings).toContainEqual({ id: 'privileged', severity: 'critical', answer: 'yes' });
  expect(findings).toContainEqual({ id: 'net_raw', severity: 'low', answer: 'unknown' });
  expect(findings).toHaveLength(web.findings.length);
});

test('has why a finding is accepted, and leaves out what is not set', () => {
  const web = containerReport('web', {}, { privileged: 'yes', net_raw: 'unknown', engine_socket: 'yes' });
  const accepted = { privileged: ACCEPTANCE, net_raw: { reason: 'fine', owner: undefined, expires: undefined } };
  const [{ findings } = { findings: [] }] = scanOf(accepting(web, { ...accepted, all_devices: ACCEPTANCE })).containers;
  expect(findings.filter(({ id }) => ['privileged', 'net_raw', 'engine_socket', 'all_devices'].includes(id))).toEqual([
    {
      id: 'privileged',
      severity: 'critical',
      answer: 'yes',
      accepted: { reason: 'It reads /proc.', owner: 'platform', expires: '2027-06-30' },
    },
    { id: 'net_raw', severity: 'low', answer: 'unknown', accepted: { reason: 'fine' } },
    { id: 'engine_socket', severity: 'critical', answer: 'yes' },
    { id: 'all_devices', severity: 'critical', answer: 'no' },
  ]);
});

test('has the limits of other cgroups, and does not count a shared one as a limit', () => {
  const place = { scope: 'shared', path: '/kubepods' } as const;
  const [facts] = scanOf(
    containerReport('web', {
      memory: { limit: 4096, limited: false, used: 10, limiters: [{ ...place, limit: 4096, used: 3000 }] },
      cpu: {
        ...quota(2, undefined, undefined, undefined),
        limited: false,
        limiters: [{ ...place, limit: 2, periods: 10, throttledPeriods: 9, throttledSeconds: 8 }],
      },
      pids: { limit: 30, limited: false, used: 1, limiters: [{ ...place, limit: 30, used: 20 }] },
    }),
  ).containers;
  const shared = { scope: 'shared', cgroup: '/kubepods' };
  expect(facts).toMatchObject({
    memory: { limited: 'no', limitBytes: 4096, otherLimits: [{ ...shared, limitBytes: 4096, workingSetBytes: 3000 }] },
    cpu: {
      limited: 'no',
      limitCores: 2,
      otherLimits: [{ ...shared, limitCores: 2, periods: 10, throttledPeriods: 9, throttledSeconds: 8 }],
    },
    pids: { limited: 'no', limit: 30, otherLimits: [{ ...shared, limit: 30, current: 20 }] },
  });
});

test('omits unknown facts or reports them as unknown', () => {
  const [dark] = scanOf(unknownContainer('dark')).containers;
  expect(dark).toMatchObject({
    namespaces: { pid: { host: 'unknown' } },
    memory: { limited: 'unknown' },
    cpu: { limited: 'unknown' },
    pids: { limited: 'unknown' },
    failure: "EACCES: permission denied, readlink '/proc/7/ns/net'",
  });
  expect(Object.keys(dark ?? {})).toEqual(expect.not.arrayContaining(['level', 'sandbox', 'started', 'image']));
  expect(new Set(dark?.findings.map(({ answer }) => answer))).toEqual(new Set(['unknown']));
});

test('is safe in a terminal and parses to the same value', () => {
  const name = 'a\u001b[31mb\u009b2Jc\u202ed\u200be\u007f\u{e0041}';
  const text = renderJson(hostReport(containerReport(name)), version);
  // oxlint-disable-next-line no-control-regex
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u200b\u{e0041}]/u);
  expect(JSON.parse(text)).toMatchObject({ containers: [{ container: name }] });
});

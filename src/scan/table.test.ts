import { expect, test } from 'vitest';
import { containerReport, hostReport, unknownContainer } from '../../test/reports.ts';
import { NAMESPACE_KINDS } from '../kernel/host-namespaces.ts';
import { widthOf } from '../terminal/columns.ts';
import { createPaint } from '../terminal/paint.ts';
import { renderTable } from './table.ts';

const plain = createPaint('off');
const coloured = createPaint('on');

/** What a colour is told to a terminal by. */
// oxlint-disable-next-line no-control-regex
const COLOURS = /\u001b\[[\d;]+m(?!b)/g;

test('tells what people want to know of each container', () => {
  const exposed = containerReport(
    'exposed',
    {
      standing: { level: 0, levelName: 'host_like', certain: false },
      memory: { limit: Infinity, used: 1 },
      cpu: { limit: Infinity, periods: 0, throttledPeriods: 0, throttledSeconds: 0 },
      pids: { limit: undefined, used: undefined },
      namespaces: [
        { kind: 'pid', peers: 'host' },
        { kind: 'net', peers: 'host' },
        { kind: 'ipc', peers: undefined },
        { kind: 'uts', peers: 2 },
      ],
    },
    {
      host_pid_namespace: 'yes',
      host_network_namespace: 'yes',
      privileged: 'yes',
      memory_unlimited: 'yes',
      pids_unlimited: 'unknown',
    },
  );
  expect(renderTable(hostReport(exposed, containerReport('web')), plain)).toBe(
    [
      'CONTAINER  ENGINE  LEVEL          MEMORY    CPU       PIDS  HOST NS',
      'exposed    docker  ≥ 0 host_like  no limit  no limit  ?     pid net ipc?',
      '  shared    uts with 2 others',
      '  critical  privileged',
      '  high      host_pid_namespace, host_network_namespace',
      '  medium    memory_unlimited',
      '  unknown   pids_unlimited',
      '',
      'web        docker  2 standard     64 MiB    0.5       100   user',
      '',
      '2 containers. Findings: 1 critical, 2 high, 1 medium.',
      'Why, and how to fix it: isolation-exporter scan --explain FINDING',
      '≥: it is at least that; what is unknown could only make it better.',
      '',
    ].join('\n'),
  );
});

test('never shows what is unknown as fine', () => {
  const text = renderTable(hostReport(unknownContainer('dark')), plain);
  expect(text).toMatch(/\ndark +docker +\? +\? +\? +\? +\?\n/);
  expect(text).toMatch(/\n {2}unknown {3}\d\d findings could not be told\n/);
  expect(text).toContain(
    "\nNot all could be seen, see isolation-exporter diagnose: EACCES: permission denied, readlink '/pr",
  );
});

test('says of a sandbox that it is one', () => {
  const sandboxed = containerReport('sandboxed', {
    sandbox: 'gvisor',
    standing: { level: 4, levelName: 'user_kernel', certain: true },
    namespaces: undefined,
  });
  expect(renderTable(hostReport(sandboxed), plain)).toMatch(/\nsandboxed +docker +4 user_kernel .* in gvisor\n/);
});

test('says that it does not know the namespaces of the host', () => {
  const report = { ...hostReport(containerReport('web')), sources: new Map([['host_namespaces', false]]) };
  expect(renderTable(report, plain)).toMatch(
    /\nNot all could be seen, see isolation-exporter diagnose: the namespaces/,
  );
});

test('says which engine gave no names', () => {
  const report = { ...hostReport(containerReport('0123456789ab')), sources: new Map([['docker', false]]) };
  expect(renderTable(report, plain)).toContain('\ndocker gives no names: containers are called by their ids.\n');
});

test.each([
  ['containerd', '0e-1', true],
  ['cri-o', '0e-1', true],
  // Its names are its own, and those of other clients of containerd nobody's.
  ['docker', '0e-1', false],
  ['containerd', '', false],
])('says that cri gives no names if there is a container of %s in pod %j: %s', (engine, pod, expected) => {
  const container = containerReport('0123', { labels: { engine, namespace: '', pod, container: '0123' } });
  const report = { ...hostReport(container), sources: new Map([['cri', false]]) };
  expect(renderTable(report, plain).includes('\ncri gives no names')).toBe(expected);
});

test('is not empty if there is no container', () => {
  expect(renderTable(hostReport(), plain)).toBe(
    'No container was found; isolation-exporter diagnose tells what can be seen here.\n',
  );
});

test('is 100 columns wide at most, and its columns stand one below the other', () => {
  const everything = Object.fromEntries(
    containerReport('x').findings.map(({ finding }) => [finding.id, 'yes'] as const),
  );
  const names = [
    'short',
    'x'.repeat(26),
    'y'.repeat(27),
    'z'.repeat(300),
    '容器'.repeat(13),
    '容器'.repeat(80),
    'e\u0301'.repeat(26),
  ];
  const widest = names.map((name) =>
    containerReport(
      name,
      {
        labels: { engine: 'containerd-rootless', namespace: '', pod: '', container: name },
        standing: { level: 4, levelName: 'user_kernel', certain: false },
        memory: { limit: 1023 * 1024 ** 3, used: 0 },
        cpu: { limit: Infinity, periods: 0, throttledPeriods: 0, throttledSeconds: 0 },
        pids: { limit: Infinity, used: 0 },
        namespaces: NAMESPACE_KINDS.map((kind) => ({ kind, peers: 'host' })),
      },
      everything,
    ),
  );
  const lines = renderTable(hostReport(...widest), plain)
    .split('\n')
    .slice(0, -1);
  expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(100);
  const ats = lines
    .filter((line) => line.includes('≥ 4 user_kernel'))
    .map((line) => widthOf(line.slice(0, line.indexOf('≥'))));
  expect(ats).toHaveLength(names.length);
  expect(new Set(ats).size).toBe(1);
});

test('hostile names do nothing to a terminal', () => {
  const name = 'a\u001b[31mb\nc\rd\u009b2Je\u202ef\u200bg\ud800h\u0007';
  const report = hostReport({ ...containerReport(name), failure: new Error(`no ${name}`) });
  for (const paint of [plain, coloured]) {
    const text = renderTable(report, paint).replaceAll(COLOURS, '');
    // oxlint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u200b\ud800]/u);
    expect(text).toContain('\na\ufffd[31mb\ufffdc\ufffdd\ufffd2Je\ufffdf\ufffdg\ufffdh\ufffd');
  }
});

test('colours what is bad, and nothing if it is not to', () => {
  const report = hostReport(
    containerReport('web', { standing: { level: 0, levelName: 'host_like', certain: true } }, { privileged: 'yes' }),
  );
  expect(renderTable(report, coloured)).toContain('\u001b[1;31m0 host_like\u001b[0m');
  expect(renderTable(report, coloured)).toContain('  \u001b[1;31mcritical\u001b[0m  privileged');
  expect(renderTable(report, plain)).not.toContain('\u001b');
  // Colours take no room.
  expect(renderTable(report, coloured).replaceAll(COLOURS, '')).toBe(renderTable(report, plain));
});

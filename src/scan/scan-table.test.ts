import { expect, test } from 'vitest';
import {
  ACCEPTANCE,
  accepting,
  containerReport,
  hostReport,
  unknownContainer,
  quota,
  use,
} from '../../test/reports.ts';
import { NAMESPACE_KINDS } from '../kernel/host-namespaces.ts';
import { widthOf } from '../terminal/columns.ts';
import { createPaint } from '../terminal/paint.ts';
import { renderScanTable } from './scan-table.ts';

const plain = createPaint('off');
const coloured = createPaint('on');

/** The escape sequences for colours. */
// oxlint-disable-next-line no-control-regex
const COLOURS = /\u001b\[[\d;]+m(?!b)/g;

test('shows level, limits, namespaces and findings of each container', () => {
  const exposed = containerReport(
    'exposed',
    {
      isolationLevel: { level: 0, levelName: 'host_like', certain: false },
      memory: use(Infinity, 1),
      cpu: quota(Infinity, 0, 0, 0),
      pids: use(undefined, undefined),
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
  expect(renderScanTable(hostReport(exposed, containerReport('web')), plain)).toBe(
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
      '≥ means at least: unknown facts can only raise the level.',
      'Names: 2 from docker.',
      '',
    ].join('\n'),
  );
});

test('shows accepted findings apart, with the reason', () => {
  const agent = containerReport(
    'agent',
    {},
    { host_pid_namespace: 'yes', takeover_capability: 'yes', net_raw: 'yes', seccomp_disabled: 'unknown' },
  );
  const ended = { reason: `one\u001b[2J ${'word '.repeat(20)}end`, owner: undefined, expires: undefined };
  const accepted = accepting(agent, {
    host_pid_namespace: ACCEPTANCE,
    takeover_capability: ACCEPTANCE,
    seccomp_disabled: ended,
    privileged: ACCEPTANCE,
  });
  expect(renderScanTable(hostReport(accepted), plain)).toBe(
    [
      'CONTAINER  ENGINE  LEVEL       MEMORY  CPU  PIDS  HOST NS',
      'agent      docker  2 standard  64 MiB  0.5  100   user',
      '  low       net_raw',
      '  accepted  takeover_capability, host_pid_namespace: It reads /proc. (platform, until 2027-06-30)',
      '            seccomp_disabled?: one\ufffd[2J word word word word word word word word word word word word',
      '            word word word word word word word word end',
      '',
      '1 container. Findings: 1 low, 3 accepted.',
      'Why, and how to fix it: isolation-exporter scan --explain FINDING',
      'Names: 1 from docker.',
      '',
    ].join('\n'),
  );
});

test('lists the limits of other cgroups, and does not count a shared one as a limit', () => {
  const pod = { scope: 'pod', path: '/kubepods/pod1' } as const;
  const text = renderScanTable(
    hostReport(
      containerReport('web', {
        memory: {
          limit: 4096,
          limited: false,
          used: 10,
          limiters: [{ scope: 'shared', path: '/kube\u001bpods', limit: 4096, used: 3000 }],
        },
        cpu: {
          ...quota(0.2, undefined, undefined, undefined),
          limiters: [{ ...pod, limit: 0.2, periods: 10, throttledPeriods: 9, throttledSeconds: 8 }],
        },
        pids: { limit: 6, limited: true, used: 1, limiters: [{ ...pod, limit: 6, used: 5 }] },
      }),
    ),
    plain,
  );
  const [, row, ...more] = text.split('\n');
  expect(row).toBe('web        docker  2 standard  no limit  0.2  6     user');
  expect(more.slice(0, 2)).toEqual([
    '  limits    memory 4 KiB (shared: /kube\ufffdpods), CPU 0.2, PIDs 6 (pod: /kubepods/pod1)',
    '',
  ]);
});

test('names a cgroup inside a container by its path from there', () => {
  const web = containerReport('web');
  const inside = { scope: 'container', path: `${web.path}/container`, limit: 50, used: 5 } as const;
  const text = renderScanTable(
    hostReport({ ...web, pids: { limit: 50, limited: true, used: 5, limiters: [inside] } }),
    plain,
  );
  expect(text).toContain('\n  limits    PIDs 50 (inside: container)\n');
});

test('never shows what is unknown as fine', () => {
  const text = renderScanTable(hostReport(unknownContainer('dark')), plain);
  expect(text).toMatch(/\ndark +docker +\? +\? +\? +\? +\?\n/);
  expect(text).toMatch(/\n {2}unknown {3}\d\d findings could not be checked\n/);
  expect(text).toMatch(/\n1 container, no findings\. \d\d could not be checked\.\n/);
  expect(text).toContain(
    '\nSome facts could not be read, see isolation-exporter diagnose: EACCES: permission denied, readlink …',
  );
});

test('does not say of a namespace that nobody shares it if that is unknown', () => {
  const web = containerReport('web', { namespaces: [{ kind: 'net', peers: 'not host' }] });
  expect(renderScanTable(hostReport(web), plain)).toMatch(/ none\n {2}shared {4}unknown with whom\n/);
});

test('names the sandbox of a container', () => {
  const sandboxed = containerReport('sandboxed', {
    sandbox: 'gvisor',
    isolationLevel: { level: 4, levelName: 'user_kernel', certain: true },
    namespaces: undefined,
  });
  expect(renderScanTable(hostReport(sandboxed), plain)).toMatch(/\nsandboxed +docker +4 user_kernel .* in gvisor\n/);
});

test("says that the host's namespaces are unknown", () => {
  const report = { ...hostReport(containerReport('web')), sources: new Map([['host_namespaces', false]]) };
  expect(renderScanTable(report, plain)).toMatch(
    /\nSome facts could not be read, see isolation-exporter diagnose: the host's namespaces/,
  );
});

test('says which sources gave names, and how many containers have none', () => {
  const inPod = { engine: 'containerd', namespace: 'shop', pod: 'cart-0' };
  const report = hostReport(
    containerReport('web'),
    containerReport('app', { labels: { ...inPod, container: 'app' }, namedBy: 'kubelet_logs' }),
    // Only the names of its pod are known, like those of a pause container.
    containerReport('pause', { labels: { ...inPod, container: '0123456789ab' }, namedBy: 'kubelet_logs' }),
    containerReport('lxc', { id: 'dead', labels: { ...inPod, engine: 'lxc', container: 'dead' }, namedBy: undefined }),
  );
  expect(renderScanTable(report, plain)).toContain(
    '\nNames: 1 from docker, 1 from kubelet_logs; 1 container is shown by id.\n',
  );
});

test('says that no container has a name', () => {
  const report = hostReport(containerReport('0123456789ab', { namedBy: undefined }));
  expect(renderScanTable(report, plain)).toContain('\nNames: 1 container is shown by id.\n');
});

test('says that containers may be missing', () => {
  const report = { ...hostReport(containerReport('web')), sources: new Map([['cgroup_walk', false]]) };
  expect(renderScanTable(report, plain)).toContain('\nSome cgroups could not be looked at: containers in them are');
  expect(renderScanTable(hostReport(containerReport('web')), plain)).not.toContain('Some cgroups');
});

test('says how many cgroups that look like containers are not listed', () => {
  const report = { ...hostReport(containerReport('web')), overLimit: 936 };
  expect(renderScanTable(report, plain)).toContain('\n936 cgroups look like containers and are not listed: too many (');
  expect(renderScanTable({ ...report, overLimit: 1 }, plain)).toContain('\n1 cgroup looks like a container and is not');
  expect(renderScanTable(hostReport(containerReport('web')), plain)).not.toContain('not listed');
});

test('does not miss an engine whose containers have names from elsewhere', () => {
  const labels = { engine: 'containerd', namespace: 'shop', pod: 'cart-0', container: 'app' };
  const report = {
    ...hostReport(containerReport('app', { labels, namedBy: 'kubelet_logs' })),
    sources: new Map([['cri', false]]),
  };
  expect(renderScanTable(report, plain)).not.toContain('No names from');
});

test('says which engine provides no names', () => {
  const report = { ...hostReport(containerReport('0123456789ab')), sources: new Map([['docker', false]]) };
  expect(renderScanTable(report, plain)).toContain('\nNo names from docker: containers are shown by id.\n');
});

test.each([
  ['containerd', '0e-1', true],
  ['cri-o', '0e-1', true],
  // The engine names its own containers. No engine names those of other containerd clients.
  ['docker', '0e-1', false],
  ['podman', 'shop', false],
  ['containerd', '', false],
])('says that cri provides no names, with a container of %s in pod %j: %s', (engine, pod, expected) => {
  const container = containerReport('0123', { labels: { engine, namespace: '', pod, container: '0123' } });
  const report = { ...hostReport(container), sources: new Map([['cri', false]]) };
  expect(renderScanTable(report, plain).includes('\nNo names from cri')).toBe(expected);
});

test('is not empty without containers', () => {
  expect(renderScanTable(hostReport(), plain)).toBe(
    'No containers found; isolation-exporter diagnose shows what can be read here.\n',
  );
});

test('is at most 100 columns wide and has aligned columns', () => {
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
        isolationLevel: { level: 4, levelName: 'user_kernel', certain: false },
        memory: use(1023 * 1024 ** 3, 0),
        cpu: quota(Infinity, 0, 0, 0),
        pids: use(Infinity, 0),
        namespaces: NAMESPACE_KINDS.map((kind) => ({ kind, peers: 'host' })),
      },
      everything,
    ),
  );
  const lines = renderScanTable(hostReport(...widest), plain)
    .split('\n')
    .slice(0, -1);
  expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(100);
  const ats = lines
    .filter((line) => line.includes('≥ 4 user_kernel'))
    .map((line) => widthOf(line.slice(0, line.indexOf('≥'))));
  expect(ats).toHaveLength(names.length);
  expect(new Set(ats).size).toBe(1);
});

test('hostile names cannot control a terminal', () => {
  const name = 'a\u001b[31mb\nc\rd\u009b2Je\u202ef\u200bg\ud800h\u0007';
  const report = hostReport({ ...containerReport(name), failure: new Error(`no ${name}`) });
  for (const paint of [plain, coloured]) {
    const text = renderScanTable(report, paint).replaceAll(COLOURS, '');
    // oxlint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u200b\ud800]/u);
    expect(text).toContain('\na\ufffd[31mb\ufffdc\ufffdd\ufffd2Je\ufffdf\ufffdg\ufffdh\ufffd');
  }
});

test('colours problems, and nothing if colours are off', () => {
  const report = hostReport(
    containerReport(
      'web',
      { isolationLevel: { level: 0, levelName: 'host_like', certain: true } },
      { privileged: 'yes' },
    ),
  );
  expect(renderScanTable(report, coloured)).toContain('\u001b[1;31m0 host_like\u001b[0m');
  expect(renderScanTable(report, coloured)).toContain('  \u001b[1;31mcritical\u001b[0m  privileged');
  expect(renderScanTable(report, plain)).not.toContain('\u001b');
  // Escape sequences take no columns.
  expect(renderScanTable(report, coloured).replaceAll(COLOURS, '')).toBe(renderScanTable(report, plain));
});

import { describe, expect, test } from 'vitest';
import { UsageError, createConfig } from './config.ts';
import type { Config, Environment } from './config.ts';
import type { Flags } from './command-line.ts';

const COLLECTORS = [
  { name: 'cpu', help: 'CPU.' },
  { name: 'big-pages', help: 'Pages.' },
];

function config(flags: Record<string, string[]> = {}, environment: Environment = {}): Config {
  const map: Flags = new Map(Object.entries(flags));
  return createConfig({ flags: map, environment, collectors: COLLECTORS });
}

function complaint(flags: Record<string, string[]>, environment: Environment = {}): string {
  try {
    config(flags, environment);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'none';
}

const socket = (path: string): object => ({ kind: 'unix', path, text: `unix://${path}` });

test('works without any option', () => {
  expect(config()).toEqual({
    web: {
      listenAddresses: [{ host: undefined, port: 10061, text: ':10061' }],
      telemetryPath: '/metrics',
      cadvisorPath: undefined,
      maxRequests: 40,
      configFile: undefined,
    },
    cadvisorLabels: 'docker',
    createdTimestamps: false,
    path: { procfs: '/proc', cgroupfs: '/sys/fs/cgroup', kmsg: '/dev/kmsg' },
    docker: { hosts: [socket('/var/run/docker.sock')], isDefault: true },
    podman: { hosts: [socket('/run/podman/podman.sock')], isDefault: true },
    cri: {
      hosts: [
        socket('/run/k3s/containerd/containerd.sock'),
        socket('/run/k0s/containerd.sock'),
        socket('/var/snap/microk8s/common/run/containerd.sock'),
        socket('/run/crio/crio.sock'),
        socket('/run/containerd/containerd.sock'),
      ],
      isDefault: true,
    },
    kubeletLogs: { directory: '/var/log/containers', isDefault: true },
    containerLabels: [],
    layerInterval: 600_000,
    discovery: { walkInterval: 10_000, maxNested: 64, maxPerUser: 100 },
    oom: { retention: 3_600_000, stateFile: undefined },
    log: { level: 'info', format: 'logfmt' },
    collectors: ['cpu', 'big-pages'],
    allFindings: false,
    unknownVariables: [],
  });
});

test.each([
  [{ 'web.created-timestamps': ['true'] }, {}, true],
  [{}, { ISOLATION_EXPORTER_WEB_CREATED_TIMESTAMPS: 'true' }, true],
  [{ 'web.created-timestamps': ['false'] }, { ISOLATION_EXPORTER_WEB_CREATED_TIMESTAMPS: 'true' }, false],
])('created timestamps by %j and %j: %j', (flags, environment, expected) => {
  expect(config(flags, environment).createdTimestamps).toBe(expected);
});

test.each([
  [{ 'collector.findings.all': ['true'] }, {}, true],
  [{}, { ISOLATION_EXPORTER_COLLECTOR_FINDINGS_ALL: 'true' }, true],
  [{ 'collector.findings.all': ['false'] }, { ISOLATION_EXPORTER_COLLECTOR_FINDINGS_ALL: 'true' }, false],
])('all findings by %j and %j: %j', (flags, environment, expected) => {
  const { allFindings, unknownVariables } = config(flags, environment);
  expect({ allFindings, unknownVariables }).toEqual({ allFindings: expected, unknownVariables: [] });
});

describe('the path of metrics under the names of cAdvisor', () => {
  const path = (text: string) => config({ 'web.cadvisor-path': [text] }).web.cadvisorPath;

  test('is given, or there is none', () => {
    expect(path('/metrics/cadvisor')).toBe('/metrics/cadvisor');
    expect(path('')).toBeUndefined();
    expect(config({}, { ISOLATION_EXPORTER_WEB_CADVISOR_PATH: '/c' }).web.cadvisorPath).toBe('/c');
    expect(config({}, { ISOLATION_EXPORTER_WEB_CADVISOR_PATH: '' }).web.cadvisorPath).toBeUndefined();
  });

  test.each(['/', '/healthz', '/-/ready', '/-/healthy', 'metrics/cadvisor', '//x', '/a?b', 'on'])(
    'is not %j, which is no path or another endpoint',
    (text) =>
      expect(complaint({ 'web.cadvisor-path': [text] })).toBe(
        `--web.cadvisor-path: expected a path such as /metrics/cadvisor that no other endpoint uses, or nothing, not "${text}"`,
      ),
  );

  test('is not that of our own metrics', () => {
    const complaints = [
      complaint({ 'web.cadvisor-path': ['/metrics'] }),
      complaint({ 'web.telemetry-path': ['/m'] }, { ISOLATION_EXPORTER_WEB_CADVISOR_PATH: '/m' }),
    ];
    expect(complaints).toEqual([
      '--web.cadvisor-path: "/metrics" is the path of --web.telemetry-path',
      'ISOLATION_EXPORTER_WEB_CADVISOR_PATH: "/m" is the path of --web.telemetry-path',
    ]);
  });

  test('has the labels of cAdvisor or of the kubelet', () => {
    expect(config({ 'web.cadvisor-labels': ['kubelet'] }).cadvisorLabels).toBe('kubelet');
    expect(complaint({ 'web.cadvisor-labels': ['k8s'] })).toBe(
      '--web.cadvisor-labels: expected docker or kubelet, not "k8s"',
    );
  });
});

test('the web configuration is a file relative to the working directory, or absent', () => {
  const file = (...given: Parameters<typeof config>): string | undefined => config(...given).web.configFile;
  expect(file({ 'web.config.file': ['/etc/web.yml'] })).toBe('/etc/web.yml');
  expect(file({ 'web.config.file': ['web.yml'] })).toBe(`${process.cwd()}/web.yml`);
  expect(file({}, { ISOLATION_EXPORTER_WEB_CONFIG_FILE: '/etc/web.yml' })).toBe('/etc/web.yml');
  expect(file({ 'web.config.file': [''] }, { ISOLATION_EXPORTER_WEB_CONFIG_FILE: '/etc/web.yml' })).toBeUndefined();
  expect(complaint({ 'web.config.file': ['a\0b'] })).toMatch(/^--web\.config\.file: expected the path of a file/);
});

test('is deeply frozen', () => {
  const frozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
  expect(frozen(config())).toBe(true);
});

describe('precedence', () => {
  const environment = { ISOLATION_EXPORTER_LOG_LEVEL: 'debug', ISOLATION_EXPORTER_WEB_MAX_REQUESTS: ' 3 ' };

  test('the environment wins over the default', () => {
    expect(config({}, environment).log.level).toBe('debug');
    expect(config({}, environment).web.maxRequests).toBe(3);
  });

  test('a flag wins over the environment, right or wrong', () => {
    expect(config({ 'log.level': ['warn'] }, environment).log.level).toBe('warn');
    expect(config({ 'log.level': ['warn'] }, { ISOLATION_EXPORTER_LOG_LEVEL: 'nonsense' }).log.level).toBe('warn');
  });

  test('an empty variable counts as unset', () => {
    expect(config({}, { ISOLATION_EXPORTER_LOG_LEVEL: '', ISOLATION_EXPORTER_COLLECTOR_CPU: '' }).log.level).toBe(
      'info',
    );
  });
});

describe('addresses', () => {
  const ports = (given: Config): number[] => given.web.listenAddresses.map(({ port }) => port);

  test('come from the flag or, separated by commas, from the environment', () => {
    expect(ports(config({ 'web.listen-address': [':1', '[::1]:2'] }))).toEqual([1, 2]);
    expect(ports(config({}, { ISOLATION_EXPORTER_WEB_LISTEN_ADDRESS: ':1 , localhost:2' }))).toEqual([1, 2]);
  });

  test('must be distinct', () => {
    expect(complaint({ 'web.listen-address': [':1', ':2', ':1'] })).toBe('--web.listen-address: ":1" appears twice');
    expect(complaint({}, { ISOLATION_EXPORTER_WEB_LISTEN_ADDRESS: 'a:1,A:1' })).toBe(
      'ISOLATION_EXPORTER_WEB_LISTEN_ADDRESS: "A:1" appears twice',
    );
    expect(ports(config({ 'web.listen-address': ['[::1]:1', '127.0.0.1:1'] }))).toEqual([1, 1]);
    expect(ports(config({ 'web.listen-address': [':0', ':0'] }))).toEqual([0, 0]);
  });
});

describe('engines', () => {
  test('can have another address', () => {
    const { docker } = config({ 'docker.host': ['tcp://127.0.0.1:2375'] });
    expect(docker).toMatchObject({ hosts: [{ kind: 'tcp', port: 2375 }], isDefault: false });
    const endpoints = (given: Config): readonly string[] | undefined => given.cri?.hosts.map(({ path }) => path);
    expect(endpoints(config({ 'cri.endpoint': ['unix:///a.sock', '/b.sock'] }))).toEqual(['/a.sock', '/b.sock']);
    expect(endpoints(config({}, { ISOLATION_EXPORTER_CRI_ENDPOINT: '/a.sock, /b.sock' }))).toEqual([
      '/a.sock',
      '/b.sock',
    ]);
    expect(complaint({ 'cri.endpoint': ['tcp://127.0.0.1:1'] })).toBe(
      '--cri.endpoint: expected unix:///path or an absolute path, or nothing, not "tcp://127.0.0.1:1"',
    );
  });

  test('can be several', () => {
    const given = config({ 'docker.host': ['', '/a.sock', 'tcp://h:1'] }, { ISOLATION_EXPORTER_PODMAN_HOST: '/b,/c' });
    expect(given.docker?.hosts.map(({ text }) => text)).toEqual(['/a.sock', 'tcp://h:1']);
    expect(given.podman?.hosts.map(({ text }) => text)).toEqual(['/b', '/c']);
  });

  test('can be disabled', () => {
    expect(config({ 'docker.host': [''] }).docker).toBeUndefined();
    expect(config({}, { ISOLATION_EXPORTER_PODMAN_HOST: '' }).podman).toBeUndefined();
    expect(config({ 'cri.endpoint': [''] }).cri).toBeUndefined();
    expect(config({}, { ISOLATION_EXPORTER_CRI_ENDPOINT: '' }).cri).toBeUndefined();
  });

  test('count as configured even with the default address', () => {
    expect(config({}, { ISOLATION_EXPORTER_DOCKER_HOST: '/var/run/docker.sock' }).docker?.isDefault).toBe(false);
  });
});

describe('labels of containers', () => {
  const names = (given: Config): readonly string[] => given.containerLabels.map(({ name }) => name);

  test('are off by default, and come from flags or the environment', () => {
    expect(names(config())).toEqual([]);
    expect(names(config({ 'container.labels': ['a,b', 'c', 'a'] }))).toEqual(['a', 'b', 'c']);
    expect(names(config({}, { ISOLATION_EXPORTER_CONTAINER_LABELS: 'a, b' }))).toEqual(['a', 'b']);
  });

  test('are limited in number', () => {
    const many = Array.from({ length: 51 }, (_, index) => `l${index}`).join(',');
    expect(complaint({ 'container.labels': [many] })).toBe('--container.labels: 51 labels; at most 50 can be exported');
    expect(complaint({ 'container.labels': ['a b'] })).toBe(
      '--container.labels: expected names of labels such as app or app.kubernetes.io/name, separated by commas, or nothing, not "a b"',
    );
  });
});

describe('collectors', () => {
  test.each([
    [{ 'collector.cpu': ['false'] }, {}, ['big-pages']],
    [{ 'collector.disable-defaults': ['true'] }, {}, []],
    [{ 'collector.disable-defaults': ['true'], 'collector.cpu': ['true'] }, {}, ['cpu']],
    [{}, { ISOLATION_EXPORTER_COLLECTOR_BIG_PAGES: 'false' }, ['cpu']],
    [{}, { ISOLATION_EXPORTER_COLLECTOR_DISABLE_DEFAULTS: '1', ISOLATION_EXPORTER_COLLECTOR_CPU: 'true' }, ['cpu']],
    [{ 'collector.cpu': ['true'] }, { ISOLATION_EXPORTER_COLLECTOR_CPU: '0' }, ['cpu', 'big-pages']],
  ])('%j and %j: %j', (flags, environment, names) => {
    expect(config(flags, environment).collectors).toEqual(names);
  });
});

test.each([
  [{ 'log.level': ['loud'] }, {}, '--log.level: expected debug, info, warn or error, not "loud"'],
  [{}, { ISOLATION_EXPORTER_LOG_FORMAT: 'xml' }, 'ISOLATION_EXPORTER_LOG_FORMAT: expected logfmt or json, not "xml"'],
  [{ 'web.listen-address': [''] }, {}, '--web.listen-address: expected :PORT, host:PORT or [ipv6]:PORT, not ""'],
  [
    {},
    { ISOLATION_EXPORTER_WEB_LISTEN_ADDRESS: ':1,' },
    'ISOLATION_EXPORTER_WEB_LISTEN_ADDRESS: expected :PORT, host:PORT or [ipv6]:PORT, not ""',
  ],
  [
    { 'web.telemetry-path': ['/healthz'] },
    {},
    '--web.telemetry-path: expected a path such as /metrics that no other endpoint uses, not "/healthz"',
  ],
  [{ 'web.max-requests': ['-1'] }, {}, '--web.max-requests: expected a whole number, not "-1"'],
  [{ 'path.procfs': ['proc'] }, {}, '--path.procfs: expected an absolute path, not "proc"'],
  [
    { 'docker.host': ['ssh://x'] },
    {},
    '--docker.host: expected unix:///path, tcp://host:port, http://host:port or https://host:port, or nothing, not "ssh://x"',
  ],
  [
    { 'discovery.walk-interval': ['10'] },
    {},
    '--discovery.walk-interval: expected a duration from 100ms to 24h such as 500ms, 10s or 1m, not "10"',
  ],
  [
    { 'layers.interval': ['9s'] },
    {},
    '--layers.interval: expected a duration from 10s to 24h such as 1m or 1h, not "9s"',
  ],
  [
    { 'discovery.walk-interval': ['99ms'] },
    {},
    '--discovery.walk-interval: expected a duration from 100ms to 24h such as 500ms, 10s or 1m, not "99ms"',
  ],
  [
    {},
    { ISOLATION_EXPORTER_COLLECTOR_CPU: 'maybe' },
    'ISOLATION_EXPORTER_COLLECTOR_CPU: expected true or false, not "maybe"',
  ],
  [
    { 'log.level': [`\u001b[2J\n${'x'.repeat(1000)}`] },
    {},
    `--log.level: expected debug, info, warn or error, not "\\u001b[2J\\n${'x'.repeat(55)}…"`,
  ],
])('%j and %j are refused', (flags, environment, message) => {
  expect(complaint(flags, environment)).toBe(message);
});

test('reports unknown variables, except those that Kubernetes sets', () => {
  const names = ['SERVICE_HOST', 'SERVICE_PORT', 'SERVICE_PORT_HTTP', 'PORT', 'PORT_10061_TCP', 'PORT_10061_TCP_ADDR'];
  const environment = Object.fromEntries(names.map((name) => [`ISOLATION_EXPORTER_${name}`, 'x']));
  expect(config({}, { ...environment, ISOLATION_EXPORTER_LOGLEVEL: 'x', HOME: '/' }).unknownVariables).toEqual([
    'ISOLATION_EXPORTER_LOGLEVEL',
  ]);
});

import { parseLabelNames } from './container-labels.ts';
import { choice, entry, listOf } from './option-entry.ts';
import { LOG_FORMATS, LOG_LEVELS } from '../log.ts';
import {
  parseCount,
  parseDuration,
  parseEngineHost,
  parseFile,
  parseListenAddress,
  parsePath,
  parseUnixSocket,
  parseUrlPath,
} from './values.ts';

const ENGINE_HOST = 'unix:///path, tcp://host:port, http://host:port or https://host:port';

/** Whose labels `--web.cadvisor-path` has. */
const CADVISOR_LABELS = ['docker', 'kubelet'] as const;
export type CadvisorLabels = (typeof CADVISOR_LABELS)[number];

function parseTelemetryPath(text: string): string | undefined {
  return ['/-/healthy', '/-/ready', '/healthz'].includes(text) ? undefined : parseUrlPath(text);
}

/** All options of the daemon except those of the collectors, in the order of the help. */
export const OPTIONS = {
  listenAddresses: entry({
    flag: 'web.listen-address',
    group: 'Web',
    placeholder: '<address>',
    help: 'Where to listen: :PORT, host:PORT or [ipv6]:PORT. Can be repeated.',
    defaults: [':10061'],
    expected: ':PORT, host:PORT or [ipv6]:PORT',
    repeatable: true,
    parse: parseListenAddress,
  }),
  telemetryPath: entry({
    flag: 'web.telemetry-path',
    group: 'Web',
    placeholder: '<path>',
    help: 'HTTP path of the metrics.',
    defaults: ['/metrics'],
    expected: 'a path such as /metrics that no other endpoint uses',
    parse: parseTelemetryPath,
  }),
  cadvisorPath: entry({
    flag: 'web.cadvisor-path',
    group: 'Web',
    placeholder: '<path>',
    help: 'HTTP path of the same readings under the names of cAdvisor, such as /metrics/cadvisor; empty to disable.',
    defaults: [''],
    expected: 'a path such as /metrics/cadvisor that no other endpoint uses',
    empty: 'off',
    parse: (text) => (text === '/' ? undefined : parseTelemetryPath(text)),
  }),
  cadvisorLabels: choice(CADVISOR_LABELS, {
    flag: 'web.cadvisor-labels',
    group: 'Web',
    placeholder: '<style>',
    help: "Labels at --web.cadvisor-path: id, name, image and those of --container.labels (docker), or container, pod and namespace as at the kubelet's endpoint (kubelet).",
    defaults: ['docker'],
  }),
  maxRequests: entry({
    flag: 'web.max-requests',
    group: 'Web',
    placeholder: '<count>',
    help: 'Maximum number of concurrent metrics requests; 0 for no limit.',
    defaults: ['40'],
    expected: 'a whole number',
    parse: parseCount,
  }),
  webConfigFile: entry({
    flag: 'web.config.file',
    group: 'Web',
    placeholder: '<file>',
    help: "TLS and basic auth users, in the format of Prometheus' exporter-toolkit; empty to disable.",
    defaults: [''],
    expected: 'the path of a file',
    empty: 'off',
    parse: parseFile,
  }),
  procfs: entry({
    flag: 'path.procfs',
    group: 'Paths',
    placeholder: '<path>',
    help: "Where the host's procfs is mounted.",
    defaults: ['/proc'],
    expected: 'an absolute path',
    parse: parsePath,
  }),
  cgroupfs: entry({
    flag: 'path.cgroupfs',
    group: 'Paths',
    placeholder: '<path>',
    help: "Where the host's cgroup hierarchies are mounted.",
    defaults: ['/sys/fs/cgroup'],
    expected: 'an absolute path',
    parse: parsePath,
  }),
  kmsg: entry({
    flag: 'path.kmsg',
    group: 'Paths',
    placeholder: '<path>',
    help: 'Kernel log, for the victims of OOM kills; empty to disable.',
    defaults: ['/dev/kmsg'],
    expected: 'an absolute path',
    empty: 'off',
    parse: parsePath,
  }),
  containerLogs: entry({
    flag: 'path.container-logs',
    group: 'Paths',
    placeholder: '<path>',
    help: 'Where the kubelet links the logs of containers. The names of the links name pods and containers; no log is read. Empty to disable.',
    defaults: ['/var/log/containers'],
    expected: 'an absolute path',
    empty: 'off',
    parse: parsePath,
  }),
  docker: entry({
    flag: 'docker.host',
    group: 'Engines',
    placeholder: '<url>',
    help: 'Docker API, for names, health checks and how containers ended; empty to disable. Can be repeated: each is asked, such as those of users.',
    defaults: ['unix:///var/run/docker.sock'],
    expected: ENGINE_HOST,
    repeatable: true,
    empty: 'off',
    parse: parseEngineHost,
  }),
  podman: entry({
    flag: 'podman.host',
    group: 'Engines',
    placeholder: '<url>',
    help: 'Podman API, for names, health checks and how containers ended; empty to disable. Can be repeated: each is asked, such as those of users.',
    defaults: ['unix:///run/podman/podman.sock'],
    expected: ENGINE_HOST,
    repeatable: true,
    empty: 'off',
    parse: parseEngineHost,
  }),
  cri: entry({
    flag: 'cri.endpoint',
    group: 'Engines',
    placeholder: '<path>',
    help: 'Socket of containerd or CRI-O, for the names of pods and containers and how those ended; empty to disable. Can be repeated: the first socket that answers is used.',
    defaults: [
      // Of k3s and RKE2, k0s, MicroK8s. containerd comes last: many hosts have it although another runtime manages the pods.
      'unix:///run/k3s/containerd/containerd.sock',
      'unix:///run/k0s/containerd.sock',
      'unix:///var/snap/microk8s/common/run/containerd.sock',
      'unix:///run/crio/crio.sock',
      'unix:///run/containerd/containerd.sock',
    ],
    expected: 'unix:///path or an absolute path',
    repeatable: true,
    empty: 'off',
    parse: parseUnixSocket,
  }),
  containerLabels: entry({
    flag: 'container.labels',
    group: 'Engines',
    placeholder: '<names>',
    help: 'Labels of containers to export as isolation_container_labels_info, separated by commas. Can be repeated; 50 at most.',
    defaults: [''],
    expected: 'names of labels such as app or app.kubernetes.io/name, separated by commas',
    repeatable: true,
    empty: 'off',
    parse: parseLabelNames,
  }),
  layerInterval: entry({
    flag: 'layers.interval',
    group: 'Engines',
    placeholder: '<duration>',
    help: 'How old the sizes of --collector.layers may become before they are measured again, in a process of its own.',
    defaults: ['10m'],
    expected: 'a duration from 10s to 24h such as 1m or 1h',
    parse: (text) => within(parseDuration(text), { from: 10_000, to: 24 * 3_600_000 }),
  }),
  walkInterval: entry({
    flag: 'discovery.walk-interval',
    group: 'Discovery',
    placeholder: '<duration>',
    help: 'Interval between full walks of the cgroup tree, in addition to inotify.',
    defaults: ['10s'],
    expected: 'a duration from 100ms to 24h such as 500ms, 10s or 1m',
    parse: (text) => within(parseDuration(text), { from: 100, to: 24 * 3_600_000 }),
  }),
  maxNested: entry({
    flag: 'discovery.max-nested',
    group: 'Discovery',
    placeholder: '<count>',
    help: 'Maximum number of containers inside one container that are exported as containers; the rest counts as part of it. 0 for no limit.',
    defaults: ['64'],
    expected: 'a whole number',
    parse: parseCount,
  }),
  maxPerUser: entry({
    flag: 'discovery.max-per-user',
    group: 'Discovery',
    placeholder: '<count>',
    help: 'Maximum number of containers of an unprivileged user that are exported. 0 for no limit.',
    defaults: ['100'],
    expected: 'a whole number',
    parse: parseCount,
  }),
  acceptFile: entry({
    flag: 'findings.accept-file',
    group: 'Findings',
    placeholder: '<file>',
    help: 'Findings that are accepted, for a reason: they stay visible, but neither fire alerts nor fail a scan. Empty to disable.',
    defaults: [''],
    expected: 'the path of a file',
    empty: 'off',
    parse: parseFile,
  }),
  oomRetention: entry({
    flag: 'oom.retention',
    group: 'OOM kills',
    placeholder: '<duration>',
    help: 'How long the OOM kills of a container are exported after it is gone.',
    defaults: ['1h'],
    expected: 'a duration from 1m to 168h such as 30m or 24h',
    parse: (text) => within(parseDuration(text), { from: 60_000, to: 168 * 3_600_000 }),
  }),
  oomStateFile: entry({
    flag: 'oom.state-file',
    group: 'OOM kills',
    placeholder: '<file>',
    help: 'File that keeps OOM kills across restarts of the exporter; empty to disable.',
    defaults: [''],
    expected: 'the path of a file',
    empty: 'off',
    parse: parseFile,
  }),
  logLevel: choice(LOG_LEVELS, {
    flag: 'log.level',
    group: 'Log',
    placeholder: '<level>',
    help: `Lowest severity to log: ${listOf(LOG_LEVELS)}.`,
    defaults: ['info'],
  }),
  logFormat: choice(LOG_FORMATS, {
    flag: 'log.format',
    group: 'Log',
    placeholder: '<format>',
    help: `Format of log lines: ${listOf(LOG_FORMATS)}.`,
    defaults: ['logfmt'],
  }),
};

/** The flag that enables a collector; `no-` in front disables it. */
export function collectorFlag(name: string): string {
  return `collector.${name}`;
}

/** The environment variable of a flag. */
export function variableOf(flag: string): string {
  return `ISOLATION_EXPORTER_${flag.replaceAll(/[^a-zA-Z0-9]/g, '_').toUpperCase()}`;
}

function within(value: number | undefined, range: { readonly from: number; readonly to: number }): number | undefined {
  return value !== undefined && value >= range.from && value <= range.to ? value : undefined;
}

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

/** An option: all that its flag, its environment variable, the help and the documentation need. */
export interface OptionEntry<T> {
  /** Without the dashes in front. */
  readonly flag: string;
  readonly group: OptionGroup | 'Output';
  /** Stands for the value in the help. */
  readonly placeholder: string;
  readonly help: string;
  /** As a user would write it; several only where the option is `repeatable`. */
  readonly defaults: readonly [string, ...string[]];
  /** Completes "expected …". */
  readonly expected: string;
  readonly repeatable?: true;
  /** What the empty value means. Without it, an empty value is wrong and an empty variable is none. */
  readonly empty?: string;
  /** Has no variable in the environment: it is about one run, and not about the machine. */
  readonly commandLineOnly?: true;
  /** `undefined`: the text is not what is expected. */
  parse(text: string): T | undefined;
}

/** The headings of the help, in order. */
export const OPTION_GROUPS = ['Web', 'Paths', 'Engines', 'Discovery', 'OOM kills', 'Log', 'Collectors'] as const;
export type OptionGroup = (typeof OPTION_GROUPS)[number];

/** What the help needs to know of a collector. */
export interface CollectorEntry {
  readonly name: string;
  readonly help: string;
}

const ENGINE_HOST = 'unix:///path, tcp://host:port, http://host:port or https://host:port';

/** All options of the daemon but those of the collectors, in the order of the help. */
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
    help: 'Path of the metrics.',
    defaults: ['/metrics'],
    expected: 'a path such as /metrics that no other page has',
    parse: (text) => (['/-/healthy', '/-/ready', '/healthz'].includes(text) ? undefined : parseUrlPath(text)),
  }),
  maxRequests: entry({
    flag: 'web.max-requests',
    group: 'Web',
    placeholder: '<count>',
    help: 'How many requests for metrics are answered at a time; 0 for any number.',
    defaults: ['40'],
    expected: 'a whole number',
    parse: parseCount,
  }),
  webConfigFile: entry({
    flag: 'web.config.file',
    group: 'Web',
    placeholder: '<file>',
    help: "TLS and users with passwords, in the format of Prometheus' exporter-toolkit; empty to do without.",
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
    help: 'The log of the kernel, for the victims of OOM kills; empty to do without.',
    defaults: ['/dev/kmsg'],
    expected: 'an absolute path',
    empty: 'off',
    parse: parsePath,
  }),
  docker: entry({
    flag: 'docker.host',
    group: 'Engines',
    placeholder: '<url>',
    help: 'API of Docker, for names only; empty to do without.',
    defaults: ['unix:///var/run/docker.sock'],
    expected: ENGINE_HOST,
    empty: 'off',
    parse: parseEngineHost,
  }),
  podman: entry({
    flag: 'podman.host',
    group: 'Engines',
    placeholder: '<url>',
    help: 'API of Podman, for names only; empty to do without.',
    defaults: ['unix:///run/podman/podman.sock'],
    expected: ENGINE_HOST,
    empty: 'off',
    parse: parseEngineHost,
  }),
  cri: entry({
    flag: 'cri.endpoint',
    group: 'Engines',
    placeholder: '<path>',
    help: 'Socket of containerd or CRI-O, for the names of pods and their containers; empty to do without. Can be repeated: the first one that answers is asked.',
    defaults: [
      // containerd last: it is there on many hosts whose pods are another's.
      'unix:///run/k3s/containerd/containerd.sock',
      'unix:///run/crio/crio.sock',
      'unix:///run/containerd/containerd.sock',
    ],
    expected: 'unix:///path or an absolute path',
    repeatable: true,
    empty: 'off',
    parse: parseUnixSocket,
  }),
  walkInterval: entry({
    flag: 'discovery.walk-interval',
    group: 'Discovery',
    placeholder: '<duration>',
    help: 'How often the whole cgroup tree is walked, besides being watched.',
    defaults: ['10s'],
    expected: 'a duration from 100ms to 24h such as 500ms, 10s or 1m',
    parse: (text) => within(parseDuration(text), { from: 100, to: 24 * 3_600_000 }),
  }),
  oomRetention: entry({
    flag: 'oom.retention',
    group: 'OOM kills',
    placeholder: '<duration>',
    help: 'How long the OOM kills of a container are still reported after its end.',
    defaults: ['1h'],
    expected: 'a duration from 1m to 168h such as 30m or 24h',
    parse: (text) => within(parseDuration(text), { from: 60_000, to: 168 * 3_600_000 }),
  }),
  oomStateFile: entry({
    flag: 'oom.state-file',
    group: 'OOM kills',
    placeholder: '<file>',
    help: 'Keeps OOM kills over a restart of the exporter; empty to do without.',
    defaults: [''],
    expected: 'the path of a file',
    empty: 'off',
    parse: parseFile,
  }),
  logLevel: choice(LOG_LEVELS, {
    flag: 'log.level',
    group: 'Log',
    placeholder: '<level>',
    help: `Lowest severity that is logged: ${listOf(LOG_LEVELS)}.`,
    defaults: ['info'],
  }),
  logFormat: choice(LOG_FORMATS, {
    flag: 'log.format',
    group: 'Log',
    placeholder: '<format>',
    help: `What a line of the log looks like: ${listOf(LOG_FORMATS)}.`,
    defaults: ['logfmt'],
  }),
};

/** The switch that leaves only the collectors that are named. */
export const DISABLE_DEFAULTS = {
  flag: 'collector.disable-defaults',
  help: 'Run only the collectors that are switched on by name.',
} as const;

/** The flag that switches a collector on; with `no-` in front, off. */
export function collectorFlag(name: string): string {
  return `collector.${name}`;
}

/** The environment variable of a flag. */
export function variableOf(flag: string): string {
  return `ISOLATION_EXPORTER_${flag.replaceAll(/[^a-zA-Z0-9]/g, '_').toUpperCase()}`;
}

/** Checks an option and keeps the type of its value. */
export function entry<T>(option: OptionEntry<T>): OptionEntry<T> {
  return option;
}

/** An option whose value is one of these words. */
export function choice<Word extends string>(
  words: readonly Word[],
  option: Omit<OptionEntry<Word>, 'expected' | 'parse'>,
): OptionEntry<Word> {
  return { ...option, expected: listOf(words), parse: (text) => words.find((word) => word === text) };
}

function within(value: number | undefined, range: { readonly from: number; readonly to: number }): number | undefined {
  return value !== undefined && value >= range.from && value <= range.to ? value : undefined;
}

/** Joins words to `one, two or three`. */
export function listOf(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

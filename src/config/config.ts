import type { LogFormat, LogLevel } from '../log.ts';
import { type ContainerLabel, exportedLabels, MOST_LABELS } from './container-labels.ts';
import { OPTIONS, collectorFlag, variableOf } from './options.ts';
import type { CollectorEntry, OptionEntry } from './option-entry.ts';
import type { CadvisorLabels } from './options.ts';
import { ALL_FINDINGS, CREATED_TIMESTAMPS, DISABLE_DEFAULTS } from './switches.ts';
import type { Flags } from './command-line.ts';
import { parseSwitch } from './values.ts';
import type { EngineHost, ListenAddress, UnixHost } from './values.ts';

/** Settings of the HTTP server. */
export interface WebConfig {
  readonly listenAddresses: readonly ListenAddress[];
  readonly telemetryPath: string;
  /** `undefined`: disabled. */
  readonly cadvisorPath: string | undefined;
  /** 0: no limit. */
  readonly maxRequests: number;
  /** TLS and users; `undefined`: disabled. */
  readonly configFile: string | undefined;
}

/** An engine that provides names. */
export interface EngineConfig<Host = EngineHost> {
  /** Where it may listen, most likely first. At least one. Several of Docker or Podman are several engines. */
  readonly hosts: readonly Host[];
  /** The user did not configure it, so its absence is not a failure. */
  readonly isDefault: boolean;
}

/** The directory of links that the kubelet makes to the logs of containers. */
export interface KubeletLogsConfig {
  readonly directory: string;
  /** The user did not configure it, so its absence is not a failure. */
  readonly isDefault: boolean;
}

/** The whole configuration, checked and frozen. */
export interface Config {
  readonly web: WebConfig;
  /** The labels at {@link WebConfig.cadvisorPath}. */
  readonly cadvisorLabels: CadvisorLabels;
  /** Whether counters in OpenMetrics have a `_created` sample. */
  readonly createdTimestamps: boolean;
  readonly path: {
    readonly procfs: string;
    readonly cgroupfs: string;
    /** `undefined`: disabled. */
    readonly kmsg: string | undefined;
  };
  /** `undefined`: disabled. */
  readonly docker: EngineConfig | undefined;
  readonly podman: EngineConfig | undefined;
  readonly cri: EngineConfig<UnixHost> | undefined;
  readonly kubeletLogs: KubeletLogsConfig | undefined;
  /** The labels of containers to export. */
  readonly containerLabels: readonly ContainerLabel[];
  /** How old the sizes of writable layers may become, in ms. */
  readonly layerInterval: number;
  /** In ms. */
  readonly discovery: {
    readonly walkInterval: number;
    /** 0: no limit. */
    readonly maxNested: number;
    readonly maxPerUser: number;
  };
  /** The file with accepted findings; `undefined`: none. */
  readonly acceptFile: string | undefined;
  readonly oom: {
    /** In ms. */
    readonly retention: number;
    /** `undefined`: kills are lost at exit. */
    readonly stateFile: string | undefined;
  };
  readonly log: { readonly level: LogLevel; readonly format: LogFormat };
  /** The names of the enabled collectors, in the order of the exposition. */
  readonly collectors: readonly string[];
  /** Whether findings that a container does not have are exported too, as 0. */
  readonly allFindings: boolean;
  /** Environment variables with our prefix that name no option: probably misspelt. */
  readonly unknownVariables: readonly string[];
}

/** The environment, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The user asked for something that does not exist or is impossible. The message is one line. */
export class UsageError extends Error {}

/**
 * Creates the configuration from the command line, then the environment, then the defaults.
 *
 * @throws UsageError if a value is invalid.
 */
export function createConfig(input: {
  readonly flags: Flags;
  readonly environment: Environment;
  readonly collectors: readonly CollectorEntry[];
}): Config {
  const { environment, collectors } = input;
  const one = <T>(option: OptionEntry<T>): T => parseLast(option, valuesOf(option, input));
  const unlessEmpty = <T>(option: OptionEntry<T>): T | undefined =>
    valuesOf(option, input).values.at(-1) === '' ? undefined : one(option);
  const engine = <Host>(option: OptionEntry<Host>): EngineConfig<Host> | undefined => {
    const hosts = readOptions(option, input);
    return hosts.length === 0 ? undefined : { hosts, isDefault: valuesOf(option, input).source === 'default' };
  };
  return deepFreeze({
    web: {
      listenAddresses: listenAddresses(valuesOf(OPTIONS.listenAddresses, input)),
      telemetryPath: one(OPTIONS.telemetryPath),
      cadvisorPath: cadvisorPath(input),
      maxRequests: one(OPTIONS.maxRequests),
      configFile: unlessEmpty(OPTIONS.webConfigFile),
    },
    cadvisorLabels: one(OPTIONS.cadvisorLabels),
    createdTimestamps: switchOf(CREATED_TIMESTAMPS.flag, input) === true,
    path: { procfs: one(OPTIONS.procfs), cgroupfs: one(OPTIONS.cgroupfs), kmsg: unlessEmpty(OPTIONS.kmsg) },
    docker: engine(OPTIONS.docker),
    podman: engine(OPTIONS.podman),
    cri: engine(OPTIONS.cri),
    kubeletLogs: kubeletLogs(input),
    containerLabels: containerLabels(input),
    layerInterval: one(OPTIONS.layerInterval),
    discovery: {
      walkInterval: one(OPTIONS.walkInterval),
      maxNested: one(OPTIONS.maxNested),
      maxPerUser: one(OPTIONS.maxPerUser),
    },
    acceptFile: unlessEmpty(OPTIONS.acceptFile),
    oom: { retention: one(OPTIONS.oomRetention), stateFile: unlessEmpty(OPTIONS.oomStateFile) },
    log: { level: one(OPTIONS.logLevel), format: one(OPTIONS.logFormat) },
    collectors: enabledCollectors(input),
    allFindings: switchOf(ALL_FINDINGS.flag, input) === true,
    unknownVariables: unknownVariables(environment, collectors),
  });
}

/**
 * Reads one option that is not part of the configuration.
 *
 * @throws UsageError if its value is invalid.
 */
export function readOption<T>(option: OptionEntry<T>, sources: Sources): T {
  return parseLast(option, valuesOf(option, sources));
}

/**
 * Reads all values of a repeatable option, or the last value of another one; none if an empty one has a meaning.
 *
 * @throws UsageError if a value is invalid, also if it is empty: `--fail-on "$LEVEL"` without the variable must not pass every scan.
 */
export function readOptions<T>(option: OptionEntry<T>, sources: Sources): readonly T[] {
  const { source, values } = valuesOf(option, sources);
  const given = option.repeatable ? values : values.slice(-1);
  const mayBeEmpty = source === 'default' || option.empty !== undefined;
  return given.filter((text) => text !== '' || !mayBeEmpty).map((text) => parseValue(option, { source, text }));
}

function cadvisorPath(input: Sources): string | undefined {
  const given = valuesOf(OPTIONS.cadvisorPath, input);
  if (given.values.at(-1) === '') return undefined;
  const path = parseLast(OPTIONS.cadvisorPath, given);
  if (path !== readOption(OPTIONS.telemetryPath, input)) return path;
  throw new UsageError(`${given.source}: ${quote(path)} is the path of --${OPTIONS.telemetryPath.flag}`);
}

function kubeletLogs(input: Sources): KubeletLogsConfig | undefined {
  const given = valuesOf(OPTIONS.containerLogs, input);
  if (given.values.at(-1) === '') return undefined;
  return { directory: parseLast(OPTIONS.containerLogs, given), isDefault: given.source === 'default' };
}

function containerLabels(input: Sources): readonly ContainerLabel[] {
  const labels = exportedLabels(readOptions(OPTIONS.containerLabels, input).flat());
  if (labels.length <= MOST_LABELS) return labels;
  const { source } = valuesOf(OPTIONS.containerLabels, input);
  throw new UsageError(`${source}: ${labels.length} labels; at most ${MOST_LABELS} can be exported`);
}

interface Sources {
  readonly flags: Flags;
  readonly environment: Environment;
}

/** The values of an option and their source: `--log.level`, `ISOLATION_EXPORTER_LOG_LEVEL` or `default`. */
interface Given {
  readonly source: string;
  readonly values: readonly string[];
}

function valuesOf(option: OptionEntry<unknown>, { flags, environment }: Sources): Given {
  const flag = flags.get(option.flag);
  if (flag !== undefined) return { source: `--${option.flag}`, values: flag };
  const source = variableOf(option.flag);
  const text = option.commandLineOnly ? undefined : environment[source]?.trim();
  if (text === undefined || (text === '' && option.empty === undefined)) {
    return { source: 'default', values: option.defaults };
  }
  return { source, values: option.repeatable ? text.split(',').map((value) => value.trim()) : [text] };
}

function parseLast<T>(option: OptionEntry<T>, { source, values }: Given): T {
  return parseValue(option, { source, text: values.at(-1) ?? '' });
}

function parseValue<T>(option: OptionEntry<T>, { source, text }: { source: string; text: string }): T {
  const value = option.parse(text);
  if (value !== undefined) return value;
  const off = option.empty === undefined ? '' : ', or nothing';
  throw new UsageError(`${source}: expected ${option.expected}${off}, not ${quote(text)}`);
}

function listenAddresses({ source, values }: Given): ListenAddress[] {
  const addresses = values.map((text) => parseValue(OPTIONS.listenAddresses, { source, text }));
  const seen = new Set<string>();
  for (const { host, port, text } of addresses) {
    const key = `${host?.toLowerCase()} ${port}`;
    // Port 0 gives a different port each time.
    if (port !== 0 && seen.has(key)) throw new UsageError(`${source}: ${quote(text)} appears twice`);
    seen.add(key);
  }
  return addresses;
}

function enabledCollectors(input: Sources & { readonly collectors: readonly CollectorEntry[] }): string[] {
  const byDefault = switchOf(DISABLE_DEFAULTS.flag, input) !== true;
  return input.collectors
    .filter(({ name, offByDefault }) => switchOf(collectorFlag(name), input) ?? (byDefault && offByDefault !== true))
    .map(({ name }) => name);
}

function switchOf(flag: string, { flags, environment }: Sources): boolean | undefined {
  const source = variableOf(flag);
  const text = flags.get(flag)?.at(-1) ?? environment[source]?.trim() ?? '';
  if (text === '') return undefined;
  const value = parseSwitch(text);
  if (value === undefined) throw new UsageError(`${source}: expected true or false, not ${quote(text)}`);
  return value;
}

function unknownVariables(environment: Environment, collectors: readonly CollectorEntry[]): string[] {
  const flags = [
    ...Object.values(OPTIONS).map(({ flag }) => flag),
    ...collectors.map(({ name }) => collectorFlag(name)),
    DISABLE_DEFAULTS.flag,
    CREATED_TIMESTAMPS.flag,
    ALL_FINDINGS.flag,
  ];
  const known = new Set(flags.map(variableOf));
  const unknown = Object.keys(environment).filter((name) => name.startsWith(variableOf('')) && !known.has(name));
  return unknown.filter((name) => !OF_KUBERNETES.test(name)).toSorted();
}

/** Kubernetes sets such variables in each pod if a Service has our name. They are not the user's mistake. */
const OF_KUBERNETES = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/** Quotes an invalid value: shortened and printable. */
function quote(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(shown);
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}

import type { Config, EngineConfig } from '../config/config.ts';
import type { ContainerLabel } from '../config/container-labels.ts';
import type { CgroupMatch } from '../container.ts';
import type { EngineHost, UnixHost } from '../config/values.ts';
import type { HostRoot } from '../kernel/host-root.ts';
import { ConmonSource, type FindConmons } from './conmon-source.ts';
import { placeOfCri } from './cri.ts';
import { connectToDocker } from './docker.ts';
import { connectToPodman } from './podman.ts';
import type { EnginePlace, Named } from './engine-client.ts';
import { type EngineOptions, EngineSource } from './engine-source.ts';
import type { PathProbes } from '../probes/path-probes.ts';
import { inTime } from './in-time.ts';
import { KubeletLogSource } from './kubelet-log-source.ts';
import type { NameSource } from './name-source.ts';

/** Engines whose containers in pods the Container Runtime Interface may name. */
const CRI_ENGINES: ReadonlySet<string> = new Set(['containerd', 'cri-o', 'cri', 'kata']);

/** What each source needs. */
type SourceParts = Pick<EngineOptions, 'log' | 'checkPath' | 'timings'> & {
  readonly labels: readonly ContainerLabel[];
};

const PING_MS = 5_000;
const LIST_MS = 10_000;

/** A kind of engine and how to ask it. */
interface Kind<Host> {
  /** The label value, as in `isolation_source_up{source="docker"}`. */
  readonly name: string;
  readonly engine?: string;
  readonly mayKnow: (match: CgroupMatch) => boolean;
  readonly placeOf: (host: Host, labels?: readonly ContainerLabel[]) => EnginePlace;
}

export const DOCKER: Kind<EngineHost> = {
  name: 'docker',
  engine: 'docker',
  mayKnow: isOrMayBe('docker'),
  placeOf: (host, labels) => placeAt(host, connectToDocker, labels),
};

export const PODMAN: Kind<EngineHost> = {
  name: 'podman',
  engine: 'podman',
  mayKnow: isOrMayBe('podman'),
  placeOf: (host, labels) => placeAt(host, connectToPodman, labels),
};

export const CRI: Kind<UnixHost> = {
  name: 'cri',
  // Excludes containers of other containerd clients, and containers in a node that is itself a container (kind). The
  // runtime does not know them, so waiting for their names would be pointless.
  mayKnow: ({ engine, podUid, outer }) => podUid !== undefined && outer === undefined && CRI_ENGINES.has(engine),
  placeOf: ({ path }, labels) => placeOfCri(path, labels),
};

/** Starts all configured sources, the best first. */
export function startNameSources(
  config: Pick<Config, 'docker' | 'podman' | 'cri' | 'kubeletLogs' | 'containerLabels' | 'oom'>,
  parts: Pick<EngineOptions, 'log' | 'checkPath'> & {
    readonly probes: PathProbes;
    readonly hostRoot: HostRoot;
    readonly findConmons: FindConmons;
  },
): NameSource[] {
  // Kills are exported for this long, under the names of containers that may no longer exist.
  const { log, checkPath, probes, hostRoot, findConmons } = parts;
  const ofEngine = { log, checkPath, timings: { history: config.oom.retention }, labels: config.containerLabels };
  return [
    startEach(DOCKER, config.docker, ofEngine),
    startEach(PODMAN, config.podman, ofEngine),
    start(CRI, config.cri, ofEngine),
    // Last, because the others know more. These need no access to an engine.
    new ConmonSource({ find: findConmons, hostRoot, probes, log }),
    config.kubeletLogs === undefined ? [] : new KubeletLogSource({ config: config.kubeletLogs, probes, log }),
  ].flat();
}

/**
 * Checks once whether an engine answers.
 *
 * @throws Error if it answers wrongly, or not within 5 s.
 */
export async function askEngine(place: EnginePlace): Promise<void> {
  try {
    const client = await place.connect(() => {});
    const { signal } = new AbortController();
    await inTime((call) => client.ping(call), { ms: PING_MS, signal, what: 'ping' });
  } finally {
    place.close();
  }
}

/**
 * Lists the running containers of an engine once.
 *
 * @throws Error if it answers wrongly, or not within 10 s.
 */
export async function listContainersOf(place: EnginePlace): Promise<readonly Named[]> {
  try {
    const client = await place.connect(() => {});
    const { signal } = new AbortController();
    const { containers, running } = await inTime((call) => client.list(call), { ms: LIST_MS, signal, what: 'list' });
    return containers.filter(({ id }) => running.has(id));
  } finally {
    place.close();
  }
}

function start<Host>(kind: Kind<Host>, config: EngineConfig<Host> | undefined, parts: SourceParts): NameSource[] {
  if (config === undefined) return [];
  const { hosts, isDefault } = config;
  const { labels, ...others } = parts;
  const { name, engine, mayKnow, placeOf } = kind;
  return [
    new EngineSource({
      ...others,
      name,
      engine,
      mayKnow,
      isDefault,
      places: hosts.map((host) => placeOf(host, labels)),
    }),
  ];
}

/** Starts one source for each host, because each is an engine of its own, such as those of root and of users. */
function startEach(kind: Kind<EngineHost>, config: EngineConfig | undefined, parts: SourceParts): NameSource[] {
  if (config === undefined) return [];
  const { hosts, isDefault } = config;
  const byName = new Map(hosts.map((host) => [nameAmong(hosts, kind.name, host), host]));
  return [...byName].flatMap(([name, host]) => start({ ...kind, name }, { hosts: [host], isDefault }, parts));
}

/** The name of an engine's source: `docker`, or `docker:/run/user/1000/docker.sock` if there are several. */
function nameAmong(hosts: readonly EngineHost[], name: string, host: EngineHost): string {
  return hosts.length === 1 ? name : `${name}:${host.kind === 'unix' ? host.path : host.text}`;
}

function isOrMayBe(name: string): (match: CgroupMatch) => boolean {
  return ({ engine, engineGuessed }) => engine === name || engineGuessed === true;
}

function placeAt(
  host: EngineHost,
  connect: typeof connectToPodman,
  labels: readonly ContainerLabel[] = [],
): EnginePlace {
  const isSocket = host.kind === 'unix';
  return {
    socketPath: isSocket ? host.path : undefined,
    connect: (onLimit) => connect(isSocket ? { socketPath: host.path } : host, onLimit, { labels }),
    close() {},
  };
}

import type { Config, EngineConfig } from '../config/config.ts';
import type { CgroupMatch } from '../container.ts';
import type { EngineHost, UnixHost } from '../config/values.ts';
import type { HostRoot } from './conmon.ts';
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

const PING_MS = 5_000;
const LIST_MS = 10_000;

/** A kind of engine and how to ask it. */
interface Kind<Host> {
  /** The label value, as in `isolation_source_up{source="docker"}`. */
  readonly name: string;
  readonly engine?: string;
  readonly mayKnow: (match: CgroupMatch) => boolean;
  readonly placeOf: (host: Host) => EnginePlace;
}

export const DOCKER: Kind<EngineHost> = {
  name: 'docker',
  engine: 'docker',
  mayKnow: isOrMayBe('docker'),
  placeOf: (host) => placeAt(host, connectToDocker),
};

export const PODMAN: Kind<EngineHost> = {
  name: 'podman',
  engine: 'podman',
  mayKnow: isOrMayBe('podman'),
  placeOf: (host) => placeAt(host, connectToPodman),
};

export const CRI: Kind<UnixHost> = {
  name: 'cri',
  // Excludes containers of other containerd clients, and containers in a node that is itself a container (kind). The
  // runtime does not know them, so waiting for their names would be pointless.
  mayKnow: ({ engine, podUid, outer }) => podUid !== undefined && outer === undefined && CRI_ENGINES.has(engine),
  placeOf: ({ path }) => placeOfCri(path),
};

/** Starts all configured sources, the best first. */
export function startNameSources(
  config: Pick<Config, 'docker' | 'podman' | 'cri' | 'kubeletLogs' | 'oom'>,
  parts: Pick<EngineOptions, 'log' | 'checkPath'> & {
    readonly probes: PathProbes;
    readonly hostRoot: HostRoot;
    readonly findConmons: FindConmons;
  },
): NameSource[] {
  // Kills are exported for this long, under the names of containers that may no longer exist.
  const { log, checkPath, probes, hostRoot, findConmons } = parts;
  const ofEngine = { log, checkPath, timings: { history: config.oom.retention } };
  return [
    start(DOCKER, config.docker, ofEngine),
    start(PODMAN, config.podman, ofEngine),
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

function start<Host>(
  kind: Kind<Host>,
  config: EngineConfig<Host> | undefined,
  parts: Pick<EngineOptions, 'log' | 'checkPath' | 'timings'>,
): NameSource[] {
  if (config === undefined) return [];
  const { hosts, isDefault } = config;
  const { name, engine, mayKnow, placeOf } = kind;
  return [new EngineSource({ ...parts, name, engine, mayKnow, isDefault, places: hosts.map(placeOf) })];
}

function isOrMayBe(name: string): (match: CgroupMatch) => boolean {
  return ({ engine, engineGuessed }) => engine === name || engineGuessed === true;
}

function placeAt(host: EngineHost, connect: typeof connectToPodman): EnginePlace {
  const isSocket = host.kind === 'unix';
  return {
    socketPath: isSocket ? host.path : undefined,
    connect: (onLimit) => connect(isSocket ? { socketPath: host.path } : host, onLimit),
    close() {},
  };
}

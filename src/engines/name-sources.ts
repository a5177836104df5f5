import type { Config, EngineConfig } from '../config/config.ts';
import type { CgroupMatch } from '../container.ts';
import type { Log } from '../log.ts';
import type { EngineHost, UnixHost } from '../config/values.ts';
import { placeOfCri } from './cri.ts';
import { connectToDocker } from './docker.ts';
import type { EnginePlace } from './engine-client.ts';
import { EngineSource } from './engine-source.ts';
import { inTime } from './in-time.ts';
import type { NameSource } from './name-source.ts';

/** Engines whose containers in pods a runtime with the Container Runtime Interface knows. */
const CRI_ENGINES: ReadonlySet<string> = new Set(['containerd', 'cri-o', 'cri', 'kata']);

const PING_MS = 2_000;

/** One kind of engine, and how it is asked. */
interface Kind<Host> {
  /** As in `isolation_source_up{source="docker"}`. */
  readonly name: string;
  readonly mayKnow: (match: CgroupMatch) => boolean;
  readonly placeOf: (host: Host) => EnginePlace;
}

export const DOCKER: Kind<EngineHost> = {
  name: 'docker',
  mayKnow: ({ engine }) => engine === 'docker',
  placeOf: placeOfDocker,
};

export const PODMAN: Kind<EngineHost> = {
  name: 'podman',
  mayKnow: ({ engine }) => engine === 'podman',
  placeOf: placeOfDocker,
};

export const CRI: Kind<UnixHost> = {
  name: 'cri',
  // Not those that containerd has from other clients, nor those in a node that is a container itself (kind): nobody is to
  // wait for names of theirs.
  mayKnow: ({ engine, podUid, outer }) => podUid !== undefined && outer === undefined && CRI_ENGINES.has(engine),
  placeOf: ({ path }) => placeOfCri(path),
};

/** Starts to ask the engines that are configured. */
export function startNameSources(config: Pick<Config, 'docker' | 'podman' | 'cri'>, log: Log): NameSource[] {
  return [start(DOCKER, config.docker, log), start(PODMAN, config.podman, log), start(CRI, config.cri, log)].flat();
}

/**
 * Asks an engine once whether it is there.
 *
 * @throws Error if it does not answer well, or not within 2 s.
 */
export async function askEngine(place: EnginePlace): Promise<void> {
  try {
    const client = await place.connect();
    const { signal } = new AbortController();
    await inTime((call) => client.ping(call), { ms: PING_MS, signal, what: 'ping' });
  } finally {
    place.close();
  }
}

function start<Host>(kind: Kind<Host>, config: EngineConfig<Host> | undefined, log: Log): NameSource[] {
  if (config === undefined) return [];
  const { hosts, isDefault } = config;
  const { name, mayKnow, placeOf } = kind;
  return [new EngineSource({ name, mayKnow, isDefault, log, places: hosts.map(placeOf) })];
}

function placeOfDocker(host: EngineHost): EnginePlace {
  const isSocket = host.kind === 'unix';
  return {
    socketPath: isSocket ? host.path : undefined,
    connect: () => connectToDocker(isSocket ? { socketPath: host.path } : host),
    close() {},
  };
}

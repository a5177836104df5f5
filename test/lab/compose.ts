import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const FILE = new URL('../../deploy/docker/compose.yaml', import.meta.url);

/** Paths in the file are relative to it. */
const DIRECTORY = dirname(fileURLToPath(FILE));

/** A service of the compose file. */
export interface ComposeService {
  /** The container's name; `undefined`: compose chooses one. */
  readonly name: string | undefined;
  readonly image: string;
  /** The equivalent options of `docker run`, without name, networks and health check. */
  readonly options: readonly string[];
  readonly command: readonly string[];
  readonly networks: readonly string[];
}

/** Which option of `docker run` a key is, and whether it may be repeated. */
const OPTIONS: Readonly<Record<string, string>> = {
  pid: '--pid',
  cgroup: '--cgroupns',
  read_only: '--read-only',
  mem_limit: '--memory',
  restart: '--restart',
  volumes: '--volume',
  devices: '--device',
  tmpfs: '--tmpfs',
  environment: '--env',
  cap_add: '--cap-add',
  cap_drop: '--cap-drop',
  security_opt: '--security-opt',
};

/**
 * Reads a service of deploy/docker/compose.yaml.
 *
 * @throws Error for a key without a known equivalent.
 */
export function composeService(name: string): ComposeService {
  const {
    image,
    container_name,
    command = [],
    networks = [],
    build: _,
    healthcheck: __,
    ...rest
  } = composeServices()[name] ?? {};
  if (typeof image !== 'string') throw new Error(`${fileURLToPath(FILE)} has no service ${name} with an image`);
  const options = Object.entries(rest).flatMap(([key, value]) => {
    const option = OPTIONS[key];
    if (option === undefined) throw new Error(`No option of docker run is known for ${key} of ${name}`);
    return wordsOf(value).map((word) => `${option}=${word.replace(/^seccomp=\.\//, `seccomp=${DIRECTORY}/`)}`);
  });
  return {
    name: container_name as string | undefined,
    image,
    options,
    command: command as string[],
    networks: networks as string[],
  };
}

/** All services of the compose file. */
export function composeServices(): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  return (parse(readFileSync(FILE, 'utf8'), { merge: true }) as { services: Record<string, Record<string, unknown>> })
    .services;
}

/** The entries of a list, or `key=value` for each entry of a map. */
function wordsOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map(String);
  if (typeof value !== 'object' || value === null) return [String(value)];
  return Object.entries(value).map(([key, one]) => `${key}=${String(one)}`);
}

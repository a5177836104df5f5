import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** A service of the compose file. */
export interface ComposeService {
  readonly image: string;
  /** What `docker run` takes before the image to do the same, but for its networks. */
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
 * @throws Error if it says something that this does not know how to say to `docker run`.
 */
export function composeService(name: string): ComposeService {
  const file = new URL('../../deploy/docker/compose.yaml', import.meta.url);
  const { services } = parse(readFileSync(file, 'utf8')) as { services: Record<string, Record<string, unknown>> };
  const { image, command = [], networks = [], build: _, ...rest } = services[name] ?? {};
  if (typeof image !== 'string') throw new Error(`${fileURLToPath(file)} has no service ${name} with an image`);
  const options = Object.entries(rest).flatMap(([key, value]) => {
    const option = OPTIONS[key];
    if (option === undefined) throw new Error(`No option of docker run is known for ${key} of ${name}`);
    return wordsOf(value).map((word) => `${option}=${word}`);
  });
  return { image, options, command: command as string[], networks: networks as string[] };
}

/** Of a list its entries, of a map `key=value`. */
function wordsOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map(String);
  if (typeof value !== 'object' || value === null) return [String(value)];
  return Object.entries(value).map(([key, one]) => `${key}=${String(one)}`);
}

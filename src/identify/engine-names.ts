import type { Names } from '../container.ts';

/** Longer than any name that means something; what an engine says is not to be trusted. */
const LONGEST = 1_000;

/**
 * What a Docker-compatible engine's `GET /containers/<id>/json` says of a container's names. Fields of a wrong type are
 * as good as absent.
 */
export function namesFromInspect(answer: unknown): Names {
  const config = field(answer, 'Config');
  const labels = field(config, 'Labels');
  const host = field(answer, 'HostConfig');
  return compact({
    name: text(field(answer, 'Name'))?.replace(/^\//, ''),
    image: text(field(config, 'Image')),
    runtime: text(field(host, 'Runtime')),
    composeProject: text(field(labels, 'com.docker.compose.project')),
    composeService: text(field(labels, 'com.docker.compose.service')),
    namespace: text(field(labels, 'io.kubernetes.pod.namespace')),
    pod: text(field(labels, 'io.kubernetes.pod.name')),
    containerInPod: text(field(labels, 'io.kubernetes.container.name')),
    infra: field(labels, 'io.kubernetes.docker.type') === 'podsandbox' ? true : undefined,
  });
}

/** The ids in the answer of `GET /containers/json`. */
export function idsFromList(answer: unknown): string[] {
  return Array.isArray(answer) ? answer.flatMap((container) => text(field(container, 'Id')) ?? []) : [];
}

/** What an event of `GET /events` is about. */
export function containerOfEvent(line: string): { readonly id: string; readonly action: string } | undefined {
  try {
    const event: unknown = JSON.parse(line);
    const id = text(field(field(event, 'Actor'), 'ID')) ?? text(field(event, 'id'));
    const action = text(field(event, 'Action')) ?? text(field(event, 'status'));
    return id === undefined || action === undefined ? undefined : { id, action };
  } catch {
    return undefined;
  }
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, LONGEST) : undefined;
}

function compact(names: { [K in keyof Names]: Names[K] | undefined }): Names {
  return Object.fromEntries(Object.entries(names).filter(([, value]) => value !== undefined));
}

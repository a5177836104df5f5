import type { Names } from '../container.ts';
import { field, type Named, named, text } from './engine-client.ts';

/** What Podman's API says for every runtime, so it means nothing. */
const NO_RUNTIME = 'oci';

/** One event of Docker's API. */
export interface DockerEvent extends Named {
  /** `create`, `start`, `rename`, `destroy`, … */
  readonly action: string;
  /** Wall-clock time in ms since the epoch, to the second. */
  readonly at: number | undefined;
}

/**
 * Names in the answer to `GET /containers/<id>/json` of Docker's API. A field of a wrong type counts as absent; without an
 * id the result is `undefined`.
 */
export function namedByInspect(answer: unknown): Named | undefined {
  const config = field(answer, 'Config');
  const runtime = text(field(field(answer, 'HostConfig'), 'Runtime'));
  return named(field(answer, 'Id'), {
    ...labelled(field(config, 'Labels')),
    name: plainName(field(answer, 'Name')),
    image: text(field(config, 'Image')),
    runtime: runtime === NO_RUNTIME ? undefined : runtime,
  });
}

/** Names in the answer to `GET /containers/json`; the runtime is missing there. */
export function namedByList(answer: unknown): Named[] {
  if (!Array.isArray(answer)) throw new SyntaxError('The list of containers is not a list');
  return answer.flatMap((container) => {
    const names = field(container, 'Names');
    return (
      named(field(container, 'Id'), {
        ...labelled(field(container, 'Labels')),
        // A container that links to it adds the name `/other/alias`.
        name: (Array.isArray(names) ? names : []).map(plainName).find((name) => name?.includes('/') === false),
        image: text(field(container, 'Image')),
      }) ?? []
    );
  });
}

/**
 * Parses a line of `GET /events`. The attributes of its actor are the container's labels and, among them, `name` and
 * `image`, which name a container that was removed before it could be inspected. Docker remembers the last 256 events,
 * Podman writes them to a log:
 *
 *     {"status":"die","id":"f2a9…","from":"lab:1","Type":"container","Action":"die","Actor":{"ID":"f2a9…",
 *      "Attributes":{"exitCode":"137","image":"lab:1","name":"web"}},"scope":"local","time":1795905377,"timeNano":…}
 */
export function namedByEvent(line: string): DockerEvent | undefined {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    return undefined;
  }
  const actor = field(event, 'Actor');
  const attributes = field(actor, 'Attributes');
  const action = text(field(event, 'Action'));
  const seconds = field(event, 'time');
  const at = typeof seconds === 'number' ? seconds * 1000 : undefined;
  const found = named(field(actor, 'ID'), {
    ...labelled(attributes),
    name: plainName(field(attributes, 'name')),
    image: text(field(attributes, 'image')),
  });
  return found && action && field(event, 'Type') === 'container' ? { ...found, action, at } : undefined;
}

/** Names in labels: Compose's, and those that the kubelet gave containers of Docker. */
function labelled(labels: unknown): { [K in keyof Names]: Names[K] | undefined } {
  return {
    composeProject: text(field(labels, 'com.docker.compose.project')),
    composeService: text(field(labels, 'com.docker.compose.service')),
    namespace: text(field(labels, 'io.kubernetes.pod.namespace')),
    pod: text(field(labels, 'io.kubernetes.pod.name')),
    containerInPod: text(field(labels, 'io.kubernetes.container.name')),
    infra: field(labels, 'io.kubernetes.docker.type') === 'podsandbox' ? true : undefined,
  };
}

/** Docker writes `/web`, Podman `web`. */
function plainName(name: unknown): string | undefined {
  return text(text(name)?.replace(/^\//, ''));
}

import type { Names } from '../container.ts';
import { field, type Named, named, text } from './engine-client.ts';

/** What podman's API calls every runtime: it says nothing. */
const NO_RUNTIME = 'oci';

/** What an event is about. */
export interface DockerEvent extends Named {
  /** `create`, `start`, `rename`, `destroy`, … */
  readonly action: string;
}

/**
 * What `GET /containers/<id>/json` of Docker's API says. Fields of a wrong type are as good as absent; without an id it
 * is `undefined`.
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

/** What `GET /containers/json` says of each container; all but the runtime. */
export function namedByList(answer: unknown): Named[] {
  if (!Array.isArray(answer)) throw new SyntaxError('The list of containers is not a list');
  return answer.flatMap((container) => {
    const names = field(container, 'Names');
    return (
      named(field(container, 'Id'), {
        ...labelled(field(container, 'Labels')),
        // One that links to it has given it the name `/other/alias` as well.
        name: (Array.isArray(names) ? names : []).map(plainName).find((name) => name?.includes('/') === false),
        image: text(field(container, 'Image')),
      }) ?? []
    );
  });
}

/**
 * What a line of `GET /events` says. The attributes of its actor are the container's labels and, among them, `name` and
 * `image`: enough to name a container that is gone before it could be asked about.
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
  const found = named(field(actor, 'ID'), {
    ...labelled(attributes),
    name: plainName(field(attributes, 'name')),
    image: text(field(attributes, 'image')),
  });
  return found && action && field(event, 'Type') === 'container' ? { ...found, action } : undefined;
}

/** Names by label: those of Compose, and those by which the kubelet marked containers of Docker. */
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

import type { Names } from '../container.ts';

/** Longer than any name that means something; what an engine says is not to be trusted. */
const LONGEST = 1_000;

/** What podman's API calls every runtime: it says nothing. */
const NO_RUNTIME = 'oci';

/** What an engine says of one container. */
export interface Named {
  readonly id: string;
  readonly names: Names;
}

/** What an event is about. */
export interface EngineEvent extends Named {
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
export function namedByEvent(line: string): EngineEvent | undefined {
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
function labelled(labels: unknown): Optional<Names> {
  return {
    composeProject: text(field(labels, 'com.docker.compose.project')),
    composeService: text(field(labels, 'com.docker.compose.service')),
    namespace: text(field(labels, 'io.kubernetes.pod.namespace')),
    pod: text(field(labels, 'io.kubernetes.pod.name')),
    containerInPod: text(field(labels, 'io.kubernetes.container.name')),
    infra: field(labels, 'io.kubernetes.docker.type') === 'podsandbox' ? true : undefined,
  };
}

type Optional<T> = { [K in keyof T]: T[K] | undefined };

function named(id: unknown, names: Optional<Names>): Named | undefined {
  if (typeof id !== 'string' || id === '' || id.length > LONGEST) return undefined;
  return { id, names: Object.fromEntries(Object.entries(names).filter(([, value]) => value !== undefined)) };
}

/** Docker writes `/web`, Podman `web`. */
function plainName(name: unknown): string | undefined {
  return text(text(name)?.replace(/^\//, ''));
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value.slice(0, LONGEST) : undefined;
}

import type { Names } from '../container.ts';
import { field, type Named, named, text } from './engine-client.ts';
import type { Selection } from './json-projection.ts';

/** Names that come from a container's labels: those of Compose, and those the kubelet sets on containers of Docker. */
export const NAME_LABELS = {
  composeProject: 'com.docker.compose.project',
  composeService: 'com.docker.compose.service',
  namespace: 'io.kubernetes.pod.namespace',
  pod: 'io.kubernetes.pod.name',
  containerInPod: 'io.kubernetes.container.name',
} as const satisfies Partial<Record<keyof Names, string>>;

/** The value of this label is `podsandbox` on a pod's pause container. */
const SANDBOX_LABEL = 'io.kubernetes.docker.type';

const LABELS: Selection = selected(...Object.values(NAME_LABELS), SANDBOX_LABEL);

/** The members read from `GET /containers/<id>/json`. */
export const INSPECT_SELECTION: Selection = {
  ...selected('Id', 'Name'),
  Config: { Image: true, Labels: LABELS },
  HostConfig: { Runtime: true },
};

/** The members read of each container in `GET /containers/json`. */
export const LIST_SELECTION: Selection = { ...selected('Id', 'Names', 'Image'), Labels: LABELS };

/** The members read from each line of `GET /events`. */
export const EVENT_SELECTION: Selection = {
  ...selected('Type', 'Action', 'time'),
  Actor: { ID: true, Attributes: { ...selected('name', 'image', 'podId'), ...LABELS } },
};

/** Podman's API reports this for every runtime, so it carries no information. */
const NO_RUNTIME = 'oci';

/** An event of a container's life. */
export interface DockerEvent extends Named {
  /** `create`, `start`, `rename`, `destroy`, … */
  readonly action: string;
  /** Wall-clock time in ms since the epoch, to the second. */
  readonly at: number | undefined;
  /** The id of its pod; Podman only. */
  readonly podId?: string | undefined;
}

/**
 * Reads the answer of `GET /containers/<id>/json` of Docker's API. A field of the wrong type counts as absent;
 * `undefined` without an id.
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

/**
 * Reads the answer of `GET /containers/json`: all names except the runtime.
 *
 * @throws SyntaxError if it is not a list.
 */
export function namedByList(answer: unknown): Named[] {
  if (!Array.isArray(answer)) throw new SyntaxError('The list of containers is not a list');
  return answer.flatMap((container) => {
    const names = field(container, 'Names');
    return (
      named(field(container, 'Id'), {
        ...labelled(field(container, 'Labels')),
        // A container that links to this one adds the name `/other/alias`.
        name: (Array.isArray(names) ? names : []).map(plainName).find((name) => name?.includes('/') === false),
        image: text(field(container, 'Image')),
      }) ?? []
    );
  });
}

/**
 * Reads one line of `GET /events`. The attributes of its actor are the container's labels plus `name` and `image`, which
 * name a container that was removed before it could be inspected. Docker remembers the last 256 events, Podman writes
 * them to a log:
 *
 *     {"status":"die","id":"f2a9…","from":"lab:1","Type":"container","Action":"die","Actor":{"ID":"f2a9…",
 *      "Attributes":{"exitCode":"137","image":"lab:1","name":"web"}},"scope":"local","time":1795905377,"timeNano":…}
 */
export function namedByEvent(event: unknown): DockerEvent | undefined {
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
  const podId = text(field(attributes, 'podId'));
  return found && action && field(event, 'Type') === 'container' ? { ...found, action, at, podId } : undefined;
}

function labelled(labels: unknown): { [K in keyof Names]: Names[K] | undefined } {
  const names = Object.fromEntries(
    Object.entries(NAME_LABELS).map(([name, label]) => [name, text(field(labels, label))]),
  );
  return { ...names, infra: field(labels, SANDBOX_LABEL) === 'podsandbox' ? true : undefined };
}

/** Docker writes `/web`, Podman `web`. */
export function plainName(name: unknown): string | undefined {
  return text(text(name)?.replace(/^\//, ''));
}

/** Selects these members as they are. */
export function selected(...members: readonly string[]): Selection {
  return Object.fromEntries(members.map((member) => [member, true]));
}

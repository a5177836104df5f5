import type { ContainerLabel } from '../config/container-labels.ts';
import type { Exit, HealthStatus, Names } from '../container.ts';
import { codeOf, exitOf, healthOf, LIFE_SELECTION, RESTART_POLICY_SELECTION } from './docker-life.ts';
import { field, type Named, named, text } from './engine-client.ts';
import type { Selection } from './json-projection.ts';

/** Names that come from a container's labels: those of Compose and Swarm, and those the kubelet sets on containers of Docker. */
export const NAME_LABELS = {
  composeProject: 'com.docker.compose.project',
  composeService: 'com.docker.compose.service',
  swarmStack: 'com.docker.stack.namespace',
  swarmService: 'com.docker.swarm.service.name',
  swarmTask: 'com.docker.swarm.task.id',
  namespace: 'io.kubernetes.pod.namespace',
  pod: 'io.kubernetes.pod.name',
  containerInPod: 'io.kubernetes.container.name',
} as const satisfies Partial<Record<keyof Names, string>>;

/** The value of this label is `podsandbox` on a pod's pause container. */
const SANDBOX_LABEL = 'io.kubernetes.docker.type';

/** The node of Swarm that a container runs on. */
const NODE_LABEL = 'com.docker.swarm.node.id';

/** Whoever sets this label to `true` wants to know when the container does not run. */
const SHOULD_RUN_LABEL = 'isolation-exporter.should-run';

/** The labels that names come from, and those that users have chosen. */
export function labelsSelected(chosen: readonly ContainerLabel[]): Selection {
  const others = chosen.map(({ name }) => name);
  return selected(...Object.values(NAME_LABELS), SANDBOX_LABEL, NODE_LABEL, SHOULD_RUN_LABEL, ...others);
}

/** The members read from each kind of answer. */
interface Selections {
  /** From `GET /containers/<id>/json`. */
  readonly inspect: Selection;
  /** From each container in `GET /containers/json`. */
  readonly list: Selection;
  /** From each line of `GET /events`. */
  readonly event: Selection;
}

/** What to read of Docker's answers. */
export function dockerSelections(chosen: readonly ContainerLabel[]): Selections {
  const labels = labelsSelected(chosen);
  return {
    inspect: {
      ...selected('Id', 'Name'),
      ...LIFE_SELECTION,
      Config: { Image: true, Labels: labels },
      HostConfig: { Runtime: true, ...RESTART_POLICY_SELECTION },
    },
    list: { ...selected('Id', 'Names', 'Image', 'State'), Labels: labels },
    event: {
      ...selected('Type', 'Action', 'HealthStatus', 'time', 'timeNano'),
      Actor: {
        ID: true,
        Attributes: { ...selected('name', 'image', 'podId', 'exitCode', 'containerExitCode'), ...labels },
      },
    },
  };
}

/** Podman's API reports this for every runtime, so it carries no information. */
const NO_RUNTIME = 'oci';

/** An event of a container's life. */
export interface DockerEvent extends Named {
  /** `create`, `start`, `rename`, `health_status`, `destroy`, … */
  readonly action: string;
  /** How it ended, if it did. */
  readonly exit: Exit;
  /** What its health check found, if the event is about that. */
  readonly health: HealthStatus | undefined;
  /** Wall-clock time in ms since the epoch, to the second. */
  readonly at: number | undefined;
  /** The id of its pod; Podman only. */
  readonly podId?: string | undefined;
}

/**
 * Reads the answer of `GET /containers/<id>/json` of Docker's API. A field of the wrong type counts as absent;
 * `undefined` without an id.
 */
export function namedByInspect(answer: unknown, chosen: readonly ContainerLabel[] = []): Named | undefined {
  const config = field(answer, 'Config');
  const labels = field(config, 'Labels');
  const runtime = text(field(field(answer, 'HostConfig'), 'Runtime'));
  return named(field(answer, 'Id'), {
    ...labelled(labels, chosen),
    name: nameInSwarm(plainName(field(answer, 'Name')), labels),
    image: text(field(config, 'Image')),
    runtime: runtime === NO_RUNTIME ? undefined : runtime,
  });
}

/**
 * Reads the answer of `GET /containers/json`: all names except the runtime.
 *
 * @throws SyntaxError if it is not a list.
 */
export function namedByList(answer: unknown, chosen: readonly ContainerLabel[] = []): Named[] {
  if (!Array.isArray(answer)) throw new SyntaxError('The list of containers is not a list');
  return answer.flatMap((container) => {
    const names = field(container, 'Names');
    const labels = field(container, 'Labels');
    // A container that links to this one adds the name `/other/alias`.
    const name = (Array.isArray(names) ? names : []).map(plainName).find((each) => each?.includes('/') === false);
    return (
      named(field(container, 'Id'), {
        ...labelled(labels, chosen),
        name: nameInSwarm(name, labels),
        image: text(field(container, 'Image')),
      }) ?? []
    );
  });
}

/** The states of containers that were never started, of Docker and of Podman. */
const NEVER_STARTED: ReadonlySet<unknown> = new Set(['created', 'configured']);

/** Leaves out those containers of a list that were never started, unless they should run by their label. */
export function withoutUnstarted<Found extends Named>(listed: readonly unknown[], found: readonly Found[]): Found[] {
  const unstarted = listed.filter((container) => NEVER_STARTED.has(field(container, 'State')));
  const ids = new Set(unstarted.map((container) => named(field(container, 'Id'), {})?.id));
  return found.filter(({ id, names }) => names.shouldRun === true || !ids.has(id));
}

/**
 * The ids in the answer of `GET /containers/json` of containers that run. Docker also lists those that wait to be started
 * again.
 */
export function runningIn(containers: readonly unknown[]): ReadonlySet<string> {
  const running = containers.filter((container) => field(container, 'State') !== 'restarting');
  return new Set(running.flatMap((container) => named(field(container, 'Id'), {})?.id ?? []));
}

/**
 * Reads one line of `GET /events`. The attributes of its actor are the container's labels plus `name` and `image`, which
 * name a container that was removed before it could be inspected. Docker remembers the last 256 events, Podman writes
 * them to a log:
 *
 *     {"status":"die","id":"f2a9…","from":"lab:1","Type":"container","Action":"die","Actor":{"ID":"f2a9…",
 *      "Attributes":{"exitCode":"137","image":"lab:1","name":"web"}},"scope":"local","time":1795905377,"timeNano":…}
 *
 * Docker writes the result of a health check into the action (`health_status: healthy`), Podman beside it (`HealthStatus`).
 */
export function namedByEvent(event: unknown, chosen: readonly ContainerLabel[] = []): DockerEvent | undefined {
  const actor = field(event, 'Actor');
  const attributes = field(actor, 'Attributes');
  const [action, detail] = text(field(event, 'Action'))?.split(': ') ?? [];
  const seconds = field(event, 'time');
  const at = typeof seconds === 'number' ? seconds * 1000 : undefined;
  const found = named(field(actor, 'ID'), {
    ...labelled(attributes, chosen),
    name: nameInSwarm(plainName(field(attributes, 'name')), attributes),
    image: text(field(attributes, 'image')),
  });
  if (found === undefined || !action || field(event, 'Type') !== 'container') return undefined;
  const nanoseconds = field(event, 'timeNano');
  const code = codeOf(field(attributes, 'exitCode') ?? field(attributes, 'containerExitCode'));
  const endedAt = typeof nanoseconds === 'number' && nanoseconds > 0 ? nanoseconds / 1e9 : at && at / 1000;
  return {
    ...found,
    action,
    at,
    exit: exitOf({ code, at: endedAt, oomKilled: undefined }),
    health: healthOf(detail ?? field(event, 'HealthStatus')),
    podId: text(field(attributes, 'podId')),
  };
}

type MayBeNames = { [K in keyof Names]: Names[K] | undefined };

function labelled(labels: unknown, chosen: readonly ContainerLabel[]): MayBeNames {
  const infra = field(labels, SANDBOX_LABEL) === 'podsandbox' ? true : undefined;
  return { ...namesInLabels(labels, chosen), infra };
}

/** The names and the chosen labels among the labels of a container. */
export function namesInLabels(labels: unknown, chosen: readonly ContainerLabel[]): MayBeNames {
  const names = Object.entries(NAME_LABELS).map(([name, label]) => [name, text(field(labels, label))]);
  const shouldRun = field(labels, SHOULD_RUN_LABEL) === 'true' ? true : undefined;
  return { ...Object.fromEntries(names), shouldRun, ...chosenLabels(labels, chosen) };
}

/** The chosen labels that a container has. */
export function chosenLabels(
  labels: unknown,
  chosen: readonly ContainerLabel[],
): { [K in 'labels' | 'matchedLabels']: Names[K] | undefined } {
  const exported: (readonly [string, string])[] = [];
  const matched: (readonly [string, string])[] = [];
  for (const { name, exportedAs } of chosen) {
    const value = text(field(labels, name));
    if (value === undefined) continue;
    if (exportedAs === undefined) matched.push([name, value]);
    else exported.push([exportedAs, value]);
  }
  return { labels: recordOf(exported), matchedLabels: recordOf(matched) };
}

function recordOf(pairs: readonly (readonly [string, string])[]): Readonly<Record<string, string>> | undefined {
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
}

/**
 * The name of a task's container without the task's id, so that the next task continues its series: `web.1` for
 * `web.1.7aas3upge79h4ofswn317wcul`, and `agent` for `agent.<node>.<task>` of a global service, which has one task on each node. The
 * whole name must be the one that Swarm gives, because any image can have these labels.
 */
function nameInSwarm(name: string | undefined, labels: unknown): string | undefined {
  const service = text(field(labels, NAME_LABELS.swarmService));
  const task = text(field(labels, NAME_LABELS.swarmTask));
  if (name === undefined || service === undefined || task === undefined) return name;
  if (!name.startsWith(`${service}.`) || !name.endsWith(`.${task}`)) return name;
  const place = name.slice(service.length + 1, -task.length - 1);
  if (/^\d+$/.test(place)) return `${service}.${place}`;
  return place !== '' && place === field(labels, NODE_LABEL) ? service : name;
}

/** Docker writes `/web`, Podman `web`. */
export function plainName(name: unknown): string | undefined {
  return text(text(name)?.replace(/^\//, ''));
}

/** Selects these members as they are. */
export function selected(...members: readonly string[]): Selection {
  return Object.fromEntries(members.map((member) => [member, true]));
}
